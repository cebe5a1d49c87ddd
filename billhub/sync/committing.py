"""One transaction of the sync: what landed becomes the current documents, what is wrong with it goes to the exception desk, and the audit says so."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from billhub import audit, exceptions
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.store import documents, landed
from billhub.sync.examining import Examined, examine, subjects
from billhub.sync.rivals import without_rivals


def commit(connection: Connection, hub: Hub, feed: Feed, waiting: Sequence[landed.Waiting]) -> Mapping[str, int]:
    """Map, check, route and save records, in the caller's transaction.

    Args:
        connection: The caller's transaction.
        hub: The hub.
        feed: What they are.
        waiting: Records in order of arrival. Of several versions of one only the newest is mapped, whichever batch it is in.

    Returns:
        How many records were mapped, excepted and superseded, and how many documents changed.
    """
    mapping = hub.mapping(feed.mapping)
    current = [record for record in waiting if record.landed_id == record.newest_id]
    superseded = [record.landed_id for record in waiting if record.landed_id != record.newest_id]
    read = [(record, msgspec.json.decode(record.body)) for record in current]
    examined = [examine(feed, mapping, record, body) for record, body in read]
    known = documents.standing(connection, feed.document, [new.canonical_id for new in _good(examined)])
    examined = without_rivals(connection, feed, mapping, examined, known.keys())
    changed = documents.save(connection, feed.document, _good(examined), known=known)
    states = {each.record.landed_id: "mapped" if each.document else "excepted" for each in examined}
    landed.mark(connection, states | dict.fromkeys(superseded, "superseded"))
    _settle(connection, hub, feed, examined)
    counts = {**Counter(states.values()), "superseded": len(superseded), "changed": changed}
    if examined:
        detail = {"batch": [waiting[0].landed_id - 1, waiting[-1].landed_id], "version": mapping.version, **counts}
        audit.append(connection, hub, [audit.Entry(action="records.mapped", subject=feed.mapping, detail=detail)])
    return counts


def _good(examined: Sequence[Examined]) -> list[documents.NewDocument]:
    return [each.document for each in examined if each.document is not None]


def _settle(connection: Connection, hub: Hub, feed: Feed, examined: Sequence[Examined]) -> None:
    names = {name for each in examined for name in subjects(feed, each.record)}
    problems = [problem for each in examined for problem in each.problems]
    exceptions.settle(connection, hub, subject_type="record", examined=sorted(names), problems=problems)
