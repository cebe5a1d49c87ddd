"""One transaction of the sync: what landed becomes the current documents, what is wrong with it goes to the exception desk, and the audit says so."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from billhub import audit
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.store import documents, landed
from billhub.sync.desk import settle
from billhub.sync.examining import Examined, examine
from billhub.sync.rivals import without_rivals
from billhub.sync.screening import screen


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
    mapping, states = hub.mapping(feed.mapping), {record.landed_id: "superseded" for record in records}
    current = [(record, msgspec.json.decode(record.body)) for record in records if record.landed_id in newest]
    screened = screen(connection, hub, feed, current)
    examined = [examine(feed, mapping, record, body) for record, body in screened.passed]
    known = documents.standing(connection, feed.document, [new.canonical_id for new in _good(examined)])
    examined = without_rivals(connection, feed, mapping, examined, known.keys())
    changed = documents.save(connection, feed.document, _good(examined), known=known)
    states |= {each.record.landed_id: "mapped" if each.document else "excepted" for each in examined}
    states |= screened.states
    landed.mark(
        connection,
        {record.landed_id: states[record.landed_id] for record in records if states[record.landed_id] != record.state},
    )
    settle(connection, hub, feed, examined)
    counts = {"superseded": 0, **Counter(states.values()), "changed": changed}
    if states:
        detail = {"batch": [records[0].landed_id - 1, records[-1].landed_id], "version": mapping.version, **counts}
        audit.append(connection, hub, [audit.Entry(action="records.mapped", subject=feed.mapping, detail=detail)])
    return counts


def _good(examined: Sequence[Examined]) -> list[documents.NewDocument]:
    return [each.document for each in examined if each.document is not None]
