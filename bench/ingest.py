"""Bringing orders in, end to end: parse, map, check, upsert with a delivery intent. The hub beside a floor, a plain loop and peers.

Every contender reads the same file of JSON orders of about 2 kB and runs in a process of its own, interleaved, each time on an empty database.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from bench.orders import raw_orders
from canonical_model.encoding import encode

PROGRAMS = Path(__file__).parent / "contenders"
PEERS = Path(__file__).parent.parent / ".venv-bench" / "bin" / "python"


class Contender(NamedTuple):
    """One way to do the work.

    Attributes:
        name: As the table shows it.
        program: Module in `contenders/`.
        is_peer: Whether it runs in the peers' environment.
        aim: What we want of the hub beside it.
    """

    name: str
    program: str
    is_peer: bool
    aim: str = ""


class Took(NamedTuple):
    """What one run took."""

    seconds: float
    peak_mb: float


HUB = Contender("the hub", "hub", False)
CONTENDERS = (
    Contender("floor: parse, bare insert", "floor", False, "hub >= 0.35 of its pace"),
    HUB,
    Contender("plain loop with outbox", "loop", False),
    Contender("petl, no outbox", "with_petl", True, "hub >= 1.0x"),
    Contender("dlt merge, no outbox", "with_dlt", True, "hub >= 4.5x"),
    Contender("Singer SDK, no outbox", "with_singer", True, "hub >= 12x"),
)


def compare(number: int, rounds: int) -> None:
    """Run all contenders on both databases and print what each took beside the hub."""
    with orders(number) as file:
        for name, server in databases():
            taken = measured(file, server, rounds)
            Console().print(_table(f"{number:,} orders, {name}, medians of {rounds} interleaved rounds", number, taken))


def databases() -> Iterator[tuple[str, str | None]]:
    """SQLite, and PostgreSQL where `HUB_TEST_POSTGRES_URL` names a server."""
    yield "SQLite (WAL, synchronous=FULL)", None
    server = os.environ.get("HUB_TEST_POSTGRES_URL")
    if server:
        yield "PostgreSQL", server
    else:
        Console().print("PostgreSQL is left out: HUB_TEST_POSTGRES_URL names no server")


def measured(file: Path, server: str | None, rounds: int) -> dict[Contender, list[Took]]:
    """All rounds of all contenders, interleaved."""
    there = [each for each in CONTENDERS if not each.is_peer or PEERS.exists()]
    if len(there) < len(CONTENDERS):
        Console().print("peers are left out: make bench sets them up")
    taken: dict[Contender, list[Took]] = {each: [] for each in there}
    for _ in range(rounds):
        for each in there:
            taken[each].append(run(each, file, server))
    return taken


def run(contender: Contender, file: Path, server: str | None) -> Took:
    """One contender, once, on an empty database."""
    python = str(PEERS) if contender.is_peer else sys.executable
    with _empty(server) as url:
        command = [python, "-W", "ignore", str(PROGRAMS / f"{contender.program}.py"), str(file), url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{contender.name} failed:\n{done.stderr[-3000:]}")
        return Took(**json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def orders(number: int) -> Iterator[Path]:
    """A file of that many orders."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "orders.jsonl"
        with file.open("wb") as out:
            for record in raw_orders(number):
                out.write(encode(record.body) + b"\n")
        yield file


@contextmanager
def _empty(server: str | None) -> Iterator[str]:
    if server is None:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/bench.sqlite"
        return
    import psycopg

    name = f"bench_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _table(title: str, number: int, taken: dict[Contender, list[Took]]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("contender", "records/s", "hub's pace beside it", "peak MB", "aim"):
        table.add_column(column, justify="left" if column in {"contender", "aim"} else "right")
    for each, rounds in taken.items():
        pace = statistics.median(number / took.seconds for took in rounds)
        ratio = statistics.median(it.seconds / hub.seconds for it, hub in zip(rounds, taken[HUB], strict=True))
        peak = statistics.median(took.peak_mb for took in rounds)
        table.add_row(each.name, f"{pace:,.0f}", "" if each == HUB else f"{ratio:.2f}x", f"{peak:,.0f}", each.aim)
    return table
