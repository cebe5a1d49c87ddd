"""Landed records: what a source gave, exactly as received, before anything is done to it.

Versions belong to one record when they have one `native_id`. Where a source has no such key, that is the external id.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from billhub.store.schema import cursors, documents, landed
from canonical_model.encoding import encode
from connectors.contract import Page, RawRecord

LONGEST_ID = 150
LONGEST_SHOWN = 80


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The source record that a document was made from.

    Attributes:
        source: Connector it came through.
        external_id: Its identifier in the source.
        native_id: The source's own key for it.
    """

    source: str
    external_id: str
    native_id: str

    def __str__(self) -> str:
        """As messages name it."""
        own = "" if self.native_id == self.external_id else f" ({self.native_id})"
        return f"{self.source} {self.external_id}{own}"


def cursor_of(connection: Connection, source: str, entity: str) -> str | None:
    """How far a source was read; locks it for the transaction, so that two readers cannot land the same page."""
    query = select(cursors.c.cursor).where(cursors.c.source == source, cursors.c.entity == entity).with_for_update()
    return connection.execute(query).scalar_one_or_none()


def land(connection: Connection, source: str, entity: str, page: Page) -> int:
    """Keep a page and move the cursor past it, in the caller's transaction. Returns how many records were new or changed."""
    rows = [_row(source, entity, record) for record in page.records]
    latest = _latest(connection, source, entity, [row["native_id"] for row in rows])
    fresh = []
    for row in rows:  # held against the one before, also within the page: A, B, A are three versions
        mark = (row["content_hash"], row["version"])
        if latest.get(row["native_id"]) != mark:
            fresh.append(row)
        latest[row["native_id"]] = mark
    if fresh:
        connection.execute(insert(landed), fresh)
    _move_cursor(connection, source, entity, page.cursor)
    return len(fresh)


def waiting(connection: Connection, source: str, entity: str, *, after: int, upto: int) -> list[Mapping[str, Any]]:
    """Records of a batch that were not mapped yet, in order of arrival.

    Args:
        connection: Any connection.
        source: Connector they came through.
        entity: Kind of record.
        after: Landed ids above this one.
        upto: Up to and including this one.
    """
    query = (
        select(landed)
        .where(*_new(source, entity), landed.c.landed_id > after, landed.c.landed_id <= upto)
        .order_by(landed.c.landed_id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def waiting_ids(connection: Connection, source: str, entity: str) -> list[int]:
    """Ids of all records of a source that were not mapped yet, in order."""
    query = select(landed.c.landed_id).where(*_new(source, entity)).order_by(landed.c.landed_id)
    return list(connection.execute(query).scalars())


def newest_ids(connection: Connection, source: str, entity: str, native_ids: Sequence[str]) -> set[int]:
    """Landed id of the newest version of each of these records, whatever became of it."""
    of_these = (landed.c.source == source, landed.c.entity == entity, landed.c.native_id.in_(list(native_ids)))
    query = select(func.max(landed.c.landed_id)).where(*of_these).group_by(landed.c.native_id)
    return set(connection.execute(query).scalars())


def body_of(
    connection: Connection, source: str, entity: str, *, external_id: str | None = None, landed_id: int | None = None
) -> str | None:
    """JSON of a record as it was landed: one version by its landed id, or the newest under an external id; None where there is none."""
    this = landed.c.external_id == _bounded(external_id) if external_id is not None else landed.c.landed_id == landed_id
    query = select(landed.c.body).where(landed.c.source == source, landed.c.entity == entity, this)
    return connection.execute(query.order_by(landed.c.landed_id.desc()).limit(1)).scalar_one_or_none()


def first_holders(connection: Connection, source: str, entity: str, external_ids: Sequence[str]) -> dict[str, str]:
    """Native id of the record that was the first to come under each of these external ids."""
    of_these = (landed.c.source == source, landed.c.entity == entity, landed.c.external_id.in_(list(external_ids)))
    first = select(func.min(landed.c.landed_id)).where(*of_these).group_by(landed.c.external_id)
    query = select(landed.c.external_id, landed.c.native_id).where(landed.c.landed_id.in_(first))
    return {row.external_id: row.native_id for row in connection.execute(query)}


def owners(connection: Connection, document: str, canonical_ids: Sequence[str]) -> dict[str, Owner]:
    """The source records that current documents were made from, by canonical id.

    A record that has come under another external id since then has given its document up, and is left out.
    """
    later = landed.alias("later")
    same = [later.c[name] == landed.c[name] for name in ("source", "entity", "native_id")]
    newest = select(later.c.external_id).where(*same).order_by(later.c.landed_id.desc()).limit(1)
    query = (
        select(documents.c.canonical_id, landed.c.source, landed.c.external_id, landed.c.native_id)
        .join(landed, landed.c.landed_id == documents.c.landed_id)
        .where(documents.c.entity == document, documents.c.is_current)
        .where(documents.c.canonical_id.in_(list(canonical_ids)))
        .where(newest.correlate(landed).scalar_subquery() == landed.c.external_id)
    )
    rows = connection.execute(query)
    return {
        row.canonical_id: Owner(source=row.source, external_id=row.external_id, native_id=row.native_id) for row in rows
    }


def mark(connection: Connection, states: Mapping[int, str]) -> None:
    """Say what became of records: `mapped`, `excepted` or `superseded`, by landed id."""
    for state in sorted(set(states.values())):
        ids = [landed_id for landed_id, each in states.items() if each == state]
        connection.execute(update(landed).where(landed.c.landed_id.in_(ids)).values(state=state))


def reset_excepted(connection: Connection, entity: str) -> int:
    """Put the newest excepted version of each record back to work, for example after a mapping was mended. Returns how many."""
    newest = (
        select(func.max(landed.c.landed_id))
        .where(landed.c.entity == entity)
        .group_by(landed.c.source, landed.c.native_id)
    )
    done = connection.execute(
        update(landed)
        .where(landed.c.entity == entity, landed.c.state == "excepted", landed.c.landed_id.in_(newest))
        .values(state="new")
    )
    return int(done.rowcount)


def _new(source: str, entity: str) -> tuple[ColumnElement[bool], ...]:
    return landed.c.source == source, landed.c.entity == entity, landed.c.state == "new"


def _latest(connection: Connection, source: str, entity: str, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    newest = newest_ids(connection, source, entity, ids)
    query = select(landed.c.native_id, landed.c.content_hash, landed.c.version).where(landed.c.landed_id.in_(newest))
    return {row.native_id: (row.content_hash, row.version) for row in connection.execute(query)}


def _row(source: str, entity: str, record: RawRecord) -> dict[str, Any]:
    body, control = encode(record.body), record.control
    return {
        "source": source,
        "entity": entity,
        "external_id": _bounded(record.external_id),
        "native_id": _bounded(record.native_id or record.external_id),
        "version": record.version,
        "content_hash": hashlib.sha256(body).hexdigest(),
        "body": body.decode(),
        "state": "new",
        "control_lines": control.lines if control else None,
        "control_amount": control.amount if control else None,
        "control_currency": control.currency if control else None,
        "control_entity": control.legal_entity if control else None,
    }


def _bounded(external_id: str) -> str:
    """An identifier that fits an index; a broken source may take a whole line for one, and it must still land."""
    if len(external_id) <= LONGEST_ID:
        return external_id
    return f"{external_id[:LONGEST_SHOWN]}...{hashlib.sha256(external_id.encode()).hexdigest()}"


def _move_cursor(connection: Connection, source: str, entity: str, cursor: str | None) -> None:
    if cursor is None:
        return
    moved = connection.execute(
        update(cursors).where(cursors.c.source == source, cursors.c.entity == entity).values(cursor=cursor)
    )
    if moved.rowcount == 0:
        connection.execute(insert(cursors).values(source=source, entity=entity, cursor=cursor))
