"""The completeness control: what came in is somewhere, to the last digit, and what is missing shows."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

import msgspec
import pytest
import requests
from sqlalchemy import text

from billhub import approvals, reconcile, release
from billhub.billing import plan
from billhub.deliver import deliver_due
from billhub.hub import Hub
from billhub.reconcile import Completeness, Volume
from billhub.store import landed
from billhub.store.engine import reading, transaction
from connectors.contract import ControlTotals, Page, RawRecord

LARGE = (("2", "60000.00"),)


@pytest.fixture
def control(hub: Hub) -> Callable[[], dict[tuple[str, str, str], Completeness]]:
    def rows() -> dict[tuple[str, str, str], Completeness]:
        with reading(hub.engine) as connection:
            found = reconcile.completeness(connection, hub)
        return {(row.legal_entity, row.currency, row.source): row for row in found}

    return rows


@pytest.fixture
def retail(control: Callable) -> Callable[[], Completeness]:
    """The one row of the retail orders."""

    def row() -> Completeness:
        [found] = control().values()
        return found

    return row


def run(hub: Hub, statement: str) -> None:
    with transaction(hub.engine) as connection:
        connection.execute(text(statement))


def volume(documents: int, lines: int, amount: str) -> Volume:
    return Volume(documents, lines, Decimal(amount))


def test_nothing_in_is_nothing_anywhere(control: Callable) -> None:
    assert control() == {}
    assert reconcile.all_complete([])


def test_every_order_is_released_awaiting_held_or_rejected(
    hub: Hub, open_as: Callable[..., Hub], keep: Callable, an_order: Callable, retail: Callable
) -> None:
    keep(
        an_order("1", lines=(("3", "0.333"), ("1", "1.00"))),
        an_order("C2", kind="cancellation", lines=(("-1", "0.50"),)),
        an_order("3", lines=LARGE),
        an_order("4", customer_id=None, lines=(("1", "7.77"),)),
        an_order("5", lines=(("4", "0.00"),)),
    )
    release.release_due(hub)
    row = retail()
    assert row.came_in == volume(5, 6, "120009.269")
    assert row.released == volume(2, 3, "1.499")
    assert row.awaiting == volume(1, 1, "120000.00")
    assert row.held == volume(1, 1, "7.77")
    assert row.rejected == volume(1, 1, "0")
    assert (row.rounding, row.tax, row.gross) == (Decimal("0.001"), Decimal("0.27"), Decimal("1.77"))
    assert row.is_complete
    with transaction(hub.engine) as connection:
        approvals.decide(connection, open_as("frida"), "order_3", approve=False)
    assert retail().rejected == volume(2, 2, "120000.00")
    assert retail().is_complete


def test_released_with_tax_is_net_plus_rounding_plus_tax(
    hub: Hub, keep: Callable, an_order: Callable, retail: Callable
) -> None:
    keep(*(an_order(str(place), lines=(("7", f"1.{place}33"),)) for place in range(1, 8)))
    release.release_due(hub)
    row = retail()
    assert row.released.amount + row.rounding + row.tax == row.gross


def test_on_the_way_everything_is_accounted_for_after_each_step(
    hub: Hub, keep: Callable, an_order: Callable, retail: Callable
) -> None:
    keep(*(an_order(str(place)) for place in range(3)))
    for step in (
        lambda: plan(hub),
        lambda: [release.check_batch(hub, batch) for batch in release.batches(hub, ("draft",))],
        lambda: [release.tax_batch(hub, batch) for batch in release.batches(hub, ("checked",))],
        lambda: release.route_approvals(hub),
        lambda: release.release_ready(hub),
    ):
        step()
        assert retail().is_complete


def test_contracts_come_in_by_their_schedules(
    hub: Hub, keep: Callable, a_contract: Callable, a_customer: Callable, control: Callable
) -> None:
    keep(
        a_contract(),
        a_contract(contract_id="C-2", billing_frequency="monthly", prices=("1000.00", "200.00")),
        a_contract(contract_id="C-3", status="draft"),
        a_contract(contract_id="C-4", start_date=date(2026, 2, 1)),
        a_contract(contract_id="C-5", legal_entity="DE", currency="EUR"),
    )
    plan(hub)
    assert {key: row.came_in for key, row in control().items()} == {
        ("US", "USD", "contract"): volume(2, 3, "120100.01"),  # the odd cents of a year go to its first periods
        ("DE", "EUR", "contract"): volume(1, 1, "120000.00"),
    }
    assert all(row.held == row.came_in and row.is_complete for row in control().values())


# what is missing shows


@pytest.mark.parametrize(
    ("damage", "difference"),
    [
        ("DELETE FROM intents", volume(0, 0, "0")),
        ("UPDATE invoices SET raw_amount = '19.99' WHERE invoice_id = 'order_1'", volume(0, 0, "0.01")),
        ("UPDATE invoices SET line_count = 2 WHERE invoice_id = 'order_1'", volume(0, -1, "0")),
        ("UPDATE invoices SET state = 'withdrawn' WHERE invoice_id = 'order_2'", volume(1, 1, "20.00")),
        ("UPDATE invoices SET document_type = '381' WHERE invoice_id = 'order_2'", volume(0, 0, "0.00")),
        ("UPDATE landed SET control_amount = '20.01' WHERE external_id = '1'", volume(0, 0, "0.01")),
        ("DELETE FROM invoices WHERE invoice_id = 'order_1'", volume(1, 1, "20.00")),
    ],
)
def test_a_planted_difference_is_shown(
    hub: Hub, keep: Callable, an_order: Callable, retail: Callable, damage: str, difference: Volume
) -> None:
    keep(an_order("1"), an_order("2"))
    release.release_due(hub)
    assert retail().is_complete
    run(hub, damage)
    assert retail().difference == difference
    assert retail().is_complete is (difference == Volume())
    assert reconcile.all_complete([retail()]) is (difference == Volume())


def test_an_invoice_nobody_asked_for_is_shown(hub: Hub, keep: Callable, an_order: Callable, retail: Callable) -> None:
    keep(an_order("1"))
    release.release_due(hub)
    run(hub, "UPDATE landed SET control_amount = NULL")
    assert retail().difference == volume(-1, -1, "-20.00")


def test_an_order_the_plan_forgot_is_shown(hub: Hub, keep: Callable, an_order: Callable, retail: Callable) -> None:
    keep(an_order("1"), an_order("2"))
    assert retail().difference == volume(2, 2, "40.00")


def test_sums_keep_their_last_digit_beside_any_amount() -> None:
    huge, small = Volume(1, 1, Decimal("1E+40")), Volume(1, 1, Decimal("0.001"))
    assert huge + small - huge == small
    assert (small + huge) - small == huge


# records that never became a draft


def test_a_record_that_cannot_be_read_is_held_with_its_control_total(
    hub: Hub, keep: Callable, an_order: Callable, retail: Callable
) -> None:
    keep(an_order("1"))
    control = ControlTotals(lines=4, amount="12.345", currency="GBP", legal_entity="UK")
    broken = RawRecord(external_id="2", version="", body={"nothing": "known"}, control=control)
    for state in ("new", "excepted"):
        with transaction(hub.engine) as connection:
            landed.land(connection, "retail", "order", Page(records=(broken,), cursor=None, has_more=False))
            [landed_id] = landed.newest_ids(connection, "retail", "order", ["2"])
            landed.mark(connection, {landed_id: state})
        release.release_due(hub)
        row = retail()
        assert row.came_in == volume(2, 5, "32.345")
        assert row.held == volume(1, 4, "12.345")
        assert row.is_complete


def test_only_the_newest_version_of_a_record_counts(
    hub: Hub, keep: Callable, an_order: Callable, retail: Callable
) -> None:
    keep(an_order("1"))
    keep(an_order("1", lines=(("9", "10.00"),)), version="v2")
    release.release_due(hub)
    assert retail().came_in == retail().released == volume(1, 1, "90.00")


def test_an_order_of_an_unknown_entity_is_held_on_the_desk(hub: Hub, keep: Callable, an_order: Callable) -> None:
    entities = {code: entity for code, entity in hub.policy.entities.items() if code != "UK"}
    without = replace(hub, policy=msgspec.structs.replace(hub.policy, entities=entities))
    keep(an_order("1"), an_order("2", lines=(("1", "1.00"), ("1", "2.00"))))
    release.release_due(without)
    with reading(hub.engine) as connection:
        [row] = reconcile.completeness(connection, without)
    assert row.came_in == row.held == volume(2, 3, "23.00")
    assert row.is_complete


def test_a_contract_nothing_can_be_computed_from_does_not_stop_the_control(
    hub: Hub, keep: Callable, a_contract: Callable, control: Callable, query: Callable
) -> None:
    keep(
        a_contract(),
        a_contract(contract_id="C-2", term_months=10**14),
        a_contract(contract_id="C-3", legal_entity="XX"),
    )
    plan(hub)
    assert {key: row.came_in.documents for key, row in control().items()} == {("US", "USD", "contract"): 1}
    assert query("SELECT subject_id FROM exceptions WHERE state = 'open' ORDER BY 1") == [("C-2",), ("C-3",)]


def test_a_rejected_invoice_whose_contract_changes_stays_accounted_for(
    hub: Hub, open_as: Callable[..., Hub], keep: Callable, an_order: Callable, retail: Callable
) -> None:
    keep(an_order("1", lines=LARGE))
    release.release_due(hub)
    with transaction(hub.engine) as connection:
        approvals.decide(connection, open_as("frida"), "order_1", approve=False)
    assert retail().rejected == volume(1, 1, "120000.00")
    keep(an_order("1", lines=(("1", "60000.00"),)), version="v2")
    release.release_due(hub)
    assert retail().released == volume(1, 1, "60000.00")
    assert retail().is_complete


# against the targets


def test_our_deliveries_are_counted_beside_the_targets_own_books(
    hub: Hub, systems: Mapping[str, str], keep: Callable, an_order: Callable
) -> None:
    keep(an_order("1"), an_order("2"), an_order("C3", kind="cancellation", lines=(("-1", "1.00"),)))
    release.release_due(hub)
    assert reconcile_counts(hub) == {}
    deliver_due(hub)
    assert reconcile_counts(hub) == {"customer": (3, 3), "invoice": (2, 2), "creditMemo": (1, 1)}
    objects = f"{systems['netsuite']}/_sandbox/objects/invoice"
    gone = requests.get(objects, timeout=10).json()[0]
    key = gone.get("internalId") or gone["id"]
    requests.delete(f"{objects}/{key}", timeout=10).raise_for_status()
    assert reconcile_counts(hub)["invoice"] == (2, 1)


def reconcile_counts(hub: Hub) -> dict[str, tuple[int, int]]:
    with reading(hub.engine) as connection:
        return {each.entity: (each.ours, each.theirs) for each in reconcile.counts(connection, hub)}


def test_receivables_are_what_was_released_and_what_of_it_is_in_the_books(
    hub: Hub, keep: Callable, an_order: Callable
) -> None:
    keep(an_order("1"), an_order("C2", kind="cancellation", lines=(("-1", "2.00"),)))
    release.release_due(hub)
    run(hub, "UPDATE intents SET state = 'confirmed' WHERE entity = 'invoice'")
    with reading(hub.engine) as connection:
        [row] = reconcile.receivables(connection, hub)
    assert (row.legal_entity, row.currency) == ("UK", "GBP")
    assert (row.released, row.posted) == (Decimal("21.15"), Decimal("23.50"))
