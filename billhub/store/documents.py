"""Canonical documents: every version is kept, one of each is current, and each knows the mapping and the landed record it came from."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, func, select, update

from billhub.store.bulk import among, insert_rows
from billhub.store.landed import UNREADABLE
from billhub.store.schema import documents, landed
from canonical_model.encoding import decode

Kind = TypeVar("Kind", bound=msgspec.Struct)


class NewDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A canonical document as a mapping made it.

    Attributes:
        canonical_id: Stable over all systems.
        content_hash: Of the document.
        body: Its JSON.
        mapping: Name of the mapping.
        mapping_version: Its version.
        mapping_fingerprint: SHA-256 of the mapping file.
        landed_id: The raw record it was made from.
    """

    canonical_id: str
    content_hash: str
    body: str
    mapping: str
    mapping_version: int
    mapping_fingerprint: str
    landed_id: int


_COLUMNS = ("entity", "version", "is_current", *NewDocument.__struct_fields__)


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The current version of a document.

    Attributes:
        document_id: The store's number of exactly this version.
        canonical_id: Stable over all systems.
        version: From 1.
        content_hash: Of the document.
        body: Its JSON.
    """

    document_id: int
    canonical_id: str
    version: int
    content_hash: str
    body: str


class Standing(msgspec.Struct, frozen=True):
    """How a document stands at this moment.

    Attributes:
        version: Its current version, from 1.
        content_hash: Of that version.
    """

    version: int
    content_hash: str


def standing(connection: Connection, entity: str, canonical_ids: Collection[str]) -> dict[str, Standing]:
    """How these documents stand, by canonical id; unknown ids are left out."""
    query = select(documents.c.canonical_id, documents.c.version, documents.c.content_hash).where(
        documents.c.entity == entity, documents.c.is_current, among(connection, documents.c.canonical_id, canonical_ids)
    )
    return {canonical_id: Standing(*rest) for canonical_id, *rest in connection.execute(query)}


def save(
    connection: Connection,
    entity: str,
    batch: Sequence[NewDocument],
    *,
    known: Mapping[str, Standing] | None = None,
) -> int:
    """Make these the current versions; unchanged ones are left alone. Returns how many changed.

    Args:
        connection: The caller's transaction.
        entity: Kind of document, for example `customer`.
        batch: At most one per canonical id.
        known: How they stand, where the caller has asked already in this transaction.
    """
    if known is None:
        known = standing(connection, entity, [new.canonical_id for new in batch])
    changed = [new for new in batch if _is_news(known.get(new.canonical_id), new)]
    replaced = [new.canonical_id for new in changed if new.canonical_id in known]
    if replaced:
        these = documents.c.entity == entity, among(connection, documents.c.canonical_id, replaced)
        connection.execute(update(documents).where(*these, documents.c.is_current).values(is_current=False))
    insert_rows(connection, documents, _COLUMNS, [_row(entity, new, known.get(new.canonical_id)) for new in changed])
    return len(changed)


def current(connection: Connection, entity: str, canonical_ids: Sequence[str]) -> dict[str, Stored]:
    """The current versions of these documents, by canonical id; unknown ids are left out."""
    query = _current(entity).where(documents.c.canonical_id.in_(list(canonical_ids)))
    return {row.canonical_id: Stored(**row._mapping) for row in connection.execute(query)}


def load(connection: Connection, entity: str, canonical_ids: Sequence[str], kind: type[Kind]) -> dict[str, Kind]:
    """The current documents themselves, by canonical id."""
    found = current(connection, entity, canonical_ids)
    return {canonical_id: decode(stored.body, kind) for canonical_id, stored in found.items()}


def current_ids(connection: Connection, entity: str, canonical_ids: Sequence[str]) -> dict[str, int]:
    """The store's numbers of the current versions of these documents, by canonical id."""
    query = select(documents.c.canonical_id, documents.c.document_id).where(
        documents.c.entity == entity, documents.c.is_current, documents.c.canonical_id.in_(list(canonical_ids))
    )
    return {row.canonical_id: row.document_id for row in connection.execute(query)}


def walk(connection: Connection, entity: str, *, chunk: int = 1000) -> Iterator[list[Stored]]:
    """All current documents of an entity in order of their id, in chunks; memory stays flat."""
    after = ""
    while True:
        query = _current(entity).where(documents.c.canonical_id > after).order_by(documents.c.canonical_id).limit(chunk)
        batch = [Stored(**row._mapping) for row in connection.execute(query)]
        if not batch:
            return
        yield batch
        after = batch[-1].canonical_id


def outdated(connection: Connection, entity: str, canonical_ids: Sequence[str]) -> set[str]:
    """Which of these documents are behind their source: the newest version of the record cannot be read."""
    each, newest = landed.alias("each"), landed.alias("newest")
    same = [each.c[name] == landed.c[name] for name in ("source", "entity", "native_id")]
    last = select(func.max(each.c.landed_id)).where(*same).correlate(landed).scalar_subquery()
    query = (
        select(documents.c.canonical_id)
        .join(landed, landed.c.landed_id == documents.c.landed_id)
        .join(newest, newest.c.landed_id == last)
        .where(documents.c.entity == entity, documents.c.is_current, documents.c.canonical_id.in_(list(canonical_ids)))
        .where(newest.c.state.in_(UNREADABLE))
    )
    return set(connection.execute(query).scalars())


def provenance(connection: Connection, entity: str, canonical_id: str) -> list[Mapping[str, Any]]:
    """Every version of a document with its mapping and landed record, newest first."""
    query = (
        select(documents)
        .where(documents.c.entity == entity, documents.c.canonical_id == canonical_id)
        .order_by(documents.c.version.desc())
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _current(entity: str) -> Any:
    columns = [documents.c[name] for name in Stored.__struct_fields__]
    return select(*columns).where(documents.c.entity == entity, documents.c.is_current)


def _is_news(known: Standing | None, new: NewDocument) -> bool:
    return known is None or known.content_hash != new.content_hash


def _row(entity: str, new: NewDocument, known: Standing | None) -> tuple[Any, ...]:
    """What is kept of a document, in the order of `_COLUMNS`."""
    return (entity, known.version + 1 if known else 1, True, *msgspec.structs.astuple(new))
