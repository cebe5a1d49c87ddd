"""Sync: from a source system to the canonical store, read top to bottom as it happens.

1. `read_and_land`: read pages and keep the raw records, each page with its cursor in one transaction.
2. `map_batch`: screen, map, check, route and commit landed records, `CHUNK` a transaction.

Flows take the two steps apart, so that the second can be shared out. In one process `sync` takes both in one transaction a page, which writes
every record once instead of twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from sqlalchemy import Connection

from billhub.flows import Batch, Feed
from billhub.hub import Hub
from billhub.retry import retried
from billhub.store import landed
from billhub.store.engine import reading, transaction
from billhub.sync.committing import commit
from connectors.contract import Page, Source

CHUNK = 1000
"""Records in one transaction: so many share the cost of making it durable, and no more are held in memory."""

Counts = Mapping[str, int]


def read_and_land(hub: Hub, feed: Feed, *, page_size: int = CHUNK) -> int:
    """Read everything new from the source and keep it as received. Returns how many records were new or changed."""

    def keep(connection: Connection, page: Page) -> Counts:
        return {"landed": landed.land(connection, feed.source, feed.entity, page)}

    return _read(hub, feed, keep, page_size)["landed"]


def batches(hub: Hub, feed: Feed, *, size: int = CHUNK, most: int = 40) -> list[Batch]:
    """The landed records that wait for mapping, as ranges of landed ids of about `size` each, at most `most` of them."""
    with reading(hub.engine) as connection:
        return landed.ranges(connection, feed.source, feed.entity, size=size, most=most)


def map_batch(hub: Hub, feed: Feed, batch: Batch) -> Counts:
    """Map, check, route and commit one batch; safe to repeat, and to go on with after a crash.

    Returns:
        How many records were mapped, excepted, quarantined, refused and superseded, and how many documents changed.
    """
    counts = Counter(superseded=0, changed=0)
    after, upto = batch
    while after < upto:
        with transaction(hub.engine) as connection:
            waiting = landed.waiting(connection, feed.source, feed.entity, (after, upto), most=CHUNK)
            after = waiting[-1].landed_id if len(waiting) == CHUNK else upto
            newest = landed.newest_ids(connection, feed.source, feed.entity, {each.native_id for each in waiting})
            counts.update(commit(connection, hub, feed, waiting, newest))
    return dict(counts)


def bring_in(connection: Connection, hub: Hub, feed: Feed, page: Page) -> Counts:
    """Keep a page, move the cursor past it, and map, check and route its records, all in the caller's transaction.

    Returns:
        How many records were landed, mapped, excepted and superseded, and how many documents changed.
    """
    records = landed.take_in(connection, feed.source, feed.entity, page, state="mapped")
    newest = {
        record.native_id: record.landed_id for record in records
    }  # the cursor is locked: nobody lands a newer one
    return {"landed": len(records), **commit(connection, hub, feed, records, set(newest.values()))}


def sync(hub: Hub, feed: Feed) -> Counts:
    """Both steps, to the end, with what had landed before and still waits. Returns the counts."""

    def keep(connection: Connection, page: Page) -> Counts:
        return bring_in(connection, hub, feed, page)

    counts = _read(hub, feed, keep, CHUNK)
    for batch in batches(hub, feed):
        counts.update(map_batch(hub, feed, batch))
    return dict(counts)


def _read(hub: Hub, feed: Feed, keep: Callable[[Connection, Page], Counts], page_size: int) -> Counter[str]:
    """Read page after page and keep each in a transaction; the sum of what was counted."""
    source, counts = hub.connect(feed.source, Source), Counter(landed=0)
    while True:
        with transaction(hub.engine) as connection:
            cursor = landed.cursor_of(connection, feed.source, feed.entity)
        page = retried(partial(source.read, feed.entity, cursor=cursor, limit=page_size))
        with transaction(hub.engine) as connection:
            if landed.cursor_of(connection, feed.source, feed.entity) == cursor:  # else another reader landed this page
                counts.update(keep(connection, page))
        if not page.has_more:
            return counts
