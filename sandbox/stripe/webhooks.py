"""Webhook endpoints: where events are sent.

Source: docs.stripe.com/api/webhook_endpoints; the signing secret is shown on creation only.
"""

import hashlib

from sandbox.storage import Body
from sandbox.stripe.account import API_VERSION, Account, Call
from sandbox.stripe.errors import bad_parameter, parameter_missing
from sandbox.stripe.listing import list_page
from sandbox.stripe.shapes import public

FIELDS = frozenset({"url", "enabled_events", "description", "metadata", "api_version"})


def create(call: Call) -> Body:
    """POST /v1/webhook_endpoints."""
    params = call.params
    url, types = params.required("url"), params.texts("enabled_events")
    if not types:
        raise parameter_missing("enabled_events")
    if not url.startswith(("http://", "https://")):
        raise bad_parameter(f"Invalid URL: {url}", code="url_invalid", param="url")
    endpoint = register(call.account, url, types)
    endpoint |= {"description": params.text("description"), "metadata": params.metadata()}
    call.account.save(endpoint)
    return {**public(endpoint), "secret": endpoint["_secret"]}


def register(account: Account, url: str, types: list[str], secret: str | None = None) -> Body:
    """Store an endpoint.

    Args:
        account: The account whose events are sent.
        url: Where to; plain http is allowed, as in Stripe's test mode.
        types: Event types, or patterns such as "*".
        secret: Signing secret; None makes one out of the id.
    """
    endpoint_id = account.new_id("we")
    endpoint: Body = {
        "id": endpoint_id,
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": account.now(),
        "description": None,
        "enabled_events": types,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
        "_secret": secret or f"whsec_{hashlib.sha256(endpoint_id.encode()).hexdigest()[:32]}",
    }
    return account.save(endpoint)


def retrieve(call: Call) -> Body:
    """GET /v1/webhook_endpoints/{id}."""
    return call.target("webhook_endpoint")


def list_endpoints(call: Call) -> Body:
    """GET /v1/webhook_endpoints."""
    return list_page(call, "webhook_endpoint")


def delete(call: Call) -> Body:
    """DELETE /v1/webhook_endpoints/{id}."""
    endpoint = call.target("webhook_endpoint")
    call.account.storage.delete("webhook_endpoint", endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
