"""The gateway passes connections on to the stand-ins, and opens every one of them."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator, Mapping

import pytest

import sandbox
from sandbox.gateway import PORTS, addresses, listen


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with sandbox.serve(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


def test_every_endpoint_of_the_sandbox_has_a_port(endpoints: Mapping[str, str]) -> None:
    assert PORTS.keys() == endpoints.keys()
    assert len(set(PORTS.values())) == len(PORTS)
    assert {name: url.split("://")[0] for name, url in addresses("sandbox").items()} == {
        name: url.split("://")[0] for name, url in endpoints.items()
    }


def test_requests_and_answers_pass_through(endpoints: Mapping[str, str]) -> None:
    async def ask() -> tuple[int, bytes]:
        async with await listen(endpoints["stripe"], "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}/_sandbox/count"
            return await asyncio.to_thread(_get, url)

    status, body = asyncio.run(ask())

    assert status == 200
    assert isinstance(json.loads(body), dict)


def test_the_vendors_own_urls_lead_through_the_gateway(endpoints: Mapping[str, str]) -> None:
    async def ask() -> tuple[int, str]:
        async with await listen(endpoints["netsuite"], "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            _, body = await asyncio.to_thread(_get, f"http://127.0.0.1:{port}/wsdl/v2023_2_0/netsuite.wsdl")
            return port, body.decode()

    port, wsdl = asyncio.run(ask())

    assert f'location="http://127.0.0.1:{port}/' in wsdl


@pytest.mark.parametrize("name", ["smtp", "imap"])
def test_mail_servers_greet_through_the_gateway(name: str, endpoints: Mapping[str, str]) -> None:
    async def greeting() -> bytes:
        async with await listen(endpoints[name], "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
            line = await reader.readline()
            writer.close()
            return line

    assert asyncio.run(greeting()).startswith({"smtp": b"220 ", "imap": b"* OK"}[name])


def test_a_stand_in_that_is_not_there_closes_the_connection() -> None:
    async def answer() -> bytes:
        unused = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        target = f"http://127.0.0.1:{unused.sockets[0].getsockname()[1]}"
        unused.close()
        await unused.wait_closed()
        async with await listen(target, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
            received = await reader.read()
            writer.close()
            return received

    assert asyncio.run(answer()) == b""


def _get(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.status, answer.read()
