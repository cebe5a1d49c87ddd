"""The sandbox for other containers: fixed ports on every address, passed on to the stand-ins.

The stand-ins themselves listen on 127.0.0.1 and ports of the moment, so that nobody opens them to a network by mistake. Where others have to reach
them, as containers do, this is the one place that opens them: `python -m sandbox.gateway --state DIR`.
"""

import argparse
import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from sandbox.server import DEFAULT_AS_OF, serve

PORTS: Mapping[str, int] = MappingProxyType(
    {"avatax": 9101, "mail": 9102, "netsuite": 9103, "salesforce": 9104, "stripe": 9105, "smtp": 9125, "imap": 9143}
)
"""Port by endpoint name."""

CHUNK = 65_536


def addresses(host: str) -> dict[str, str]:
    """The endpoints as others see them.

    Args:
        host: Name of the machine or container that the gateway runs on.
    """
    return {name: f"{name if name in {'smtp', 'imap'} else 'http'}://{host}:{port}" for name, port in PORTS.items()}


async def listen(endpoint: str, host: str, port: int) -> asyncio.Server:
    """Pass every connection to `host` and `port` on to an endpoint.

    Args:
        endpoint: Its URL.
        host: Address to listen on.
        port: 0 for any free one.
    """
    target = urlsplit(endpoint)
    return await asyncio.start_server(partial(_pass_on, target.hostname or "", target.port or 0), host, port)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the stand-ins and the gateway until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.gateway", description="Stand-ins for other containers.")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="where state is kept")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104 - what it is for
    options = parser.parse_args(arguments)
    with serve(options.state, as_of=DEFAULT_AS_OF) as endpoints:
        asyncio.run(_until_stopped(endpoints, options.host))


async def _until_stopped(endpoints: Mapping[str, str], host: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        for name, port in PORTS.items():
            await stack.enter_async_context(await listen(endpoints[name], host, port))
        await stop.wait()


async def _pass_on(host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        inner_reader, inner_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
    except OSError:
        pass  # the stand-in is not there or cut the connection, which the caller shall see too
    finally:
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    finally:
        with suppress(OSError):
            writer.write_eof()


if __name__ == "__main__":
    main()
