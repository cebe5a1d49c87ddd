"""One transaction of the sync: what landed becomes the current documents, what is wrong with it goes to the exception desk, and the audit says so."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from billhub import audit, drift
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.store import documents, landed
from billhub.sync.desk import settle
from billhub.sync.examining import Examined, examine
from billhub.sync.rivals import without_rivals


def commit(
    connection: Connection, hub: Hub, feed: Feed, records: Sequence[landed.Record], newest: Container[int]
) -> Mapping[str, int]:
    """Map, check, route and save records, in the caller's transaction.

    Args:
        connection: The caller's transaction.
        hub: The hub.
        feed: What they are.
        records: Landed records, in order of arrival.
        newest: Landed ids of the newest versions; of several versions of one record only that is mapped, whichever batch it is in.

    Returns:
        How many records were mapped, excepted, quarantined, refused and superseded, and how many documents changed.
    """
    mapping = hub.mapping(feed.mapping)
    examined, held = _examined(connection, hub, feed, [record for record in records if record.landed_id in newest])
    known = documents.standing(connection, feed.document, [new.canonical_id for new in _good(examined)])
    examined = without_rivals(connection, feed, mapping, examined, known.keys())
    changed = documents.save(connection, feed.document, _good(examined), known=known)
    found = {each.record.landed_id: "mapped" if each.document else "excepted" for each in examined} | held
    states = {record.landed_id: found.get(record.landed_id, "superseded") for record in records}
    landed.mark(
        connection, {each.landed_id: states[each.landed_id] for each in records if states[each.landed_id] != each.state}
    )
    settle(connection, hub, feed, examined)
    counts = {"superseded": 0, **Counter(states.values()), "changed": changed}
    if found:
        detail = {"batch": [records[0].landed_id - 1, records[-1].landed_id], "version": mapping.version, **counts}
        audit.append(connection, hub, [audit.Entry(action="records.mapped", subject=feed.mapping, detail=detail)])
    return counts


def _examined(
    connection: Connection, hub: Hub, feed: Feed, records: Sequence[landed.Record]
) -> tuple[list[Examined], dict[int, str]]:
    """What became of records that may be mapped; and where those stay that break their contract: `quarantined` or `refused`, by landed id.

    One is decoded at a time: the bodies of a whole batch would keep the garbage collector busy.
    """
    mapping, screen = hub.mapping(feed.mapping), drift.screen_of(hub, feed)
    examined, drifted = [], []
    for record in records:
        body = msgspec.json.decode(record.body)
        examined.append(examine(feed, mapping, record, body))
        if found := screen.drifts(body):
            drifted.append(drift.Drifted(record.landed_id, record.external_id, found))
    held = drift.record(connection, hub, feed, screen.contract, drifted) if drifted else {}
    return [each for each in examined if each.record.landed_id not in held], held


def _good(examined: Sequence[Examined]) -> list[documents.NewDocument]:
    return [each.document for each in examined if each.document is not None]
