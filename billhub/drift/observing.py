"""Answers to questions, such as a tax quote, are never landed, so that none can wait: what drifts in them is only reported."""

from collections.abc import Mapping
from typing import Any

from billhub.drift.recording import Drifted, news, report
from billhub.drift.screening import screen_of
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.store import drifts
from billhub.store.engine import transaction

_NOT_LANDED = 0


def observe(hub: Hub, feed: Feed, answers: Mapping[str, Mapping[str, Any]]) -> None:
    """Hold answers of a system against their contract, and report what drifts in a transaction of its own.

    Args:
        hub: The hub.
        feed: What they are.
        answers: As they came, by what was asked about.
    """
    screen = screen_of(hub, feed)
    drifted = [Drifted(_NOT_LANDED, name, found) for name, body in answers.items() if (found := screen.drifts(body))]
    causes = {new.cause: new for each in reversed(drifted) for new in news(screen.contract, each)}
    if causes:
        on = hub.as_of.isoformat()
        with transaction(hub.engine) as connection:
            report(
                connection,
                hub,
                screen.contract,
                drifts.seen(connection, feed.source, feed.entity, list(causes.values()), on=on),
            )
