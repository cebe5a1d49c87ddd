"""Sequences of faults, drawn at random from a seed: when they are over, each system has had exactly one effect.

Each sequence strikes two invoices on their way through the real chain, at reads and writes alike, over several runs; then the systems are well again.
"""

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from billhub import audit, exceptions, release
from billhub.deliver import deliver_due
from billhub.hub import Hub
from billhub.store.engine import reading
from connectors.errors import ConnectorError

sys.path.insert(0, str(Path(__file__).parent))

import delivery_ground as ground
from delivery_ground import Field

pytestmark = pytest.mark.xdist_group("delivery_faults")

SEQUENCES = 20
STRUCK_RUNS, WELL_RUNS = 4, 12
SLOW_SECONDS, READ_TIMEOUT = 0.7, "0.4"

OPERATIONS = [
    ("avatax", "POST /api/v2/transactions/create"),
    ("avatax", "POST /api/v2/companies/.*/commit"),
    ("avatax", "GET /api/v2/companies/.*"),
    ("netsuite", "upsertList"),
    ("stripe", "GET /v1/customers.*"),
    ("stripe", "POST /v1/customers"),
    ("stripe", "GET /v1/invoices.*"),
    ("stripe", "POST /v1/invoices"),
    ("stripe", "POST /v1/invoiceitems"),
    ("stripe", "POST /v1/invoices/{id}/finalize"),
    ("mail", "SMTP DATA"),
    ("salesforce", "POST /services/oauth2/token"),
    ("salesforce", "GET .*/query"),
    ("salesforce", "PATCH .*/composite/sobjects"),
]
FAULTS: list[dict[str, Any]] = [
    {"fault": "refuse_before"},
    {"fault": "reset_after"},
    {"fault": "half_answer"},
    {"fault": "garbage"},
    {"fault": "rate_limit"},
    {"fault": "unauthorized"},
    {"fault": "slow", "delay": SLOW_SECONDS},
    {"fault": "status", "status": 503},
    {"fault": "status_after_effect", "status": 500},
]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with ground.field(tmp_path_factory.mktemp("faults"), 2 * 2 * SEQUENCES) as made:
        yield made


@pytest.fixture(autouse=True)
def connected(field: Field) -> Iterator[None]:
    os.environ.update(field.env)
    for system in ("avatax", "netsuite", "stripe", "email", "salesforce"):
        ground.set_extra(system, "read_timeout", READ_TIMEOUT)
    yield
    field.clear()


def draw(chance: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """The faults of one run: two to six, each at a system's operation."""
    return [_one(chance) for _ in range(chance.randint(2, 6))]


def _one(chance: random.Random) -> tuple[str, dict[str, Any]]:
    system, match = chance.choice(OPERATIONS)
    fault = dict(chance.choice(FAULTS))
    if system == "mail" and "status" in fault:
        fault |= {"status": 451, "body": "4.3.0 Try again later"}
    return system, {"match": match, "times": chance.randint(1, 2), "after": chance.randint(0, 1), **fault}


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_whatever_fails_each_system_has_one_effect(field: Field, hub: Hub, seed: int) -> None:
    chance = random.Random(seed)
    cases = field.take(2)
    ground.plant(hub, field.synced, cases)
    release.release_due(hub)
    struck = [_struck_run(field, hub, draw(chance)) for _ in range(STRUCK_RUNS)]
    field.clear()
    for _ in range(WELL_RUNS):
        ground.make_due(hub)
        deliver_due(hub)
    world = field.world()
    assert {case: world.deviations(case) for case in cases} == {case: [] for case in cases}, struck
    assert [set(ground.states(hub, case).values()) for case in cases] == [{"confirmed"}] * 2
    _check_books(hub)


def _struck_run(field: Field, hub: Hub, faults: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    for system, fault in faults:
        field.fault(system, **fault)
    ground.make_due(hub)
    with suppress(ConnectorError):  # refused credentials stop a run
        deliver_due(hub)
    field.clear()
    return faults


def _check_books(hub: Hub) -> None:
    """Nothing was tried again after it was confirmed, nothing is left open, and the audit holds."""
    after_success = text(
        "SELECT COUNT(*) FROM attempts a WHERE EXISTS (SELECT 1 FROM attempts b WHERE b.intent_id = a.intent_id "
        "AND b.attempt_id < a.attempt_id AND b.outcome = 'confirmed')"
    )
    with reading(hub.engine) as connection:
        assert connection.execute(after_success).scalar_one() == 0
        assert exceptions.listed(connection) == []
        assert audit.first_broken(connection) is None


def test_the_sequences_strike_every_operation_with_every_fault() -> None:
    """A sequence that is never drawn proves nothing."""
    drawn = [each for seed in range(SEQUENCES) for each in _all_of(random.Random(seed), draw)]
    assert {(system, fault["match"]) for system, fault in drawn} == set(OPERATIONS)
    assert {fault["fault"] for _, fault in drawn} == {fault["fault"] for fault in FAULTS}


def _all_of(chance: random.Random, drawing: Callable[[random.Random], list[Any]]) -> list[Any]:
    return [each for _ in range(STRUCK_RUNS) for each in drawing(chance)]
