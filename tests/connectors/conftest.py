"""The sandbox for connector tests: each system is started once, when first asked for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
import requests

import sandbox


class SandboxVendor:
    """One stand-in seen from its own side: where it is, what it stores, which faults it shows."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fault(self, match: str, fault: str, *, times: int | None = 1, **more: Any) -> None:
        answer = self._control("POST", "faults", json={"match": match, "fault": fault, "times": times, **more})
        assert answer.status_code == 201, answer.text

    def clear(self) -> None:
        self._control("DELETE", "faults")

    def objects(self, kind: str) -> list[dict[str, Any]]:
        return self._control("GET", f"objects/{kind}").json(parse_float=Decimal)

    def count(self, kind: str) -> int:
        return self._control("GET", "count").json().get(kind, 0)

    def calls(self) -> dict[str, int]:
        return self._control("GET", "requests").json()

    def forget_calls(self) -> None:
        self._control("DELETE", "requests")

    def _control(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/_sandbox/{path}", timeout=30, **options)


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The base URL of a system's stand-in by its name."""
    with ExitStack() as running:

        @cache
        def url(system: str) -> str:
            return running.enter_context(sandbox.serve(tmp_path_factory.mktemp(system), systems=[system]))[system]

        yield url


@pytest.fixture
def vendor_of(sandbox_url: Callable[[str], str]) -> Iterator[Callable[[str], SandboxVendor]]:
    """A system's stand-in by its name, without faults before and after."""
    opened: list[SandboxVendor] = []

    def vendor(system: str) -> SandboxVendor:
        opened.append(SandboxVendor(sandbox_url(system)))
        opened[-1].clear()
        return opened[-1]

    yield vendor
    for one in opened:
        one.clear()
