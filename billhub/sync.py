"""Sync: from a source system to the canonical store, read top to bottom as it happens.

1. `read_and_land`: read pages and keep the raw records, each page with its cursor in one transaction.
2. `map_batch`: map, check, route and commit one batch of landed records.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection

import mappings
from billhub import audit, exceptions
from billhub.flows import Batch, Feed
from billhub.hub import Hub
from billhub.retry import retried
from billhub.store import documents, landed
from billhub.store.engine import reading, transaction
from canonical_model import catalog
from canonical_model.encoding import content_hash, encode
from canonical_model.violations import Violation
from connectors.contract import Source

LONGEST_IDS = {"identity": 150, "customer_id": 80}


def read_and_land(hub: Hub, feed: Feed, *, page_size: int = 1000) -> int:
    """Read everything new from the source and keep it as received. Returns how many records were new or changed."""
    source, count = hub.connect(feed.source, Source), 0
    while True:
        with transaction(hub.engine) as connection:
            cursor = landed.cursor_of(connection, feed.source, feed.entity)
        page = retried(partial(source.read, feed.entity, cursor=cursor, limit=page_size))
        with transaction(hub.engine) as connection:
            if landed.cursor_of(connection, feed.source, feed.entity) == cursor:  # else another reader landed this page
                count += landed.land(connection, feed.source, feed.entity, page)
        if not page.has_more:
            return count


def batches(hub: Hub, feed: Feed, *, size: int = 1000, most: int = 40) -> list[Batch]:
    """The landed records that wait for mapping, as ranges of landed ids of about `size` each, at most `most` of them."""
    with reading(hub.engine) as connection:
        ids = landed.waiting_ids(connection, feed.source, feed.entity)
    size = max(size, -(-len(ids) // most))
    return [(part[0] - 1, part[-1]) for part in (ids[start : start + size] for start in range(0, len(ids), size))]


def map_batch(hub: Hub, feed: Feed, batch: Batch) -> Mapping[str, int]:
    """Map, check, route and commit one batch; safe to repeat.

    Returns:
        How many records were mapped, excepted and superseded, and how many documents changed.
    """
    with transaction(hub.engine) as connection:
        waiting = landed.waiting(connection, feed.source, feed.entity, after=batch[0], upto=batch[1])
        rows = _newest(connection, feed, waiting)
        examined = _examine(connection, feed, rows.current)
        good = [each.document for each in examined if each.document is not None]
        problems = [problem for each in examined for problem in each.problems]
        changed = documents.save(connection, feed.document, good)
        states = {each.landed_id: "excepted" if each.document is None else "mapped" for each in examined}
        landed.mark(connection, states | dict.fromkeys(rows.superseded, "superseded"))
        subjects = {name for row in rows.current for name in (row["subject"], _subject(feed, row["native_id"]))}
        exceptions.settle(connection, hub, subject_type="record", examined=sorted(subjects), problems=problems)
        counts = {**Counter(states.values()), "superseded": len(rows.superseded), "changed": changed}
        if examined:
            entry = audit.Entry(action="records.mapped", subject=feed.mapping, detail={"batch": list(batch), **counts})
            audit.append(connection, hub, [entry])
    return counts


def sync(hub: Hub, feed: Feed) -> Mapping[str, int]:
    """Both steps, to the end. Returns the counts."""
    counts: Counter[str] = Counter(landed=read_and_land(hub, feed))
    for batch in batches(hub, feed):
        counts.update(map_batch(hub, feed, batch))
    return dict(counts)


class _Newest(msgspec.Struct, frozen=True):
    current: list[Mapping[str, Any]]
    superseded: list[int]


class _Examined(msgspec.Struct, frozen=True, kw_only=True):
    landed_id: int
    document: documents.NewDocument | None
    problems: Sequence[exceptions.Problem]


def _newest(connection: Connection, feed: Feed, rows: Sequence[Mapping[str, Any]]) -> _Newest:
    """Of several versions of one record only the last is mapped, whichever batch it is in.

    Each row to be mapped gets the `subject` that the exception desk knows it by.
    """
    newest = landed.newest_ids(connection, feed.source, feed.entity, [row["native_id"] for row in rows])
    current = [row for row in rows if row["landed_id"] in newest]
    first = landed.first_holders(connection, feed.source, feed.entity, [row["external_id"] for row in current])
    return _Newest(
        [{**row, "subject": _subject(feed, _desk_name(row, first))} for row in current],
        [row["landed_id"] for row in rows if row["landed_id"] not in newest],
    )


def _desk_name(row: Mapping[str, Any], first: Mapping[str, str]) -> str:
    """The external id; the native id for a record that came under the external id of another, so that neither closes exceptions of the other."""
    return str(row["external_id"] if first[row["external_id"]] == row["native_id"] else row["native_id"])


def _examine(connection: Connection, feed: Feed, rows: Sequence[Mapping[str, Any]]) -> list[_Examined]:
    """Each record mapped and checked; of several that claim one identity the first keeps it, whichever batch it came in."""
    examined = [_map(feed, row) for row in rows]
    claimed = [each.document.canonical_id for each in examined if each.document is not None]
    known, taken = landed.owners(connection, feed.document, claimed), dict[str, landed.Owner]()
    for place, (row, each) in enumerate(zip(rows, examined, strict=True)):
        if each.document is None:
            continue
        name, claimant = each.document.canonical_id, _owner(feed, row)
        owner = known.get(name)
        if owner is None or not _is_another(owner, claimant):
            owner = taken.setdefault(name, claimant)
        if owner != claimant:
            examined[place] = _refused(feed, row, [_rival(each.document, claimant, owner)])
    return examined


def _owner(feed: Feed, row: Mapping[str, Any]) -> landed.Owner:
    return landed.Owner(source=feed.source, external_id=row["external_id"], native_id=row["native_id"])


def _is_another(owner: landed.Owner, claimant: landed.Owner) -> bool:
    """Whether they are two records for certain: in a source without native ids one record may come under another external id."""
    if owner.source != claimant.source:
        return True
    return claimant.native_id not in (claimant.external_id, owner.native_id)


def _map(feed: Feed, row: Mapping[str, Any]) -> _Examined:
    mapping = mappings.load(feed.mapping)
    mapped = mapping.apply(msgspec.json.decode(row["body"]))
    if mapped.problems:
        return _refused(feed, row, mapped.problems)
    document = msgspec.convert(mapped.document, catalog.DOCUMENTS[feed.document], strict=False)
    if too_long := list(_too_long(document)):
        return _refused(feed, row, too_long)
    new = documents.NewDocument(
        canonical_id=catalog.identity(document),
        content_hash=content_hash(document),
        body=encode(document).decode(),
        mapping=mapping.name,
        mapping_version=mapping.version,
        mapping_fingerprint=mapping.fingerprint,
        landed_id=row["landed_id"],
    )
    return _Examined(landed_id=row["landed_id"], document=new, problems=())


def _refused(feed: Feed, row: Mapping[str, Any], found: Sequence[mappings.FieldProblem]) -> _Examined:
    problems = [_problem(feed, row, each) for each in found]
    return _Examined(landed_id=row["landed_id"], document=None, problems=problems)


def _rival(document: documents.NewDocument, claimant: landed.Owner, owner: landed.Owner) -> mappings.FieldProblem:
    message = f"record {claimant} has the identity of record {owner}, which came first and keeps it"
    return mappings.FieldProblem(
        field="identity", source_path="", value=document.canonical_id, rule="one record an identity", message=message
    )


def _too_long(document: msgspec.Struct) -> Iterator[mappings.FieldProblem]:
    """Identifiers are keys here and in the targets; what is longer is no identifier."""
    found = {"identity": catalog.identity(document), "customer_id": getattr(document, "customer_id", None) or ""}
    for field, value in found.items():
        longest = LONGEST_IDS[field]
        if len(value) > longest:
            message = f"has {len(value)} characters; an identifier has at most {longest}"
            yield mappings.FieldProblem(
                field=field, source_path="", value=value[:longest], rule="length of identifiers", message=message
            )


def _problem(feed: Feed, row: Mapping[str, Any], found: mappings.FieldProblem) -> exceptions.Problem:
    mapping = mappings.load(feed.mapping)
    violation = Violation(
        rule_id=f"{mapping.name}@{mapping.version}:{found.rule}",
        category="mapping_defect",
        path=found.field,
        value=str(found.value),
        message=f"{feed.entity} {row['external_id']}, source field {found.source_path}: {found.message}",
    )
    return exceptions.Problem(
        subject_type="record",
        subject_id=row["subject"],
        violation=violation,
        legal_entity=row["control_entity"],
    )


def _subject(feed: Feed, name: str) -> str:
    return f"{feed.source}/{feed.entity}/{name}"
