"""A process that is killed at any moment while it releases and delivers an invoice leaves nothing lost and nothing doubled.

The first run counts the boundaries (see `crash_child`). Then, for each of them, a fresh store and a contract of its own: a process is killed
there, the next run goes on to the end, and the sandbox's systems are asked what they hold. Two wrong engines prove that the matrix would see a
loss and a double.
"""

import json
import os
import queue
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

sys.path.insert(0, str(Path(__file__).parent))

import delivery_ground as ground

pytestmark = pytest.mark.xdist_group("crash")

CONTRACTS = 400
PROCESSES = 3
"""More than cores, because trials around the mail wait for its window."""
POSTGRES_STEP = 5
"""On PostgreSQL every fifth boundary is tried, to save time; the code in between is the same."""


class Matrix:
    """Runs trials on one sandbox, each with a contract and a store of its own."""

    def __init__(self, field: ground.Field, stack: ExitStack) -> None:
        self._field = field
        self._nurseries: queue.Queue[subprocess.Popen[str]] = queue.Queue()
        for _ in range(PROCESSES):
            self._nurseries.put(stack.enter_context(_nursery(field.env)))

    def boundaries(self, store: Callable[[int], str], engine: str = "right") -> list[str]:
        """What a life crosses that nobody ends."""
        [(case, answer)] = self.run(store, [None], engine)
        assert "boundaries" in answer["first"], answer
        assert (engine, self._field.world().deviations(case)) == (engine, [])
        names: list[str] = answer["first"]["boundaries"]
        return names

    def run(
        self, store: Callable[[int], str], kills: Sequence[int | None], engine: str = "right"
    ) -> list[tuple[ground.Case, dict[str, Any]]]:
        """One trial for each boundary to be killed at; in their order, the contract used and the answer."""
        cases = self._field.take(len(kills))
        orders = [
            {
                "url": store(case.place),
                "synced": self._field.synced,
                "place": case.place,
                "kill_at": kill,
                "engine": engine,
            }
            for kill, case in zip(kills, cases, strict=True)
        ]
        with ThreadPoolExecutor(PROCESSES) as pool:
            answers = list(pool.map(self._ask, orders))
        return list(zip(cases, answers, strict=True))

    def deviations(
        self, store: Callable[[int], str], kills: Sequence[int], engine: str = "right"
    ) -> dict[int, list[str]]:
        """What is wrong after a crash at each of these boundaries, on the sandbox's side and in the hub's books; only where something is."""
        trials = self.run(store, kills, engine)
        world = self._field.world()
        wrong = {
            kill: world.deviations(case) + _unsound(case, answer)
            for kill, (case, answer) in zip(kills, trials, strict=True)
        }
        return {kill: found for kill, found in wrong.items() if found}

    def _ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        nursery = self._nurseries.get()
        try:
            assert nursery.stdin is not None
            assert nursery.stdout is not None
            nursery.stdin.write(json.dumps(order) + "\n")
            nursery.stdin.flush()
            answer: dict[str, Any] = json.loads(nursery.stdout.readline())
            return answer
        finally:
            self._nurseries.put(nursery)


def _nursery(env: Mapping[str, str]) -> subprocess.Popen[str]:
    program = [sys.executable, str(Path(__file__).with_name("crash_child.py"))]
    return subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **env}
    )


def _unsound(case: ground.Case, answer: Mapping[str, Any]) -> list[str]:
    """What is wrong in the hub's own books after the second life."""
    second = answer.get("second", {"error": "there was no second life"})
    if "error" in second:
        return [second["error"]]
    right = {
        "states": ["confirmed"],
        "intents": len(ground.CHAIN),
        "invoices": [[case.number, "delivered"]],
        "last": [[case.place]],
        "exceptions": [],
        "broken": None,
        # Each is confirmed once: nothing is both confirmed and sent again.
        "confirmations": [[len(ground.CHAIN), len(ground.CHAIN)]],
    }
    return [f"{name} is {second[name]}" for name, value in right.items() if second[name] != value]


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with ground.field(tmp_path_factory.mktemp("crash"), CONTRACTS) as field, ExitStack() as stack:
        yield Matrix(field, stack)


@pytest.fixture
def sqlite(tmp_path: Path) -> Callable[[int], str]:
    """A store for each place: a file."""
    return lambda place: f"sqlite:///{tmp_path / f'{place}.sqlite'}"


@pytest.fixture
def postgres() -> Iterator[Callable[[int], str]]:
    """A store for each place: a schema."""
    server = os.environ["HUB_TEST_POSTGRES_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    admin, prefix, made = create_engine(server, isolation_level="AUTOCOMMIT"), f"crash_{secrets.token_hex(4)}", []

    def store(place: int) -> str:
        made.append(f"{prefix}_{place}")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA {made[-1]}"))
        return f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{made[-1]}"

    yield store
    with admin.connect() as connection:
        for schema in made:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


def test_a_crash_at_any_boundary_loses_and_doubles_nothing(matrix: Matrix, sqlite: Callable[[int], str]) -> None:
    names = matrix.boundaries(sqlite)
    wrong = matrix.deviations(sqlite, range(len(names)))
    assert wrong == {}, _told(names, wrong)
    assert {name.split()[0] for name in names} == {"before", "after", "http", "smtp"}


@pytest.mark.postgres
def test_nor_does_it_on_postgres(matrix: Matrix, postgres: Callable[[int], str]) -> None:
    names = matrix.boundaries(postgres)
    wrong = matrix.deviations(postgres, range(0, len(names), POSTGRES_STEP))
    assert wrong == {}, _told(names, wrong)


def test_an_engine_that_records_success_first_is_seen_to_lose(matrix: Matrix, sqlite: Callable[[int], str]) -> None:
    names = matrix.boundaries(sqlite, "confirming first")
    wrong = matrix.deviations(sqlite, _writes(names), "confirming first")
    assert {"mails []", "tax transactions []", "0 journal entries"} <= _all(wrong)


def test_an_engine_that_forgets_its_keys_is_seen_to_double(matrix: Matrix, sqlite: Callable[[int], str]) -> None:
    names = matrix.boundaries(sqlite, "forgetting")
    wrong = matrix.deviations(sqlite, [place + 2 for place in _writes(names)], "forgetting")
    assert {"2 invoices in the books", "2 journal entries"} <= _all(wrong)


def _writes(names: Sequence[str]) -> list[int]:
    """Where a call to the books or the tax engine, or a mail, is about to begin; what is written there comes after the last quote."""
    last_quote = max(place for place, name in enumerate(names) if name.endswith("include=Details"))
    begins = ("http POST /services/NetSuitePort", "http POST /api/v2/transactions", "smtp data")
    return [place for place, name in enumerate(names) if place > last_quote and name.startswith(begins)]


def _all(wrong: Mapping[int, Sequence[str]]) -> set[str]:
    return {each for found in wrong.values() for each in found}


def _told(names: Sequence[str], wrong: Mapping[int, Sequence[str]]) -> str:
    return "\n".join(f"{place} ({names[place]}): {'; '.join(found)}" for place, found in wrong.items())
