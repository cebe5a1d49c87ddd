"""Landed records: what a source gave, exactly as received, before anything is done to it.

Versions belong to one record when they have one `native_id`. Where a source has no such key, that is the external id.
"""

import hashlib
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

from billhub.store.bulk import among, insert_rows, next_ids
from billhub.store.schema import cursors, documents, landed
from canonical_model.encoding import encode
from connectors.contract import Page, RawRecord

UNREADABLE = ("excepted", "quarantined", "refused")
"""States of records that no document was made of."""

LONGEST_ID = 150
LONGEST_SHOWN = 80

_COLUMNS = (
    "landed_id",
    "source",
    "entity",
    "state",
    "external_id",
    "native_id",
    "version",
    "content_hash",
    "body",
    "control_lines",
    "control_amount",
    "control_currency",
    "control_entity",
)


class Record(msgspec.Struct, frozen=True, gc=False):
    """One landed version of a record.

    Attributes:
        landed_id: Its number, in order of arrival.
        external_id: Its identifier in the source.
        native_id: The source's own key for it.
        body: As received, JSON.
        control_entity: Code of the seller, if the source has only one.
        state: What has become of it: `new` until it is mapped.
    """

    landed_id: int
    external_id: str
    native_id: str
    body: str
    control_entity: str | None
    state: str


class Owner(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
    return len(take_in(connection, source, entity, page, state="new"))


def take_in(connection: Connection, source: str, entity: str, page: Page, *, state: str) -> list[Record]:
    """Keep a page and move the cursor past it.

    Args:
        connection: The caller's transaction.
        source: Connector it came through.
        entity: Kind of record.
        page: What was read.
        state: `new`, or `mapped` where the caller maps them in the same transaction, which saves changing every row again.

    Returns:
        The records that were new or changed, in source order.
    """
    fresh = _fresh(connection, source, entity, page)
    ids = next_ids(connection, landed, len(fresh))
    rows = [(landed_id, source, entity, state, *row) for landed_id, row in zip(ids, fresh, strict=True)]
    insert_rows(connection, landed, _COLUMNS, rows)
    _move_cursor(connection, source, entity, page.cursor)
    return [
        Record(landed_id, external_id, native_id, body, control_entity, state)
        for landed_id, _, _, state, external_id, native_id, _, _, body, *_, control_entity in rows
    ]


def waiting(connection: Connection, source: str, entity: str, batch: tuple[int, int], *, most: int) -> list[Record]:
    """Records of a batch that were not mapped yet, in order of arrival.

    Args:
        connection: Any connection.
        source: Connector they came through.
        entity: Kind of record.
        batch: Landed ids above the first number, up to and including the second.
        most: At most so many.
    """
    after, upto = batch
    query = (
        select(*(landed.c[name] for name in Record.__struct_fields__))
        .where(*_new(source, entity), landed.c.landed_id > after, landed.c.landed_id <= upto)
        .order_by(landed.c.landed_id)
        .limit(most)
    )
    return [Record(*row) for row in connection.execute(query)]


def ranges(connection: Connection, source: str, entity: str, *, size: int, most: int) -> list[tuple[int, int]]:
    """The records that wait, as ranges of landed ids: above the first number, up to and including the second.

    Args:
        connection: Any connection.
        source: Connector they came through.
        entity: Kind of record.
        size: Records in a range, unless that would make too many.
        most: At most so many ranges.
    """
    of_these = _new(source, entity)
    count = connection.execute(select(func.count()).select_from(landed).where(*of_these)).scalar_one()
    size = max(size, -(-count // most))
    place = func.row_number().over(order_by=landed.c.landed_id)
    placed = select(landed.c.landed_id, place.label("place")).where(*of_these).subquery()
    is_last = (placed.c.place % size == 0) | (placed.c.place == count)
    query = select(placed.c.landed_id).where(is_last).order_by(placed.c.landed_id)
    return list(pairwise([0, *connection.execute(query).scalars()]))


def newest_ids(connection: Connection, source: str, entity: str, native_ids: Collection[str]) -> set[int]:
    """Landed id of the newest version of each of these records, whatever became of it."""
    return set(connection.execute(_newest(connection, source, entity, native_ids)).scalars())


def body_of(
    connection: Connection, source: str, entity: str, *, external_id: str | None = None, landed_id: int | None = None
) -> str | None:
    """JSON of a record as it was landed: one version by its landed id, or the newest under an external id; None where there is none."""
    this = landed.c.external_id == _bounded(external_id) if external_id is not None else landed.c.landed_id == landed_id
    query = select(landed.c.body).where(landed.c.source == source, landed.c.entity == entity, this)
    return connection.execute(query.order_by(landed.c.landed_id.desc()).limit(1)).scalar_one_or_none()


def first_holders(connection: Connection, source: str, entity: str, external_ids: Collection[str]) -> dict[str, str]:
    """Native id of the record that was the first to come under each of these external ids."""
    if not external_ids:
        return {}
    these = among(connection, landed.c.external_id, external_ids)
    of_these = landed.c.source == source, landed.c.entity == entity, these
    first = select(func.min(landed.c.landed_id)).where(*of_these).group_by(landed.c.external_id)
    query = select(landed.c.external_id, landed.c.native_id).where(landed.c.landed_id.in_(first))
    return {external_id: native_id for external_id, native_id in connection.execute(query)}


def owners(connection: Connection, document: str, canonical_ids: Collection[str]) -> dict[str, Owner]:
    """The source records that current documents were made from, by canonical id.

    A record that has come under another external id since then has given its document up, and is left out.
    """
    if not canonical_ids:
        return {}
    later = landed.alias("later")
    same = [later.c[name] == landed.c[name] for name in ("source", "entity", "native_id")]
    newest = select(later.c.external_id).where(*same).order_by(later.c.landed_id.desc()).limit(1)
    query = (
        select(documents.c.canonical_id, landed.c.source, landed.c.external_id, landed.c.native_id)
        .join(landed, landed.c.landed_id == documents.c.landed_id)
        .where(documents.c.entity == document, documents.c.is_current)
        .where(among(connection, documents.c.canonical_id, canonical_ids))
        .where(newest.correlate(landed).scalar_subquery() == landed.c.external_id)
    )
    rows = connection.execute(query)
    return {
        row.canonical_id: Owner(source=row.source, external_id=row.external_id, native_id=row.native_id) for row in rows
    }


def mark(connection: Connection, states: Mapping[int, str]) -> None:
    """Say what became of records, by landed id: `mapped`, `excepted`, `quarantined`, `refused` or `superseded`."""
    for state in sorted(set(states.values())):
        ids = [landed_id for landed_id, each in states.items() if each == state]
        connection.execute(update(landed).where(among(connection, landed.c.landed_id, ids)).values(state=state))


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


def _newest(connection: Connection, source: str, entity: str, native_ids: Collection[str]) -> Select[int]:
    of_these = landed.c.source == source, landed.c.entity == entity, among(connection, landed.c.native_id, native_ids)
    return select(func.max(landed.c.landed_id)).where(*of_these).group_by(landed.c.native_id)


def _latest(
    connection: Connection, source: str, entity: str, native_ids: Collection[str]
) -> dict[str, tuple[str, str]]:
    newest = landed.c.landed_id.in_(_newest(connection, source, entity, native_ids))
    query = select(landed.c.native_id, landed.c.content_hash, landed.c.version).where(newest)
    return {native_id: (content_hash, version) for native_id, content_hash, version in connection.execute(query)}


def _fresh(connection: Connection, source: str, entity: str, page: Page) -> list[tuple[Any, ...]]:
    """What is news in a page, each held against the one before, also within the page: A, B, A are three versions."""
    rows = [_row(record) for record in page.records]
    latest = _latest(connection, source, entity, [native_id for _, native_id, *_ in rows])
    fresh = []
    for row in rows:
        _, native_id, version, content_hash, *_ = row
        if latest.get(native_id) != (content_hash, version):
            fresh.append(row)
            latest[native_id] = (content_hash, version)
    return fresh


def _row(record: RawRecord) -> tuple[Any, ...]:
    """What is kept of a record, in the order of `_COLUMNS` after the state."""
    body, control = encode(record.body), record.control
    external_id = _bounded(record.external_id)
    native_id = _bounded(record.native_id) if record.native_id else external_id
    kept = (external_id, native_id, record.version, hashlib.sha256(body).hexdigest(), body.decode())
    if control is None:
        return (*kept, None, None, None, None)
    return (*kept, control.lines, control.amount, control.currency, control.legal_entity)


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
