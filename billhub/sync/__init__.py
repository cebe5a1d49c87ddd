"""Sync: from a source system to the canonical store, read top to bottom as it happens.

1. `read_and_land`: read pages and keep the raw records, each page with its cursor in one transaction.
2. `map_batch`: map, check, route and commit one batch of landed records.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection

from billhub import audit, exceptions
from billhub.flows import Batch, Feed
from billhub.hub import Hub
from billhub.retry import retried
from billhub.store import documents, landed
from billhub.store.engine import reading, transaction
from billhub.sync.examining import examine
from connectors.contract import Source


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
    mapping = hub.mapping(feed.mapping)
    with transaction(hub.engine) as connection:
        waiting = landed.waiting(connection, feed.source, feed.entity, after=batch[0], upto=batch[1])
        rows = _newest(connection, feed, waiting)
        examined = examine(connection, feed, mapping, rows.current)
        good = [each.document for each in examined if each.document is not None]
        problems = [problem for each in examined for problem in each.problems]
        changed = documents.save(connection, feed.document, good)
        states = {each.landed_id: "excepted" if each.document is None else "mapped" for each in examined}
        landed.mark(connection, states | dict.fromkeys(rows.superseded, "superseded"))
        subjects = {name for row in rows.current for name in (row["subject"], _subject(feed, row["native_id"]))}
        exceptions.settle(connection, hub, subject_type="record", examined=sorted(subjects), problems=problems)
        counts = {**Counter(states.values()), "superseded": len(rows.superseded), "changed": changed}
        if examined:
            detail = {"batch": list(batch), "version": mapping.version, **counts}
            entry = audit.Entry(action="records.mapped", subject=feed.mapping, detail=detail)
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


def _subject(feed: Feed, name: str) -> str:
    return f"{feed.source}/{feed.entity}/{name}"
