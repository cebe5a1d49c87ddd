"""The delivery engine: claim, write ahead, send, record, in batches, one target at a time.

A claimed batch is committed as `sending` with its payloads before anything goes out. Whatever then happens to this process, the intents say what may
have been sent: they become `uncertain`, and are looked up or sent again under the same key, never blindly repeated.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, update

from billhub import exceptions
from billhub.deliver.outcomes import record
from billhub.deliver.payloads import Prepared, prepare, write_ahead_row
from billhub.deliver.resolve import already_there
from billhub.deliver.worker import is_dead, worker_name
from billhub.hub import Hub
from billhub.store import intents
from billhub.store.engine import reading, transaction
from billhub.store.schema import intents as intent_table
from canonical_model.errors import ConfigurationError, HubError
from connectors.contract import Idempotency, Outcome, Target, WriteError

BATCH = 100


def deliver_due(hub: Hub, *, wait_seconds: int = 0) -> Mapping[str, int]:
    """Deliver everything that is due, target after target, until nothing is left or the rest has to wait longer.

    Args:
        hub: The hub.
        wait_seconds: How long to wait, in all, for deliveries whose waiting time is not over yet.

    Returns:
        How many outcomes there were of each kind, over all attempts.
    """
    counts: Counter[str] = Counter()
    deadline = time.monotonic() + wait_seconds
    while True:
        sent = _one_round(hub)
        counts.update(sent)
        if sent:
            continue
        with reading(hub.engine) as connection:
            due_in = intents.next_due_in(connection)
        if due_in is None or time.monotonic() + due_in / 1000 > deadline:
            return dict(counts)
        time.sleep(due_in / 1000)


def drain(hub: Hub, target: str) -> Mapping[str, int]:
    """Deliver what is due for one target now; safe to run in several processes at once.

    Raises:
        CredentialsError: The target does not accept our credentials; what was claimed is uncertain and will be looked up.
        ConfigurationError: The connection is missing or wrong.
    """
    connector, worker, counts = hub.connect(target, Target), worker_name(), Counter[str]()
    window = connector.capabilities.in_flight_window
    while True:
        with transaction(hub.engine) as connection:
            recover(connection, target, window)
            claimed = intents.claim(
                connection, target, worker=worker, limit=max(BATCH, connector.capabilities.bulk_size)
            )
            prepared = prepare(connection, hub, claimed)
            intents.write_ahead(connection, [write_ahead_row(each) for each in prepared])
        if not prepared:
            return dict(counts)
        outcomes = _send(hub, connector, prepared)
        with transaction(hub.engine) as connection:
            counts.update(record(connection, hub, worker, prepared, outcomes))


def recover(connection: Connection, target: str, window: int) -> None:
    """Intents whose worker is gone become uncertain, and wait for the target's in-flight window before they are looked up."""
    for intent_id, owner, lease_until in intents.being_sent(connection, target):
        if lease_until <= intents.now_ms() or is_dead(owner):
            waits = {"state": "uncertain", "not_before": intents.now_ms() + 1000 * window, "lease_until": 0}
            connection.execute(update(intent_table).where(intent_table.c.intent_id == intent_id).values(**waits))


def retry_rejected(connection: Connection, hub: Hub, keys: Sequence[str] | None = None) -> int:
    """Send rejected deliveries again, made anew from today's data. Returns how many.

    Args:
        connection: The caller's transaction.
        hub: The hub.
        keys: Intent keys; None for all.
    """
    of_these = intent_table.c.state == "rejected"
    if keys is not None:
        of_these &= intent_table.c.key.in_(list(keys))
    again = {"state": "pending", "payload": None, "not_before": 0, "attempts": 0, "mapping_version": None}
    done = connection.execute(update(intent_table).where(of_these).values(**again))
    return int(done.rowcount)


def retry_exception(connection: Connection, hub: Hub, exception_id: int) -> str:
    """Put the record of one exception back to work; returns what will do it.

    Raises:
        ConfigurationError: There is no such open exception.
    """
    row = exceptions.get(connection, exception_id)
    if row["state"] != "open":
        raise ConfigurationError(f"exception {exception_id} is {row['state']}; only an open one can be retried")
    if row["subject_type"] != "delivery":
        return "release" if row["subject_type"] in {"invoice", "tax", "contract"} else "sync"
    retry_rejected(connection, hub, [row["subject_id"]])
    # One that was given up may go at once; one in doubt keeps its wait, because it may still be under way.
    given_up = (intent_table.c.key == row["subject_id"], intent_table.c.state == "pending")
    connection.execute(update(intent_table).where(*given_up).values(not_before=0))
    return "deliver"


def _one_round(hub: Hub) -> Mapping[str, int]:
    with reading(hub.engine) as connection:
        targets = intents.targets(connection)
    counts: Counter[str] = Counter()
    for target in targets:
        counts.update(drain(hub, target))
    return counts


def _send(hub: Hub, connector: Target, prepared: Sequence[Prepared]) -> list[Outcome]:
    """One outcome for each prepared intent, in order."""
    entity = prepared[0].intent["entity"]
    known = {each.intent["intent_id"]: _unsendable(each) for each in prepared if each.error is not None}
    try:
        if connector.capabilities.idempotency.get(entity) is not Idempotency.UPSERT:
            known |= already_there(connector, entity, [each for each in prepared if each.error is None])
        rest = [each for each in prepared if each.intent["intent_id"] not in known]
        written = connector.write(entity, [each.request() for each in rest]) if rest else []
    except HubError as error:
        _put_back(hub, prepared, error)
        raise
    known |= {each.intent["intent_id"]: outcome for each, outcome in zip(rest, written, strict=True)}
    return [known[each.intent["intent_id"]] for each in prepared]


def _unsendable(prepared: Prepared) -> Outcome:
    error = WriteError(
        code="mapping", message=str(prepared.error), field=prepared.error.field if prepared.error else None
    )
    return Outcome(key=prepared.intent["external_key"], state="rejected", error=error)


def _put_back(hub: Hub, prepared: Sequence[Prepared], error: HubError) -> None:
    """The run stops; what was claimed may have been sent."""
    code = WriteError(code=type(error).__name__, message=str(error))
    outcomes = [Outcome(key=each.intent["external_key"], state="uncertain", error=code) for each in prepared]
    with transaction(hub.engine) as connection:
        record(connection, hub, worker_name(), prepared, outcomes)
