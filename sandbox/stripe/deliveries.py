"""Webhook deliveries: which endpoint gets which event, the signature, and the attempts.

Source: docs.stripe.com/webhooks (signature: HMAC-SHA256 over "t.payload" with the endpoint's
secret; a delivery succeeds with any 2xx; a test account retries a failed one three times).

Stripe spreads the retries over hours; here they follow within half a minute. The signature's
moment `t` is the one thing in this stand-in that reads the real clock: receivers refuse an old one.
"""

import hashlib
import hmac
import threading
import time
from collections.abc import Collection
from fnmatch import fnmatchcase

import requests

from sandbox.storage import Body, encode_json
from sandbox.stripe.account import Account
from sandbox.stripe.shapes import public

PENDING = "webhook_pending"
"""Kind of the deliveries that have not succeeded yet."""

DELIVERED = "webhook_delivery"
"""Kind of the deliveries that have."""

RETRY_AFTER = (1.0, 5.0, 20.0)
"""Seconds until the first, second and third retry."""

TIMEOUT = 10.0


def wants(patterns: Collection[str], event_type: str) -> bool:
    """Say whether an event type is among the asked ones; "*" and "invoice.*" are patterns."""
    return any(fnmatchcase(event_type, pattern) for pattern in patterns)


def endpoints_for(account: Account, event_type: str) -> list[str]:
    """Return the ids of the enabled endpoints that asked for this type."""
    endpoints = account.storage.list("webhook_endpoint")
    return [
        endpoint["id"]
        for endpoint in endpoints
        if endpoint["status"] == "enabled" and wants(endpoint["enabled_events"], event_type)
    ]


def queue(account: Account, event_id: str, endpoint_ids: Collection[str]) -> None:
    """Remember that an event has to go to these endpoints."""
    for endpoint_id in endpoint_ids:
        delivery_id = f"{event_id}.{endpoint_id}"
        delivery = {"id": delivery_id, "event": event_id, "endpoint": endpoint_id, "attempts": 0}
        account.storage.insert(PENDING, delivery_id, delivery)


def sign(payload: bytes, secret: str, moment: int) -> str:
    """Return the `Stripe-Signature` header.

    Args:
        payload: The body exactly as it is sent.
        secret: The endpoint's signing secret, "whsec_...".
        moment: When it is sent, epoch seconds.
    """
    signed = b"%d.%s" % (moment, payload)
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


class Courier:
    """Sends what is pending, in the order of the events, one pass at a time."""

    def __init__(self, account: Account) -> None:
        """Deliver for one account."""
        self._account = account
        self._pass = threading.Lock()
        self._not_before: dict[str, float] = {}
        self._http = requests.Session()
        self._http.trust_env = False

    def deliver(self, *, force: bool) -> dict[str, int]:
        """Attempt the pending deliveries once.

        Args:
            force: Also those that wait for their retry, or have used up their retries.

        Returns:
            How many were "delivered", how many "failed" in this pass, how many are still "pending".
        """
        counts = {"delivered": 0, "failed": 0}
        with self._pass:
            for delivery in self._account.storage.list(PENDING):
                if force or self._is_due(delivery):
                    counts["delivered" if self._attempt(delivery) else "failed"] += 1
        return {**counts, "pending": self._account.storage.count(PENDING)}

    def seconds_to_next(self) -> float | None:
        """Return how long until a retry is due; None if none is planned."""
        moments = list(self._not_before.values())
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _is_due(self, delivery: Body) -> bool:
        if delivery["attempts"] > len(RETRY_AFTER):
            return False
        return self._not_before.get(delivery["id"], 0.0) <= time.monotonic()

    def _attempt(self, delivery: Body) -> bool:
        storage = self._account.storage
        endpoint = storage.get("webhook_endpoint", delivery["endpoint"])
        event = storage.get("event", delivery["event"])
        if endpoint is None or event is None:
            self._forget(delivery)
            return False
        if self._send(endpoint, encode_json(public(event))):
            self._succeeded(delivery)
            return True
        self._failed(delivery)
        return False

    def _send(self, endpoint: Body, payload: bytes) -> bool:
        signature = sign(payload, endpoint["_secret"], int(time.time()))
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
        try:
            answer = self._http.post(
                endpoint["url"], data=payload, headers=headers, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException:
            return False
        return answer.ok and not answer.is_redirect

    def _succeeded(self, delivery: Body) -> None:
        storage = self._account.storage
        done = {**delivery, "attempts": delivery["attempts"] + 1}
        with storage.transaction():
            self._forget(delivery)
            storage.put(DELIVERED, delivery["id"], done)
            event = self._account.require("event", delivery["event"])
            self._account.save({**event, "pending_webhooks": event["pending_webhooks"] - 1})

    def _failed(self, delivery: Body) -> None:
        attempts = delivery["attempts"] + 1
        self._account.storage.put(PENDING, delivery["id"], {**delivery, "attempts": attempts})
        self._not_before.pop(delivery["id"], None)
        if attempts <= len(RETRY_AFTER):
            self._not_before[delivery["id"]] = time.monotonic() + RETRY_AFTER[attempts - 1]

    def _forget(self, delivery: Body) -> None:
        self._account.storage.delete(PENDING, delivery["id"])
        self._not_before.pop(delivery["id"], None)
