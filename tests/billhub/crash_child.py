"""A process that releases and delivers one invoice and dies on the way, at a boundary that is counted from outside the hub's code.

A boundary is a moment between two steps that others can see: before and after each commit of the store, and before, in the middle (everything
sent, nothing answered) and after each HTTP exchange and each SMTP command and message. They are found by hooks on SQLAlchemy, `http.client` and
`smtplib`; the hub itself knows nothing of them.

Run as a program it is a nursery: it reads one order a line from standard input, forks a child for each life (which saves the imports), and
answers one line. An order is `{"url", "synced", "place", "kill_at", "engine"}`; an answer holds what became of the first life and what the
second found.
"""

import http.client
import json
import os
import secrets
import signal
import smtplib
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.pool import Pool

sys.path.insert(0, str(Path(__file__).parent))

import delivery_ground as ground

import mappings
from billhub import audit, deliver, release
from billhub.deliver import engine as delivery_engine
from billhub.deliver import sending
from billhub.deliver.outcomes import record
from billhub.deliver.payloads import Prepared
from billhub.hub import Hub, open_hub
from billhub.store.engine import reading, transaction
from connectors.contract import Connector, Outcome, WriteRequest
from sandbox import DEFAULT_AS_OF

MAIL_WINDOW_SECONDS = 5
"""Longer than the sandbox connection's in-flight window for mail, which is waited for in real time."""
ROUNDS = 5


class Boundaries:
    """Counts boundaries, and ends the process without warning at one of them."""

    def __init__(self, kill_at: int | None) -> None:
        self.names: list[str] = []
        self._kill_at = kill_at
        self._committed = False

    def cross(self, name: str) -> None:
        """One more boundary."""
        self.names.append(name)
        if len(self.names) - 1 == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Hook in; there is no way back, the process is for this one life."""
        event.listen(Engine, "commit", self._before_commit)
        event.listen(Pool, "checkin", self._after_commit)
        connection, session = http.client.HTTPConnection, smtplib.SMTP
        connection.putrequest = self._with(connection.putrequest, before="http {1} {2}")
        connection.getresponse = self._with(connection.getresponse, before="http sent", after="http answered")
        session.putcmd = self._with(session.putcmd, before="smtp {1}")
        session.getreply = self._with(session.getreply, before="smtp sent", after="smtp answered")

    def _before_commit(self, connection: Any) -> None:
        self._committed = not connection.get_execution_options().get("reads_only", False)
        if self._committed:
            self.cross("before commit")

    def _after_commit(self, *_: object) -> None:
        if self._committed:
            self._committed = False
            self.cross("after commit")

    def _with(self, call: Callable[..., Any], *, before: str, after: str = "") -> Callable[..., Any]:
        def hooked(*arguments: Any, **options: Any) -> Any:
            self.cross(before.format(*arguments))
            result = call(*arguments, **options)
            if after:
                self.cross(after)
            return result

        return hooked


def first_life(order: Mapping[str, Any]) -> dict[str, Any]:
    """Release and deliver, until the end or the boundary at which life ends."""
    hub = open_hub(as_of=DEFAULT_AS_OF, actor="olive", url=order["url"])
    ground.plant(hub, order["synced"], [ground.Case(order["place"])])
    ENGINES[order["engine"]]()
    boundaries = Boundaries(order["kill_at"])
    boundaries.install()
    release.release_due(hub)
    deliver.deliver_due(hub)
    return {"boundaries": boundaries.names}


def second_life(order: Mapping[str, Any]) -> dict[str, Any]:
    """The next run, to the end; the waiting times of all targets but the mail, which has no key, are moved instead of waited for."""
    ENGINES[order["engine"]]()
    hub = open_hub(as_of=DEFAULT_AS_OF, actor="olive", url=order["url"])
    case = ground.Case(order["place"])
    release.release_due(hub)
    for _ in range(ROUNDS):
        deliver.deliver_due(hub)
        if set(ground.states(hub, case).values()) == {"confirmed"}:
            break
        ground.make_due(hub, but="email")
        deliver.deliver_due(hub, wait_seconds=MAIL_WINDOW_SECONDS)
    found = _books_of(hub, case)
    hub.close()
    return found


def _books_of(hub: Hub, case: ground.Case) -> dict[str, Any]:
    with reading(hub.engine) as connection:
        ask = lambda query: [tuple(row) for row in connection.execute(text(query))]  # noqa: E731
        return {
            "states": sorted(set(ground.states(hub, case).values())),
            "intents": ask("SELECT COUNT(*) FROM intents")[0][0],
            "invoices": ask("SELECT number, state FROM invoices"),
            "last": ask("SELECT last FROM number_sequences"),
            "exceptions": ask("SELECT category FROM exceptions WHERE state = 'open'"),
            "broken": audit.first_broken(connection),
            "confirmations": ask(
                "SELECT COUNT(*), COUNT(DISTINCT intent_id) FROM attempts WHERE outcome = 'confirmed'"
            ),
        }


def _confirming_first() -> None:
    """A wrong engine, to prove that the matrix sees what is lost: it records success before it sends."""

    def send(hub: Hub, connector: Any, prepared: Any, *, worker: str) -> Any:
        done = [(each, Outcome(key=each.intent["external_key"], state="confirmed")) for each in prepared]
        with transaction(hub.engine) as connection:
            record(connection, hub, done, worker=worker, window=0)
        return sending.send(hub, connector, prepared, worker=worker)

    # The right parts would find that the intents are no longer held, and neither send nor count them.
    sending._renew = lambda hub, portion, worker: list(portion)  # type: ignore[assignment]
    delivery_engine.record = lambda connection, hub, pairs, **_: {"confirmed": len(pairs)}  # type: ignore[assignment]
    delivery_engine.send = send


def _forgetting() -> None:
    """A wrong engine, to prove that the matrix sees what is doubled: a repeated attempt has a key of its own, and nothing is looked up."""
    request = Prepared.request

    def under_a_fresh_key(self: Prepared) -> WriteRequest:
        made = request(self)
        if not self.intent["attempts"]:
            return made
        return WriteRequest(
            key=f"{made.key}~{secrets.token_hex(3)}", payload=made.payload, attachments=made.attachments
        )

    Prepared.request = under_a_fresh_key  # type: ignore[method-assign]
    sending.already_there = lambda *_: {}  # type: ignore[assignment]


ENGINES: Mapping[str, Callable[[], None]] = {
    "right": lambda: None,
    "confirming first": _confirming_first,
    "forgetting": _forgetting,
}


def nursery() -> None:
    """Answer orders until there are no more."""
    _warm()
    for line in sys.stdin:
        order = json.loads(line)
        answer = {"first": _in_child(first_life, order)}
        if answer["first"]["signal"] == signal.SIGKILL:
            answer["second"] = _in_child(second_life, order)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _warm() -> None:
    """Load once what every life needs; nothing that a fork may not share stays open."""
    hub = open_hub(as_of=DEFAULT_AS_OF, actor="olive", url="sqlite://")
    for system in ("avatax", "netsuite", "stripe", "email", "salesforce"):
        hub.connect(system, Connector).ping()
    hub.close()
    for name in mappings.names():
        mappings.load(name)


def _in_child(life: Callable[[Mapping[str, Any]], dict[str, Any]], order: Mapping[str, Any]) -> dict[str, Any]:
    """What a life returns, and the signal that ended it (0 for none)."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os._exit(_live(life, order, writer))
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as told:
        heard = told.read()
    _, status = os.waitpid(child, 0)
    return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, **(json.loads(heard) if heard else {})}


def _live(life: Callable[[Mapping[str, Any]], dict[str, Any]], order: Mapping[str, Any], writer: int) -> int:
    try:
        told = life(order)
    except BaseException:
        told = {"error": traceback.format_exc()}
    with os.fdopen(writer, "w", encoding="utf-8") as pipe:
        pipe.write(json.dumps(told))
    return 0


if __name__ == "__main__":
    nursery()
