"""Nothing gets a second number: not the days of a contract whose terms changed, not an order that was mended to equal a released one."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

import sandbox
from billhub import exceptions, release
from billhub.deliver.engine import retry_exception
from billhub.demo.connections import sandbox_environment
from billhub.hub import Hub
from billhub.store import documents, landed
from billhub.store.engine import transaction
from canonical_model.contracts import Contract, ContractLine, PriceBookEntry
from canonical_model.encoding import content_hash, encode
from canonical_model.money import Money
from connectors.contract import Page, RawRecord

FEBRUARY, APRIL = date(2026, 2, 10), date(2026, 4, 10)
HELD = "SELECT rule_id, invoice_id, message FROM exceptions WHERE state = 'open' AND rule_id LIKE 'HUB-C%' ORDER BY exception_id"
STATES = "SELECT invoice_id, state, number FROM invoices ORDER BY seq"


@pytest.fixture
def neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The ERP and the tax engine, which know the contract of these tests."""
    with sandbox.serve(tmp_path / "sandbox", systems=["avatax", "netsuite"]) as endpoints:
        nowhere = dict.fromkeys(("salesforce", "stripe", "smtp", "imap"), "http://127.0.0.1:1")
        for name, value in sandbox_environment({**nowhere, **endpoints}).items():
            monkeypatch.setenv(name, value)
        yield


@pytest.fixture
def sign(
    hub: Hub, neighbours: None, keep: Callable, a_customer: Callable, a_contract: Callable
) -> Callable[..., Contract]:
    """Keeps the contract with changed terms, as a sync leaves it when the CRM was edited; all else about it is in order."""
    price = Money(Decimal("7499.00"), "USD")
    line = ContractLine(
        line_id="1", product_code="PLAT-STD", description="Platform", quantity=Decimal(1), unit_price=price
    )
    with transaction(hub.engine) as connection:
        _publish(connection, price)
    keep(a_customer(customer_id="A-0014"))
    terms = {"contract_id": "C-000014", "customer_id": "A-0014", "lines": (line,)}

    def signed(version: str, **changes: Any) -> Contract:
        contract: Contract = a_contract(**{**terms, **changes})
        keep(contract, version=version)
        return contract

    return signed


def _publish(connection: Connection, price: Money) -> None:
    """Put the product's price into the price book."""
    entry = PriceBookEntry(
        entry_id="US Price Book/PLAT-STD/USD",
        price_book="US Price Book",
        product_code="PLAT-STD",
        product_name="Platform",
        unit_price=price,
    )
    record = RawRecord(external_id=entry.entry_id, version="v1", body={})
    landed.land(connection, "salesforce", "price_book_entry", Page(records=(record,), cursor=None, has_more=False))
    [landed_id] = landed.newest_ids(connection, "salesforce", "price_book_entry", [entry.entry_id])
    landed.mark(connection, {landed_id: "mapped"})
    new = documents.NewDocument(
        canonical_id=entry.entry_id,
        content_hash=content_hash(entry),
        body=encode(entry).decode(),
        mapping="salesforce/price_book_entry",
        mapping_version=1,
        mapping_fingerprint="f" * 64,
        landed_id=landed_id,
    )
    documents.save(connection, "price_book_entry", [new])


# contracts


def test_days_that_a_released_quarter_billed_are_not_billed_again_by_the_month(
    hub: Hub, open_as: Callable[..., Hub], sign: Callable, query: Callable
) -> None:
    sign("v1", billing_frequency="quarterly")
    assert release.release_due(hub)["released"] == 1
    sign("v2", billing_frequency="monthly")
    release.release_due(open_as(as_of=APRIL))
    assert query(STATES) == [
        ("C-000014_2026-01-01", "released", "US-000001"),
        ("C-000014_2026-02-01", "held", None),
        ("C-000014_2026-03-01", "held", None),
        ("C-000014_2026-04-01", "released", "US-000002"),  # the first month after the quarter
    ]
    assert [(rule, invoice_id) for rule, invoice_id, _ in query(HELD)] == [
        ("HUB-C03", "C-000014_2026-02-01"),
        ("HUB-C03", "C-000014_2026-03-01"),
    ]
    assert all("US-000001 (2026-01-01 to 2026-03-31)" in message for _, _, message in query(HELD))


def test_a_released_month_that_becomes_a_quarter_is_not_silently_underbilled(
    hub: Hub, sign: Callable, query: Callable
) -> None:
    sign("v1", billing_frequency="monthly")
    release.release_due(hub)
    sign("v2", billing_frequency="quarterly")
    release.release_due(hub)
    differs = "SELECT rule_id, state, invoice_id, message FROM exceptions WHERE category = 'released_differs'"
    [(rule, state, invoice_id, message)] = query(differs)
    assert (rule, state, invoice_id) == ("HUB-B04", "open", "C-000014_2026-01-01")
    assert "invoice US-000001 was released with 624.92 USD" in message
    with transaction(hub.engine) as connection:
        [found] = exceptions.listed(connection, category="released_differs")
        assert retry_exception(connection, hub, found["exception_id"]) == "release"
    sign("v3", billing_frequency="monthly")
    release.release_due(hub)
    assert [row[1] for row in query(differs)] == ["resolved"]


def test_a_start_moved_by_a_day_bills_no_day_twice(hub: Hub, sign: Callable, query: Callable) -> None:
    sign("v1")
    release.release_due(hub)
    sign("v2", start_date=date(2026, 1, 2))
    release.release_due(hub)
    assert query(STATES)[1:] == [("C-000014_2026-01-02", "held", None)]
    [(rule, _, message)] = query(HELD)
    assert rule == "HUB-C03"
    assert "2026-01-02 to 2026-04-01" in message
    assert "US-000001 (2026-01-01 to 2026-03-31)" in message
    [(category, next_step)] = query("SELECT category, next_step FROM exceptions")
    assert (category, next_step) == ("duplicate_request", hub.policy.exceptions["duplicate_request"].next_step)


def test_every_released_invoice_that_a_longer_period_meets_is_named(
    open_as: Callable[..., Hub], sign: Callable, query: Callable
) -> None:
    sign("v1", billing_frequency="monthly")
    assert release.release_due(open_as(as_of=FEBRUARY))["released"] == 2
    sign("v2", billing_frequency="quarterly", start_date=date(2026, 1, 15))
    release.release_due(open_as(as_of=FEBRUARY))
    [(rule, invoice_id, message)] = query(HELD)
    assert (rule, invoice_id) == ("HUB-C03", "C-000014_2026-01-15")
    assert "US-000001 (2026-01-01 to 2026-01-31), US-000002 (2026-02-01 to 2026-02-28)" in message


def test_going_back_to_the_old_terms_takes_the_second_draft_away(hub: Hub, sign: Callable, query: Callable) -> None:
    sign("v1")
    release.release_due(hub)
    sign("v2", start_date=date(2026, 1, 2))
    release.release_due(hub)
    sign("v3")
    release.release_due(hub)
    assert query(STATES)[1:] == [("C-000014_2026-01-02", "withdrawn", None)]
    assert query(HELD) == []


def test_what_somebody_means_to_bill_can_be_waived(hub: Hub, sign: Callable, query: Callable) -> None:
    sign("v1")
    release.release_due(hub)
    sign("v2", start_date=date(2026, 1, 2))
    release.release_due(hub)
    [(exception_id,)] = query("SELECT exception_id FROM exceptions WHERE state = 'open'")
    with transaction(hub.engine) as connection:
        exceptions.resolve(connection, hub, exception_id, reason="the first quarter is credited in the ERP")
    release.release_due(hub)
    assert query(STATES)[1:] == [("C-000014_2026-01-02", "released", "US-000002")]


def test_following_quarters_of_unchanged_terms_are_released(
    hub: Hub, open_as: Callable[..., Hub], sign: Callable, query: Callable
) -> None:
    sign("v1")
    release.release_due(hub)
    assert release.release_due(open_as(as_of=APRIL))["released"] == 1
    assert query(HELD) == []


# orders

WRONG: Mapping[str, Mapping[str, Any]] = {
    "rejected": {"customer_id": "7", "lines": (("2", "0.00"),)},
    "held": {"customer_id": None},
}


@pytest.mark.parametrize("state", WRONG)
def test_an_order_mended_to_equal_a_released_one_gets_no_number(
    hub: Hub, keep: Callable, an_order: Callable, query: Callable, state: str
) -> None:
    keep(an_order("1", **WRONG[state]), an_order("2", customer_id="7"))
    release.release_due(hub)
    assert query(STATES) == [("order_1", state, None), ("order_2", "released", "UK-000001")]
    keep(an_order("1", customer_id="7"), version="v2")
    release.release_due(hub)
    assert query(STATES) == [("order_1", "held", None), ("order_2", "released", "UK-000001")]
    [(rule, invoice_id, message)] = query(HELD)
    assert (rule, invoice_id) == ("HUB-C01", "order_1")
    assert message.endswith("as order_2")


def test_an_order_mended_to_equal_one_past_its_checks_waits_for_that(
    hub: Hub, keep: Callable, an_order: Callable, query: Callable
) -> None:
    """Between checks and release, as after a run whose tax engine did not answer, nobody would find the second one."""
    keep(an_order("1", customer_id=None), an_order("2", customer_id="7"))
    release.plan(hub)
    for batch in release.batches(hub, release.UNCHECKED):
        release.check_batch(hub, batch)
    assert [state for _, state, _ in query(STATES)] == ["held", "checked"]
    keep(an_order("1", customer_id="7"), version="v2")
    release.release_due(hub)
    assert query(STATES) == [("order_1", "held", None), ("order_2", "released", "UK-000001")]


def test_of_equal_orders_that_wait_the_first_is_billed(
    hub: Hub, keep: Callable, an_order: Callable, query: Callable
) -> None:
    keep(*(an_order(number, customer_id="7") for number in ("1", "2", "3")))
    release.release_due(hub)
    assert query(STATES) == [("order_1", "released", "UK-000001"), ("order_2", "held", None), ("order_3", "held", None)]
    assert {message.rpartition(" ")[2] for *_, message in query(HELD)} == {"order_1"}
