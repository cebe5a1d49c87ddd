"""Events: what happened to an object, kept for `GET /v1/events` and sent to webhook endpoints.

Source: docs.stripe.com/api/events, docs.stripe.com/api/events/types.
"""

from sandbox.storage import Body
from sandbox.stripe import deliveries
from sandbox.stripe.account import API_VERSION, Call
from sandbox.stripe.listing import list_page
from sandbox.stripe.shapes import public


def record(call: Call, event_type: str, body: Body, before: Body | None = None) -> Body:
    """Store the event that `body` changed, and queue it for every endpoint that asked for its type.

    Args:
        call: The request that caused it.
        event_type: Stripe's name, e.g. "invoice.finalized".
        body: The object after the change.
        before: The object before it, for types that end in "updated".

    Returns:
        The object after the change, so that a handler can end with its event.
    """
    account = call.account
    event_id, endpoints = account.new_id("evt"), deliveries.endpoints_for(account, event_type)
    event = {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": account.now(),
        "data": _data(body, before),
        "livemode": False,
        "pending_webhooks": len(endpoints),
        "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
        "type": event_type,
    }
    account.save(event)
    deliveries.queue(account, event_id, endpoints)
    return body


def save_and_record(call: Call, event_type: str, body: Body, before: Body | None = None) -> Body:
    """Store an object and the event about it."""
    return record(call, event_type, call.account.save(body), before)


def record_removal(call: Call, event_type: str, body: Body) -> Body:
    """Delete an object, store the event about it, and return what Stripe answers."""
    call.account.storage.delete(body["object"], body["id"])
    record(call, event_type, body)
    return {"id": body["id"], "object": body["object"], "deleted": True}


def retrieve(call: Call) -> Body:
    """GET /v1/events/{id}."""
    return call.target("event")


def list_events(call: Call) -> Body:
    """GET /v1/events, filtered by `type` (with a `*` for a whole group) or `types`."""
    pattern = call.params.text("type")
    wanted = [pattern] if pattern else call.params.texts("types")
    return list_page(call, "event", lambda event: not wanted or deliveries.wants(wanted, event["type"]))


def _data(body: Body, before: Body | None) -> Body:
    shown = public(body)
    if before is None:
        return {"object": shown}
    old = public(before)
    changed = {name: old.get(name) for name in shown if old.get(name) != shown[name]}
    return {"object": shown, "previous_attributes": changed}
