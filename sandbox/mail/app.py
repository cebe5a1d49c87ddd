"""The mail provider: its control endpoints over HTTP, and its SMTP and IMAP listeners.

GET /messages         the accepted messages without their content, in order of arrival
GET /messages/{uid}   one message as it was sent, message/rfc822
"""

import asyncio
import logging
import warnings
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import Answer, json_response
from sandbox.faults import FaultMiddleware, FaultShapes, with_faults
from sandbox.mail.imap import Session
from sandbox.mail.post_office import PostOffice
from sandbox.mail.smtp import Submission
from sandbox.storage import Storage

SHAPES = FaultShapes(Answer(429, b"{}"), Answer(401, b"{}"))


def create_app(storage: Storage, seed: Path, as_of: date) -> FaultMiddleware:
    """Build the HTTP side.

    Args:
        storage: Where messages are kept.
        seed: Root of the seed folders; `mail/RejectedDomain.csv` is read if storage is empty.
        as_of: The day on which messages arrive.
    """
    office = PostOffice(storage, seed, as_of)

    async def messages(request: Request) -> Response:
        return json_response(list(office.messages()))

    async def message(request: Request) -> Response:
        raw = office.content(request.path_params["uid"])
        return Response(raw, media_type="message/rfc822") if raw else Response(status_code=404)

    app = Starlette(routes=[Route("/messages", messages), Route("/messages/{uid:int}", message)])
    app.state.post_office = office
    return with_faults(app, storage, SHAPES)


async def start_listeners(app: FaultMiddleware) -> dict[str, str]:
    """Listen for SMTP and IMAP in the running event loop.

    Returns:
        The URLs of "smtp" and "imap".
    """
    if not isinstance(app.app, Starlette):
        raise TypeError("the app was not built by create_app")
    office: PostOffice = app.app.state.post_office
    _expect_plain_sockets()
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(partial(Submission, office, app.board), "127.0.0.1", 0)

    async def serve_imap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await Session(office, app.board, reader, writer).run()

    imap = await asyncio.start_server(serve_imap, "127.0.0.1", 0)
    # A listener without a reference would be closed by the garbage collector.
    app.app.state.listeners = (smtp, imap)
    return {"smtp": _url("smtp", smtp), "imap": _url("imap", imap)}


def _expect_plain_sockets() -> None:
    # aiosmtpd warns of passwords without TLS at every connection; here nothing leaves the machine.
    warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
    logging.getLogger("mail.log").setLevel(logging.ERROR)


def _url(scheme: str, server: asyncio.Server) -> str:
    return f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
