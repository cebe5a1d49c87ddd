"""Idempotency keys: the first answer is kept and repeated.

Source: docs.stripe.com/api/idempotent_requests (v1), docs.stripe.com/error-low-level.
- The answer is stored together with its effects, whatever its status, once execution has begun.
- The same key with other parameters or another path is refused with 400 `idempotency_error`.
- A key whose first request is still under way is refused with 409 `idempotency_key_in_use`.
- A request refused for its parameters leaves the key unused.
- Stripe drops keys after at least 24 hours; here only `POST /_sandbox/prune_idempotency` does.

An injected fault that answers 500 to a first request is stored too, as Stripe would store its own
500. Other injected statuses (429, 502, 503 ...) come from Stripe's edge and are not stored.
"""

import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.answers import Answer, send_answer
from sandbox.storage import Body, Storage, encode_json
from sandbox.stripe.errors import INVALID_REQUEST, StripeError, bad_parameter, error_body

KIND = "idempotency_key"
MAX_KEY = 255
REPLAYED = "idempotent-replayed"
STORED_FAULT = 500


@dataclass(frozen=True)
class Ticket:
    """One use of an idempotency key: the key, and what it is used for."""

    key: str
    fingerprint: str


def ticket_of(headers: list[tuple[bytes, bytes]], path: str, body: bytes) -> Ticket | None:
    """Return the use of a key that a POST makes, or None if it brings no key."""
    keys = [value for name, value in headers if name == b"idempotency-key"]
    if not keys or not keys[0]:
        return None
    form = sorted(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    fingerprint = hashlib.sha256(json.dumps([path, form]).encode()).hexdigest()
    return Ticket(keys[0].decode("latin-1"), fingerprint)


def recall(storage: Storage, ticket: Ticket) -> Body | None:
    """Return the stored answer ("status", "answer") of a key; None for a new key.

    Raises:
        StripeError: The key is too long, or was first used for something else.
    """
    if len(ticket.key) > MAX_KEY:
        raise bad_parameter(f"Idempotency keys are up to {MAX_KEY} characters long", param="Idempotency-Key")
    stored = storage.get(KIND, ticket.key)
    if stored is not None and stored["fingerprint"] != ticket.fingerprint:
        raise StripeError(
            "Keys for idempotent requests can only be used with the endpoint and the parameters they were"
            f" first used with. Use a key other than '{ticket.key}' for a different request.",
            kind="idempotency_error",
        )
    return stored


def remember(storage: Storage, ticket: Ticket, status: int, answer: str) -> None:
    """Store the first answer of a key; `answer` is the body's text."""
    body = {"id": ticket.key, "fingerprint": ticket.fingerprint, "status": status, "answer": answer}
    storage.put(KIND, ticket.key, body)


def prune(storage: Storage) -> int:
    """Forget all keys, as Stripe does after 24 hours; returns how many there were."""
    keys = [stored["id"] for stored in storage.list(KIND)]
    with storage.transaction():
        for key in keys:
            storage.delete(KIND, key)
    return len(keys)


@dataclass(frozen=True)
class KeyGuard:
    """Stands outside the faults: refuses a key that is in flight, and stores an injected 500.

    Attributes:
        app: The API with its faults.
        storage: Where the keys are.
        in_flight: Keys of the requests under way; used in the event loop only.
    """

    app: ASGIApp
    storage: Storage
    in_flight: set[str] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        ticket = ticket_of(scope["headers"], scope["path"], body)
        again = _replay_once(body, receive)
        if ticket is None:
            await self.app(scope, again, send)
        elif ticket.key in self.in_flight:
            await send_answer(send, _in_use(ticket.key))
        else:
            await self._guarded(ticket, scope, again, send)

    async def _guarded(self, ticket: Ticket, scope: Scope, receive: Receive, send: Send) -> None:
        is_first = self.storage.get(KIND, ticket.key) is None
        fault = _StoredFault()
        self.in_flight.add(ticket.key)
        try:
            await self.app(scope, receive, fault.watching(send))
            if is_first and fault.struck:
                remember(self.storage, ticket, STORED_FAULT, bytes(fault.body).decode("utf-8", "replace"))
        finally:
            self.in_flight.discard(ticket.key)


@dataclass
class _StoredFault:
    """Whether an answer that passes by is a 500, and its body."""

    struck: bool = False
    body: bytearray = field(default_factory=bytearray)

    def watching(self, send: Send) -> Send:
        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.struck = message["status"] == STORED_FAULT
            elif self.struck:
                self.body += message.get("body", b"")
            await send(message)

        return watch


def _in_use(key: str) -> Answer:
    body = error_body(
        f"There is currently another in-progress request using the idempotency key {key}.",
        kind=INVALID_REQUEST,
        code="idempotency_key_in_use",
    )
    return Answer(409, encode_json(body))


async def _read(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay_once(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again
