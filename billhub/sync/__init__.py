"""Sync: from a source system to the canonical store, read top to bottom as it happens.

1. `read_and_land`: read pages and keep the raw records, each page with its cursor in one transaction.
2. `map_batch`: map, check, route and commit landed records, `CHUNK` a transaction.
"""

from collections import Counter
from collections.abc import Mapping
from functools import partial

from billhub.flows import Batch, Feed
from billhub.hub import Hub
from billhub.retry import retried
from billhub.store import landed
from billhub.store.engine import reading, transaction
from billhub.sync.committing import commit
from connectors.contract import Source

CHUNK = 1000
"""Records in one transaction: so many share the cost of making it durable, and no more are held in memory."""


def read_and_land(hub: Hub, feed: Feed, *, page_size: int = CHUNK) -> int:
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


def batches(hub: Hub, feed: Feed, *, size: int = CHUNK, most: int = 40) -> list[Batch]:
    """The landed records that wait for mapping, as ranges of landed ids of about `size` each, at most `most` of them."""
    with reading(hub.engine) as connection:
        return landed.ranges(connection, feed.source, feed.entity, size=size, most=most)


def map_batch(hub: Hub, feed: Feed, batch: Batch) -> Mapping[str, int]:
    """Map, check, route and commit one batch; safe to repeat, and to go on with after a crash.

    Returns:
        How many records were mapped, excepted and superseded, and how many documents changed.
    """
    counts = Counter(superseded=0, changed=0)
    after, upto = batch
    while after < upto:
        with transaction(hub.engine) as connection:
            waiting = landed.waiting(connection, feed.source, feed.entity, between=(after, upto), most=CHUNK)
            after = waiting[-1].landed_id if len(waiting) == CHUNK else upto
            counts.update(commit(connection, hub, feed, waiting))
    return dict(counts)


def sync(hub: Hub, feed: Feed) -> Mapping[str, int]:
    """Both steps, to the end. Returns the counts."""
    counts: Counter[str] = Counter(landed=read_and_land(hub, feed))
    for batch in batches(hub, feed):
        counts.update(map_batch(hub, feed, batch))
    return dict(counts)
