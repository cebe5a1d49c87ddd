"""The tax that AvaTax records is the tax that was invoiced, although days may pass between the quote and the record."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

import sandbox
from billhub import exceptions, release
from billhub.deliver import deliver_due
from billhub.deliver.engine import retry_exception
from billhub.demo.connections import sandbox_environment
from billhub.hub import Hub
from billhub.store.engine import reading, transaction

sys.path.insert(0, str(Path(__file__).parent))

import delivery_ground as ground
from delivery_ground import Field

pytestmark = pytest.mark.xdist_group("delivery")


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """A sandbox whose AvaTax can be made to calculate another tax for each buyer."""
    folder = tmp_path_factory.mktemp("tax_commit")
    seed, synced = ground.write_seed(folder / "seed", 4), f"sqlite:///{folder / 'synced.sqlite'}"
    rows = [f"A-{100_000 + place},total_off" for place in range(1, 5)]
    (seed / "avatax" / "Misbehaviour.csv").write_text("\n".join(["customer_code,kind", *rows, ""]), "utf-8")
    with sandbox.serve(folder / "sandbox", seed_dir=seed) as endpoints, pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox_environment(endpoints).items():
            patch.setenv(name, value)
        ground.sync_all(synced)
        yield Field(endpoints, synced)


@pytest.fixture(autouse=True)
def connected(field: Field) -> None:
    """The environment leads to the sandbox; every test begins without one."""
    os.environ.update(field.env)


def test_a_tax_that_changed_after_the_quote_is_an_exception_until_it_is_mended(field: Field, hub: Hub) -> None:
    [case] = field.take(1)
    field.change("avatax", "Misbehaviour", case.account, {"kind": ""})
    ground.plant(hub, field.synced, [case])
    assert release.release_due(hub)["released"] == 1
    field.change("avatax", "Misbehaviour", case.account, {"kind": "total_off"})
    deliver_due(hub)
    with reading(hub.engine) as connection:
        [found] = exceptions.listed(connection)
    assert found["category"] == "tax_answer_inconsistent"
    assert "1151.98 USD of tax were invoiced, AvaTax has 1152.35 USD (document Saved)" in found["message"]
    assert [each["status"] for each in field.world().of("avatax", "Transaction", case)] == ["Saved"]
    assert field.world().of("netsuite", "invoice", case) == []
    field.change("avatax", "Misbehaviour", case.account, {"kind": ""})
    with transaction(hub.engine) as connection:
        retry_exception(connection, hub, found["exception_id"])
        retried = text("SELECT actor, subject FROM audit WHERE action = 'delivery.retried'")
        assert [tuple(row) for row in connection.execute(retried)] == [(hub.actor, case.invoice_id)]
    deliver_due(hub)
    with reading(hub.engine) as connection:
        assert exceptions.listed(connection) == []
    assert field.world().deviations(case) == []
