"""The child process: one stand-in, served until its parent is gone."""

import asyncio
import ctypes
import importlib
import json
import os
import signal
import socket
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from sandbox.faults import TRANSPORT
from sandbox.storage import Storage

PR_SET_PDEATHSIG = 1
"""prctl(2), Linux: the signal a process gets when its parent dies."""

BACKLOG = 512


class TransportProtocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """Uvicorn's HTTP protocol that shows each connection's transport to the app.

    One protocol object serves one connection, so binding the transport to the app it calls is safe.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Remember the transport for all requests of this connection."""
        super().connection_made(transport)
        self.app: ASGIApp = _with_transport(self.config.loaded_app, transport)


def _with_transport(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    async def bound(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, TRANSPORT: transport}, receive, send)

    return bound


def run(system: str, state: Path, seed: Path, as_of: date, *, parent: int | None) -> None:
    """Serve one system; ends when standard input does.

    Writes one line to standard output when the system answers: a JSON object of endpoint name to URL.

    Args:
        system: Name of the folder below `sandbox/`.
        state: Folder of the system's SQLite file.
        seed: Root of the seed folders.
        as_of: The day on which the stand-in lives.
        parent: Process id of the parent whose death the kernel shall report, if any.
    """
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if parent is not None and sys.platform == "linux":
        _die_with(parent)
    asyncio.run(_serve(system, state, seed, as_of))


def _leave_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


async def _serve(system: str, state: Path, seed: Path, as_of: date) -> None:
    module = importlib.import_module(f"sandbox.{system}.app")
    app = module.create_app(Storage(state / f"{system}.sqlite"), seed, as_of)
    with _listen() as listener:
        endpoints = {system: f"http://127.0.0.1:{listener.getsockname()[1]}"}
        endpoints |= await _start_listeners(module, app)
        # From here on connections wait in the backlog, so the system may be called ready.
        _report(endpoints)
        await uvicorn.Server(_uvicorn_config(app)).serve(sockets=[listener])


def _listen() -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer on a kept
    # connection waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(BACKLOG)
    return listener


async def _start_listeners(module: Any, app: ASGIApp) -> dict[str, str]:
    if not hasattr(module, "start_listeners"):
        return {}
    listeners: dict[str, str] = await module.start_listeners(app)
    return listeners


def _uvicorn_config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=TransportProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
    )


def _report(endpoints: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(endpoints) + "\n")
    sys.stdout.flush()
    # Nobody reads this pipe any more; what is printed later belongs in the log.
    os.dup2(2, 1)
