"""One request from its bytes to its answer: who asks, was it answered before, run it, store it."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.storage import Body, encode_json
from sandbox.stripe import idempotency
from sandbox.stripe.account import Account, Call
from sandbox.stripe.errors import Answer, StripeError, bad_parameter
from sandbox.stripe.expand import expanded
from sandbox.stripe.forms import parse_form
from sandbox.stripe.params import Params
from sandbox.stripe.routes import Endpoint
from sandbox.stripe.shapes import public

SECRET_KEY = "sk_test_sandbox"  # noqa: S105 - the one key of this stand-in, known to everybody
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Incoming:
    """A request as it came.

    Attributes:
        path_ids: The ids in the path, by placeholder.
        headers: Header values by lower-case name.
        query: The query string, raw.
        body: The body, raw.
        ticket: The use of an idempotency key, if one was sent.
    """

    path_ids: Mapping[str, str]
    headers: Mapping[str, str]
    query: str
    body: bytes
    ticket: idempotency.Ticket | None


@dataclass(frozen=True)
class Reply:
    """What goes back: status, JSON text, and headers of its own."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)


def respond(account: Account, endpoint: Endpoint, incoming: Incoming) -> Reply:
    """Answer one request; never raises for what the client did wrong."""
    ticket = incoming.ticket
    headers = {"Request-Id": account.new_id("req")}
    if ticket:
        headers["Idempotency-Key"] = ticket.key
    try:
        authenticate(incoming.headers.get("authorization", ""))
        stored = idempotency.recall(account.storage, ticket) if ticket else None
    except StripeError as error:
        return _reply(error.status, error.body, headers)
    if stored:
        return Reply(stored["status"], stored["answer"], {**headers, idempotency.REPLAYED: "true"})
    return _first(account, endpoint, incoming, headers)


def authenticate(authorization: str) -> None:
    """Check the secret key, sent as a bearer token or as the user name of Basic.

    Raises:
        StripeError: 401, as docs.stripe.com/api/authentication describes.
    """
    scheme, _, credential = authorization.partition(" ")
    key = _basic_user(credential) if scheme.lower() == "basic" else credential.strip()
    if not key:
        raise StripeError("You did not provide an API key.", status=401, before_execution=True)
    if key != SECRET_KEY:
        raise StripeError(f"Invalid API Key provided: {_masked(key)}", status=401, before_execution=True)


def _first(account: Account, endpoint: Endpoint, incoming: Incoming, headers: dict[str, str]) -> Reply:
    storage, ticket = account.storage, incoming.ticket
    try:
        with storage.transaction():
            reply = _run(account, endpoint, incoming, headers)
            if ticket:
                # In one transaction with the effects: a crash keeps both or neither.
                idempotency.remember(storage, ticket, reply.status, reply.text)
            return reply
    except StripeError as error:
        reply = _reply(error.status, error.body, headers)
        if ticket and not error.before_execution:
            idempotency.remember(storage, ticket, reply.status, reply.text)
        return reply


def _run(account: Account, endpoint: Endpoint, incoming: Incoming, headers: dict[str, str]) -> Reply:
    params = _params(endpoint, incoming)
    params.refuse_unknown(endpoint.fields | {"expand"})
    paths = params.texts("expand")
    key = incoming.ticket.key if incoming.ticket else None
    result = endpoint.handler(Call(account, params, incoming.path_ids, headers["Request-Id"], key))
    if isinstance(result, Answer):
        return _reply(result.status, result.body, headers)
    shown = public(result) if "object" in result else result
    return _reply(200, expanded(account, shown, paths), headers)


def _params(endpoint: Endpoint, incoming: Incoming) -> Params:
    content_type = incoming.headers.get("content-type", FORM)
    if endpoint.method != "POST":
        return Params(parse_form(incoming.query))
    if incoming.body and not content_type.startswith(FORM):
        raise bad_parameter(f"Invalid request (the content type of a POST must be {FORM})")
    return Params(parse_form(incoming.body.decode("utf-8", "replace")))


def _reply(status: int, body: Body, headers: dict[str, str]) -> Reply:
    return Reply(status, encode_json(body).decode(), headers)


def _basic_user(credential: str) -> str:
    try:
        return base64.b64decode(credential, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _masked(key: str) -> str:
    shown = 4
    return f"{'*' * max(0, len(key) - shown)}{key[-shown:]}"
