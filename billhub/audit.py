"""The audit: append-only, each entry chained to the one before by its hash, so that a change to the past is seen."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from billhub.hub import Hub
from billhub.store.schema import audit, audit_head
from billhub.store.views import AuditView
from canonical_model.encoding import encode

GENESIS = "0" * 64


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened.

    Attributes:
        action: For example `invoice.released`.
        subject: Identifier of what it happened to.
        detail: What decided it: amounts, versions of mapping and policy, before and after.
    """

    action: str
    subject: str
    detail: Mapping[str, Any]


def append(connection: Connection, hub: Hub, entries: Sequence[Entry]) -> None:
    """Add entries in order, inside the caller's transaction."""
    if not entries:
        return
    seq, last = _lock_head(connection)
    rows = []
    for offset, entry in enumerate(entries, start=1):
        row = {
            "seq": seq + offset,
            "at": hub.at,
            "actor": hub.actor,
            "action": entry.action,
            "subject": entry.subject,
            "detail": encode(entry.detail).decode(),
            "prev_hash": last,
        }
        last = _hash(row)
        rows.append({**row, "hash": last})
    connection.execute(insert(audit), rows)
    connection.execute(update(audit_head).values(seq=seq + len(rows), hash=last))


def first_broken(connection: Connection) -> int | None:
    """Sequence number of the first entry that does not fit the chain, or None when the whole chain holds."""
    last, expected = GENESIS, 1
    for row in connection.execute(select(audit).order_by(audit.c.seq)).mappings():
        if row["seq"] != expected or not _is_sound(row, last):
            return expected
        last, expected = row["hash"], expected + 1
    head = connection.execute(select(audit_head)).mappings().first()
    return expected if head is not None and (head["seq"], head["hash"]) != (expected - 1, last) else None


def trail(connection: Connection, subjects: Sequence[str]) -> list[AuditView]:
    """The entries about these subjects in order, each held against the chain where it stands."""
    before = audit.alias("before")
    query = (
        select(audit, before.c.hash.label("hash_before"))
        .outerjoin(before, before.c.seq == audit.c.seq - 1)
        .where(audit.c.subject.in_(list(subjects)))
        .order_by(audit.c.seq)
    )
    return [_view(row) for row in connection.execute(query).mappings()]


def _view(row: Mapping[Any, Any]) -> AuditView:
    kept = ("seq", "at", "actor", "action", "subject", "hash")
    before = GENESIS if row["seq"] == 1 else row["hash_before"]
    holds = _is_sound(row, before)
    detail = msgspec.json.decode(row["detail"]) if holds else {"unsound": row["detail"]}
    return AuditView(**{name: row[name] for name in kept}, detail=detail, holds=holds)


def _is_sound(row: Mapping[Any, Any], before: str | None) -> bool:
    """Whether an entry has the hash of its contents and follows the entry with the hash `before`."""
    return bool(row["prev_hash"] == before and row["hash"] == _hash(row))


def _lock_head(connection: Connection) -> tuple[int, str]:
    head = connection.execute(select(audit_head).with_for_update()).mappings().one()
    return int(head["seq"]), str(head["hash"])


def _hash(row: Mapping[Any, Any]) -> str:
    parts = [str(row[name]) for name in ("seq", "at", "actor", "action", "subject", "detail", "prev_hash")]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
