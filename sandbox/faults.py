"""Faults on demand, the same for every stand-in that speaks HTTP.

An app wraps itself as its last step: `return with_faults(app, storage, FaultShapes(...))`. Tests
then switch faults on through `POST /_sandbox/faults` (see `sandbox.control`) with a body such as

    {"match": "POST /v1/invoices", "fault": "reset_after", "times": 1, "after": 2}

`match` is a regular expression that must fit, from start to end, the operation ("add",
"POST /v1/invoices/{id}/pay") or the request's own "METHOD /path". `after` matching requests pass
first, then `times` requests (default 1; null: all) suffer the fault:

    refuse_before        closes the connection before any effect
    reset_after          lets the effect happen, then resets the connection without an answer
    half_answer          lets the effect happen, sends half of the answer's body, then closes
    status               answers `status`, `body` and `headers`, no effect
    status_after_effect  lets the effect happen, then answers `status`, `body` and `headers`
    slow                 lets the effect happen, then waits `delay` seconds before the answer
    rate_limit           answers as the vendor does above its limit, no effect
    unauthorized         answers as the vendor does to a stale credential, no effect
    garbage              lets the effect happen, then answers 200 with an HTML page

The closing faults really end the TCP connection: `sandbox.server` puts the connection's transport
into the ASGI scope, and it is aborted here. A `requests` client sees `ConnectionError`, or
`ChunkedEncodingError` for half an answer.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.answers import Answer, send_answer
from sandbox.control import control_app
from sandbox.fault_rules import FaultBoard, FaultRule
from sandbox.storage import Storage

TRANSPORT = "sandbox.transport"
"""Key of the connection's asyncio transport in the ASGI scope."""

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero: closing the socket sends RST instead of FIN."""


@dataclass(frozen=True)
class FaultShapes:
    """How this vendor words the faults that have a shape of their own."""

    rate_limited: Answer
    unauthorized: Answer


GARBAGE = Answer(200, b"<html><body>Service temporarily unavail", "text/html")


def operation_of(scope: Scope, routes: Sequence[BaseRoute]) -> str:
    """Name a request: its SOAPAction, or its method and the path template of its route.

    A path that no route knows stands for itself.
    """
    for name, value in scope["headers"]:
        if name == b"soapaction" and value.strip(b'" '):
            return str(value.decode("latin-1").strip('" '))
    return f"{scope['method']} {_path_template(scope, routes)}"


def _path_template(scope: Scope, routes: Sequence[BaseRoute]) -> str:
    for route in routes:
        if route.matches(scope)[0] is not Match.NONE:
            return str(getattr(route, "path", scope["path"]))
    return str(scope["path"])


class FaultMiddleware:
    """The app with its faults in front; `board` holds what is switched on."""

    def __init__(self, app: ASGIApp, shapes: FaultShapes, control: ASGIApp, board: FaultBoard) -> None:
        """Wrap `app`; `control` answers everything below `/_sandbox/`."""
        self.app = app
        self.board = board
        self._control = control
        self._routes: Sequence[BaseRoute] = getattr(app, "routes", ())
        self._answers: dict[str, Callable[[FaultRule], Answer]] = {
            "status": lambda rule: rule.answer,
            "rate_limit": lambda rule: shapes.rate_limited,
            "unauthorized": lambda rule: shapes.unauthorized,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it suffer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"].startswith("/_sandbox/"):
            await self._control(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        own_name = f"{scope['method']} {scope['path']}"
        rule = self.board.take(operation_of(scope, self._routes), own_name)
        if rule is None:
            await self.app(scope, receive, send)
        elif rule.fault == "refuse_before":
            await _hang_up(scope, receive)
        elif rule.fault in self._answers:
            await _read_body(receive)
            await send_answer(send, self._answers[rule.fault](rule))
        else:
            await self._after_effect(rule, scope, receive, send)

    async def _after_effect(self, rule: FaultRule, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, keep)
        if rule.fault == "reset_after":
            await _hang_up(scope, receive, reset=True)
        elif rule.fault == "half_answer":
            await _send_half(scope, send, messages)
        elif rule.fault == "slow":
            await asyncio.sleep(rule.delay)
            for message in messages:
                await send(message)
        else:
            await send_answer(send, GARBAGE if rule.fault == "garbage" else rule.answer)


async def _read_body(receive: Receive) -> None:
    # A request left unread would make the server drop the connection after the answer.
    while (message := await receive()).get("more_body"):
        if message["type"] == "http.disconnect":
            return


async def _send_half(scope: Scope, send: Send, messages: Sequence[Message]) -> None:
    body = b"".join(message.get("body", b"") for message in messages)
    await send(messages[0])
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    # close, unlike abort, still sends what was written.
    scope[TRANSPORT].close()


async def _hang_up(scope: Scope, receive: Receive, *, reset: bool = False) -> None:
    drop_connection(scope[TRANSPORT], reset=reset)
    # Returning before the server has noticed would make it write a 500 of its own.
    while (await receive())["type"] != "http.disconnect":
        pass


def drop_connection(transport: asyncio.WriteTransport, *, reset: bool) -> None:
    """Close a TCP connection at once, unsent bytes included.

    Args:
        transport: The connection.
        reset: Whether the peer shall get RST (connection reset) instead of FIN (end of stream).
    """
    if reset:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()


def with_faults(app: ASGIApp, storage: Storage, shapes: FaultShapes) -> FaultMiddleware:
    """Put faults and the control endpoints in front of an app.

    Args:
        app: A Starlette app; its routes name the operations.
        storage: What `/_sandbox/count` and `/_sandbox/objects/{kind}` show.
        shapes: The vendor's own answers to too many requests and to a stale credential.
    """
    board = FaultBoard()
    return FaultMiddleware(app, shapes, control_app(storage, board), board)
