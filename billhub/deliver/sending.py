"""Sending a claimed batch: what is in doubt is looked up, the rest is written, and each intent that was dealt with gets its outcome."""

from collections.abc import Sequence
from typing import Literal

from billhub.deliver.payloads import Prepared
from billhub.deliver.resolve import already_there
from billhub.hub import Hub
from billhub.rendering import RenderingError
from billhub.store import intents
from billhub.store.engine import transaction
from canonical_model.errors import HubError
from connectors.contract import Idempotency, Outcome, Target, WriteError, WriteRequest

Pair = tuple[Prepared, Outcome]


def send(
    hub: Hub, connector: Target, prepared: Sequence[Prepared], *, worker: str
) -> tuple[list[Pair], HubError | None]:
    """Deal with the intents of one batch, all of one entity.

    Returns:
        Each intent that was dealt with and its outcome, and the error that stops the run, if any. An intent that another worker has taken over
        meanwhile has no outcome.
    """
    entity, strategy = prepared[0].intent["entity"], connector.capabilities.idempotency
    pairs = [(each, _unsendable(each)) for each in prepared if each.error is not None]
    sendable = [each for each in prepared if each.error is None]
    if strategy.get(entity) is not Idempotency.UPSERT:
        try:
            resolved = already_there(connector, entity, sendable)
        except HubError as error:
            return pairs + [_untouched(each, error) for each in sendable], error
        pairs += [(each, resolved[_id(each)]) for each in sendable if _id(each) in resolved]
        sendable = [each for each in sendable if _id(each) not in resolved]
    # Where no key of the target's stops a second effect, the lease is looked at before each single write: whoever lost it meanwhile must not send.
    size = 1 if strategy.get(entity) is Idempotency.LOOKUP_AFTER_WINDOW else len(sendable)
    sent, stopped = _write(hub, connector, _portions(sendable, size), worker)
    return pairs + sent, stopped


def _write(
    hub: Hub, connector: Target, portions: Sequence[Sequence[Prepared]], worker: str
) -> tuple[list[Pair], HubError | None]:
    pairs: list[Pair] = []
    for place, portion in enumerate(portions):
        held, requests, unfit = _requests(_renew(hub, portion, worker))
        pairs += unfit
        if not held:
            continue
        try:
            outcomes = connector.write(held[0].intent["entity"], requests)
        except HubError as error:
            unsent = [each for later in portions[place + 1 :] for each in later]
            stopped = [(each, _outcome(each, "uncertain", error)) for each in held]
            return pairs + stopped + [_untouched(each, error) for each in unsent], error
        pairs += zip(held, outcomes, strict=True)
    return pairs, None


def _requests(held: Sequence[Prepared]) -> tuple[list[Prepared], list[WriteRequest], list[Pair]]:
    """The requests of those that can be rendered; the others are rejected, and hold up no one."""
    fit: list[Prepared] = []
    requests: list[WriteRequest] = []
    unfit: list[Pair] = []
    for each in held:
        try:
            requests.append(each.request())
            fit.append(each)
        except RenderingError as error:
            reason = WriteError(code="rendering", message=str(error))
            unfit.append((each, Outcome(key=each.intent["external_key"], state="rejected", error=reason)))
    return fit, requests, unfit


def _renew(hub: Hub, portion: Sequence[Prepared], worker: str) -> list[Prepared]:
    """What this worker still holds, with the lease begun anew: it may have been suspended, or slow, for longer than its lease."""
    with transaction(hub.engine) as connection:
        held = intents.renew(connection, worker, [_id(each) for each in portion])
    return [each for each in portion if _id(each) in held]


def _portions(prepared: Sequence[Prepared], size: int) -> list[Sequence[Prepared]]:
    return [prepared[start : start + size] for start in range(0, len(prepared), size or 1)]


def _unsendable(prepared: Prepared) -> Outcome:
    field = prepared.error.field if prepared.error else None
    error = WriteError(code="mapping", message=str(prepared.error), field=field)
    return Outcome(key=prepared.intent["external_key"], state="rejected", error=error)


def _untouched(prepared: Prepared, error: HubError) -> Pair:
    """The run stops before this one was written: it is as certain, or as much in doubt, as before."""
    return prepared, _outcome(prepared, "uncertain" if prepared.intent["state"] == "uncertain" else "pending", error)


def _outcome(prepared: Prepared, state: Literal["pending", "uncertain"], error: HubError) -> Outcome:
    reason = WriteError(code=type(error).__name__, message=str(error))
    return Outcome(key=prepared.intent["external_key"], state=state, error=reason)


def _id(prepared: Prepared) -> int:
    return int(prepared.intent["intent_id"])
