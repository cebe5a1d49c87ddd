"""Delivery intents: what is to be written where, written down before it is sent.

An intent is claimed under a lease; a worker that dies lets its lease run out, and then the intent counts as uncertain, never as failed.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, insert, or_, select, update

from billhub.store.bulk import insert_new_rows
from billhub.store.schema import attempts, intents

LEASE_MS = 300_000
"""How long a worker may take for what it has claimed before others may take it over."""

_before = intents.alias("before")
_earlier = intents.alias("earlier")


def now_ms() -> int:
    """This moment in milliseconds. Leases and waiting times are about real time, not about the business date."""
    return time.time_ns() // 1_000_000


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write intents down in their order, all with the same columns; one that is there under its key already is left as it is."""
    if rows:
        columns = tuple(rows[0])
        insert_new_rows(connection, intents, columns, [tuple(row[name] for name in columns) for row in rows])


def claim(
    connection: Connection, target: str, *, worker: str, limit: int, due_by: int | None = None
) -> list[dict[str, Any]]:
    """Take up to `limit` intents of a target that are due now, of one entity, in order; other workers no longer see them.

    An intent is due when it is pending or uncertain, its waiting time is over, what must come before it is confirmed, and no earlier version of the
    same shared record is still under way. The rows come back as they were before the claim, so that `uncertain` is still to be seen.

    Args:
        connection: The caller's transaction.
        target: Whose intents.
        worker: Who takes them.
        limit: At most so many.
        due_by: Only those whose waiting time was over at this moment, in milliseconds; None for now.
    """
    now = now_ms()
    due_by = now if due_by is None else due_by
    entity = connection.execute(_due(intents.c.entity, target, due_by).limit(1)).scalar_one_or_none()
    if entity is None:
        return []
    query = (
        _due(intents, target, due_by).where(intents.c.entity == entity).limit(limit).with_for_update(skip_locked=True)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    ids = [row["intent_id"] for row in rows]
    lease = {"lease_owner": worker, "lease_until": now + LEASE_MS, "attempts": intents.c.attempts + 1}
    connection.execute(update(intents).where(intents.c.intent_id.in_(ids)).values(state="sending", **lease))
    return rows


def write_ahead(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what is about to be sent (`payload`, `content_hash`, `mapping_version`, `mapping_fingerprint`) by `intent_id`."""
    _change(connection, rows)


def record(connection: Connection, rows: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]]) -> None:
    """Keep outcomes by `intent_id`, with the history of each attempt."""
    _change(connection, rows)
    if history:
        connection.execute(insert(attempts), list(history))


def renew(connection: Connection, worker: str, intent_ids: Sequence[int]) -> set[int]:
    """Begin the lease anew for those of these that this worker still holds; returns them."""
    held = still_held(connection, worker, intent_ids)
    values = {"lease_until": now_ms() + LEASE_MS}
    connection.execute(update(intents).where(intents.c.intent_id.in_(held)).values(**values))
    return held


def still_held(connection: Connection, worker: str, intent_ids: Sequence[int]) -> set[int]:
    """Which of these this worker still holds; the others ran past their lease and belong to someone else."""
    query = select(intents.c.intent_id).where(
        intents.c.intent_id.in_(list(intent_ids)), intents.c.lease_owner == worker, intents.c.state == "sending"
    )
    return set(connection.execute(query.with_for_update()).scalars())


def being_sent(connection: Connection, target: str) -> list[dict[str, Any]]:
    """Everything that is being sent to a target, in order, without what another worker is taking over or recording at this moment."""
    query = (
        select(intents).where(intents.c.target == target, intents.c.state == "sending").order_by(intents.c.intent_id)
    )
    return [dict(row) for row in connection.execute(query.with_for_update(skip_locked=True)).mappings()]


def of_invoice(connection: Connection, invoice_id: str) -> list[Mapping[str, Any]]:
    """All intents of an invoice in order, and the shared ones that come before them."""
    query = select(intents).where(intents.c.invoice_id == invoice_id).order_by(intents.c.intent_id)
    rows: list[Mapping[str, Any]] = [dict(row) for row in connection.execute(query).mappings()]
    shared = [row["after_key"] for row in rows if row["after_key"]]
    before = select(intents).where(intents.c.key.in_(shared), intents.c.invoice_id.is_(None))
    return [dict(row) for row in connection.execute(before).mappings()] + rows


def answers(connection: Connection, invoice_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """What targets answered so far, as JSON by target, by invoice."""
    query = select(intents.c.invoice_id, intents.c.target, intents.c.answer).where(
        intents.c.invoice_id.in_(list(invoice_ids)), intents.c.state == "confirmed", intents.c.answer.is_not(None)
    )
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.invoice_id, {})[row.target] = row.answer
    return found


def fully_delivered(connection: Connection, invoice_ids: Sequence[str]) -> list[str]:
    """Which of these invoices have nothing left to deliver."""
    left = select(intents.c.invoice_id).where(
        intents.c.invoice_id.in_(list(invoice_ids)), intents.c.state != "confirmed"
    )
    unfinished = set(connection.execute(left).scalars())
    return sorted(set(invoice_ids) - unfinished)


def targets(connection: Connection, *, due_by: int) -> list[str]:
    """Targets that have anything due by a moment, in milliseconds, or being sent by a worker that may be gone."""
    due = and_(_waiting(due_by), _after_confirmed(), _first_version())
    query = select(intents.c.target).where(or_(intents.c.state == "sending", due)).distinct().order_by(intents.c.target)
    return list(connection.execute(query).scalars())


def next_due_in(connection: Connection) -> int | None:
    """Milliseconds until the next waiting intent is due whose predecessor is confirmed; None when none waits."""
    query = (
        select(intents.c.not_before)
        .where(intents.c.state.in_(("pending", "uncertain")), _after_confirmed(), _first_version())
        .order_by(intents.c.not_before)
        .limit(1)
    )
    earliest = connection.execute(query).scalar_one_or_none()
    return None if earliest is None else max(0, earliest - now_ms())


def _due(columns: Any, target: str, due_by: int) -> Any:
    ready = and_(intents.c.target == target, _waiting(due_by), _after_confirmed(), _first_version())
    return select(columns).where(ready).order_by(intents.c.intent_id)


def _waiting(due_by: int) -> ColumnElement[bool]:
    return and_(intents.c.state.in_(("pending", "uncertain")), intents.c.not_before <= due_by)


def _after_confirmed() -> ColumnElement[bool]:
    done = exists().where(_before.c.key == intents.c.after_key, _before.c.state == "confirmed")
    return or_(intents.c.after_key.is_(None), done)


def _first_version() -> ColumnElement[bool]:
    """A record shared by invoices (a customer) is written version after version, or an old one sent again would replace a newer one."""
    under_way = exists().where(
        _earlier.c.target == intents.c.target,
        _earlier.c.state.in_(("pending", "sending", "uncertain")),
        _earlier.c.intent_id < intents.c.intent_id,
        _earlier.c.entity == intents.c.entity,
        _earlier.c.external_key == intents.c.external_key,
    )
    return or_(intents.c.invoice_id.is_not(None), ~under_way)


def _change(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "intent_id"}
    statement = update(intents).where(intents.c.intent_id == bindparam("of_intent")).values(**columns)
    parameters = [
        {"of_intent" if name == "intent_id" else f"new_{name}": value for name, value in row.items()} for row in rows
    ]
    connection.execute(statement, parameters)
