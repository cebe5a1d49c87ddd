"""Records are held against their contract before they are mapped: what breaks it is written down, and may have to wait."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from billhub import drift
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.store.landed import Record

Read = tuple[Record, Mapping[str, Any]]
"""A landed record and its body."""


class Screened(msgspec.Struct, frozen=True):
    """What may be mapped, and where the others stay: `quarantined` or `refused`, by landed id."""

    passed: Sequence[Read]
    states: Mapping[int, str]


def screen(connection: Connection, hub: Hub, feed: Feed, read: Sequence[Read]) -> Screened:
    """Hold records against the contract of their feed, in the caller's transaction; without drift nothing is asked of the store."""
    screen = drift.screen_of(hub, feed)
    drifted = [
        drift.Drifted(record.landed_id, record.external_id, found)
        for record, body in read
        if (found := screen.drifts(body))
    ]
    if not drifted:
        return Screened(read, {})
    states = drift.record(connection, hub, feed, screen.contract, drifted)
    return Screened([each for each in read if each[0].landed_id not in states], states)
