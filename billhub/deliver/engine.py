"""The delivery engine: claim, write ahead, send, record, in batches, one target at a time.

A claimed batch is committed as `sending` with its payloads before anything goes out. Whatever then happens to this process, the intents say what may
have been sent: they become `uncertain`, and are looked up or sent again under the same key, never blindly repeated.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, case, select, update

from billhub import audit, exceptions
from billhub.deliver.outcomes import CONFLICTS, record
from billhub.deliver.payloads import prepare, write_ahead_row
from billhub.deliver.sending import send
from billhub.deliver.worker import is_dead, worker_name
from billhub.hub import Hub
from billhub.store import intents
from billhub.store.engine import reading, transaction
from billhub.store.schema import intents as intent_table
from canonical_model.errors import ConfigurationError, HubError
from connectors.contract import Outcome, Target, WriteError

BATCH = 100


def deliver_due(hub: Hub, *, wait_seconds: int = 0) -> Mapping[str, int]:
    """Deliver everything that is due, target after target, until nothing is left or the rest has to wait longer.

    Args:
        hub: The hub.
        wait_seconds: How long to wait, in all, for deliveries whose waiting time is not over yet.

    Returns:
        How many outcomes there were of each kind, over all attempts.

    Raises:
        HubError: The first error of a target that could not go on, once the others have everything; its notes name further ones.
    """
    counts, failed = Counter[str](), dict[str, HubError]()
    deadline, due_by = time.monotonic() + wait_seconds, intents.now_ms()
    while True:
        sent = _one_round(hub, due_by, failed)
        counts.update(sent)
        if sent:
            continue  # what was sent may have cleared the way for what comes after it
        if failed:
            raise _first(failed)
        with reading(hub.engine) as connection:
            due_in = intents.next_due_in(connection)
        if due_in is None or time.monotonic() + due_in / 1000 > deadline:
            return dict(counts)
        time.sleep(due_in / 1000)
        due_by = intents.now_ms()


def drain(hub: Hub, target: str, *, due_by: int | None = None) -> Mapping[str, int]:
    """Deliver what is due for one target; safe to run in several processes at once.

    What fails now is not tried again in the same call: its waiting time ends after `due_by`.

    Args:
        hub: The hub.
        target: Connector.
        due_by: Moment in milliseconds at which waiting times had to be over; None for now.

    Returns:
        How many outcomes there were of each kind. With nothing to do the target is not connected to, and needs no settings.

    Raises:
        CredentialsError: The target does not accept our credentials; what was being sent is uncertain and will be looked up.
        ConfigurationError: The connection is missing or wrong.
    """
    due_by = intents.now_ms() if due_by is None else due_by
    with reading(hub.engine) as connection:
        if target not in intents.targets(connection, due_by=due_by):
            return {}
    return _drain(hub, target, due_by)


def _drain(hub: Hub, target: str, due_by: int) -> Mapping[str, int]:
    connector, worker, counts = hub.connect(target, Target), worker_name(), Counter[str]()
    window = connector.capabilities.in_flight_window
    limit = max(BATCH, connector.capabilities.bulk_size)
    while True:
        with transaction(hub.engine) as connection:
            recover(connection, hub, target, window)
            claimed = intents.claim(connection, target, worker=worker, limit=limit, due_by=due_by)
            prepared = prepare(connection, hub, claimed)
            intents.write_ahead(connection, [write_ahead_row(hub, each) for each in prepared])
        if not prepared:
            return dict(counts)
        pairs, stopped = send(hub, connector, prepared, worker=worker)
        with transaction(hub.engine) as connection:
            counts.update(record(connection, hub, pairs, worker=worker, window=window))
        if stopped:
            raise stopped


def recover(connection: Connection, hub: Hub, target: str, window: int) -> None:
    """What a worker was sending when it was lost becomes uncertain; it may have been sent, and may be sent by it yet, if it only slept."""
    lost: dict[str, list[dict[str, Any]]] = {}
    for row in intents.being_sent(connection, target):
        if row["lease_until"] <= intents.now_ms() or is_dead(row["lease_owner"]):
            lost.setdefault(row["lease_owner"], []).append(row | {"attempts": row["attempts"] - 1})
    for owner, rows in lost.items():
        error = WriteError(code="worker_lost", message=f"{owner} ended or lost its lease before it knew the outcome")
        pairs = [
            (each, Outcome(key=each.intent["external_key"], state="uncertain", error=error))
            for each in prepare(connection, hub, rows)
        ]
        record(connection, hub, pairs, worker=owner, window=window)


def retry_rejected(connection: Connection, hub: Hub, keys: Sequence[str] | None = None) -> int:
    """Send rejected deliveries again, made anew from today's data. Returns how many.

    One that was rejected for what the target holds under its key is looked up and compared again, not just written.

    Args:
        connection: The caller's transaction.
        hub: The hub.
        keys: Intent keys; None for all.
    """
    of_these = intent_table.c.state == "rejected"
    if keys is not None:
        of_these &= intent_table.c.key.in_(list(keys))
    state = case((intent_table.c.error_code.in_(CONFLICTS), "uncertain"), else_="pending")
    again = {"state": state, "payload": None, "not_before": 0, "mapping_version": None, "mapping_fingerprint": None}
    columns = (intent_table.c.key, intent_table.c.subject_id)
    rows = connection.execute(
        select(*columns).where(of_these).order_by(intent_table.c.intent_id).with_for_update()
    ).all()
    connection.execute(update(intent_table).where(of_these).values(**again))
    retried = [audit.Entry(action="delivery.retried", subject=row.subject_id, detail={"key": row.key}) for row in rows]
    audit.append(connection, hub, retried)
    return len(rows)


def retry_exception(connection: Connection, hub: Hub, exception_id: int) -> str:
    """Put the record of one exception back to work; returns what will do it.

    Raises:
        ConfigurationError: There is no such open exception.
    """
    row = exceptions.get(connection, exception_id)
    if row["state"] != "open":
        raise ConfigurationError(f"exception {exception_id} is {row['state']}; only an open one can be retried")
    if row["subject_type"] != "delivery":
        return "sync" if row["subject_type"] in ("record", "drift") else "release"
    retry_rejected(connection, hub, [row["subject_id"]])
    # One that was given up may go at once; one in doubt keeps its wait, because it may still be under way.
    given_up = (intent_table.c.key == row["subject_id"], intent_table.c.state == "pending")
    connection.execute(update(intent_table).where(*given_up).values(not_before=0))
    return "deliver"


def _one_round(hub: Hub, due_by: int, failed: dict[str, HubError]) -> Mapping[str, int]:
    """Each target in turn, but for those that failed; one that fails now is added to them and holds up no other."""
    with reading(hub.engine) as connection:
        targets = intents.targets(connection, due_by=due_by)
    counts: Counter[str] = Counter()
    for target in targets:
        if target not in failed:
            try:
                counts.update(_drain(hub, target, due_by))
            except HubError as error:
                failed[target] = error
    return counts


def _first(failed: Mapping[str, HubError]) -> HubError:
    first, *others = failed.items()
    for target, error in others:
        first[1].add_note(f"{target} could not go on either: {error}")
    return first[1]
