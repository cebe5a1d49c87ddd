"""The Stripe stand-in as an ASGI app: the v1 API, its faults, its idempotency keys, its webhooks.

Beside the control endpoints of every stand-in it has

    POST /_sandbox/prune_idempotency   forgets all idempotency keys, as Stripe does after 24 hours
    POST /_sandbox/deliver_events      attempts all pending webhook deliveries now; answers counts
    POST /_sandbox/webhook_endpoints   JSON {"url", "enabled_events", "secret"}: registers an endpoint

Any `Stripe-Version` is accepted and echoed; objects have the shape of 2023-08-16, with the names
of later versions added where these renamed something (see `sandbox.stripe.shapes`).
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.answers import Answer, json_response
from sandbox.faults import FaultShapes, with_faults
from sandbox.storage import Storage, decode_json, encode_json, read_seed
from sandbox.stripe import idempotency, webhooks
from sandbox.stripe.account import API_VERSION, Account
from sandbox.stripe.deliveries import Courier
from sandbox.stripe.dispatch import Incoming, respond
from sandbox.stripe.errors import INVALID_REQUEST, error_body
from sandbox.stripe.routes import ENDPOINTS, Endpoint
from sandbox.stripe.shapes import public

SHAPES = FaultShapes(
    rate_limited=Answer(
        429,
        encode_json(error_body("Request rate limit exceeded.", kind=INVALID_REQUEST, code="rate_limit")),
        headers=(("Request-Id", "req_rate_limited"),),
    ),
    unauthorized=Answer(
        401,
        encode_json(error_body("Expired API Key provided.", kind=INVALID_REQUEST, code="api_key_expired")),
        headers=(("Request-Id", "req_unauthorized"),),
    ),
)


@dataclass(frozen=True)
class StripeApp:
    """The whole stand-in.

    Attributes:
        api: The vendor's endpoints, with faults and idempotency keys in front.
        control: The endpoints only this stand-in has.
        courier: What sends the webhooks.
        wake: Set after every request that may have caused an event.
        tasks: What runs beside the requests; an event loop alone would hold it too weakly.
    """

    api: ASGIApp
    control: Starlette
    courier: Courier
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        own = {getattr(route, "path", None) for route in self.control.routes}
        if scope["type"] == "http" and scope["path"] in own:
            await self.control(scope, receive, send)
            return
        await self.api(scope, receive, send)
        if scope["type"] == "http" and scope["method"] != "GET":
            self.wake.set()

    async def deliver_forever(self) -> None:
        """Send webhooks as events appear, and again when a retry is due."""
        while True:
            self.wake.clear()
            await run_in_threadpool(self.courier.deliver, force=False)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), self.courier.seconds_to_next())


def create_app(storage: Storage, seed: Path, as_of: date) -> StripeApp:
    """Build the stand-in.

    Args:
        storage: Its objects; idempotency keys and pending webhooks too.
        seed: The seed root; `stripe/RefusedEmail.csv` (column `email`) lists the addresses with
            which no customer can be created. It is a behaviour, not data, so it is read every time.
        as_of: The day on which all timestamps lie.
    """
    refused = frozenset(row["email"] for row in read_seed(seed, "stripe", "RefusedEmail"))
    account = Account(storage, as_of, refused)
    courier = Courier(account)
    routes = [Route(endpoint.path, _http(account, endpoint), methods=[endpoint.method]) for endpoint in ENDPOINTS]
    api = Starlette(routes=routes, exception_handlers={404: _unrecognized, 405: _unrecognized})
    guarded = idempotency.KeyGuard(with_faults(api, storage, SHAPES), storage)
    return StripeApp(guarded, _control(account, courier), courier)


async def start_listeners(app: StripeApp) -> dict[str, str]:
    """Start sending webhooks in the server's event loop; there is no further endpoint to name."""
    app.tasks.add(asyncio.get_running_loop().create_task(app.deliver_forever()))
    return {}


def _http(account: Account, endpoint: Endpoint) -> Any:
    async def handle(request: Request) -> Response:
        body = await request.body()
        ticket = None
        if endpoint.method == "POST":
            ticket = idempotency.ticket_of(request.scope["headers"], request.url.path, body)
        incoming = Incoming(request.path_params, request.headers, request.url.query, body, ticket)
        reply = await run_in_threadpool(respond, account, endpoint, incoming)
        version = request.headers.get("stripe-version", API_VERSION)
        return Response(reply.text, reply.status, {**reply.headers, "Stripe-Version": version}, "application/json")

    return handle


async def _unrecognized(request: Request, error: Exception) -> Response:
    message = f"Unrecognized request URL ({request.method}: {request.url.path})."
    status = error.status_code if isinstance(error, HTTPException) else 404
    return json_response(error_body(message, kind=INVALID_REQUEST), status)


def _control(account: Account, courier: Courier) -> Starlette:
    async def prune(request: Request) -> Response:
        return json_response({"pruned": await run_in_threadpool(idempotency.prune, account.storage)})

    async def deliver(request: Request) -> Response:
        return json_response(await run_in_threadpool(courier.deliver, force=True))

    async def register(request: Request) -> Response:
        sent = decode_json(await request.body())
        types = sent.get("enabled_events", ["*"])
        endpoint = webhooks.register(account, sent["url"], types, sent.get("secret"))
        return json_response({**public(endpoint), "secret": endpoint["_secret"]}, 201)

    return Starlette(
        routes=[
            Route("/_sandbox/prune_idempotency", prune, methods=["POST"]),
            Route("/_sandbox/deliver_events", deliver, methods=["POST"]),
            Route("/_sandbox/webhook_endpoints", register, methods=["POST"]),
        ]
    )
