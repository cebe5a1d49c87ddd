"""Lineage: an invoice knows the exact versions it was made from and checked against, until its release and ever after."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billhub import release
from billhub.hub import Hub
from billhub.store import lineage
from billhub.store.engine import reading
from billhub.store.lineage import CHECK, DRAFT
from canonical_model.money import Money

Lineage = Callable[[str], list[tuple[str, int, str]]]
FIRST = "C-000001_2026-01-01"


@pytest.fixture
def of(hub: Hub) -> Lineage:
    """Document, version and use of all that is noted of an invoice."""

    def noted(invoice_id: str) -> list[tuple[str, int, str]]:
        with reading(hub.engine) as connection:
            rows = lineage.of_invoice(connection, invoice_id)
        return [(row["canonical_id"], row["version"], row["used_for"]) for row in rows]

    return noted


def checked(hub: Hub) -> None:
    for batch in release.batches(hub, release.UNCHECKED):
        release.check_batch(hub, batch)


def test_a_draft_notes_the_versions_it_was_made_from(
    hub: Hub, keep: Callable, a_contract: Callable, a_customer: Callable, of: Lineage
) -> None:
    keep(a_customer(name="Northwind"))
    keep(a_contract(), a_customer())
    release.plan(hub)
    assert of(FIRST) == [("C-000001", 1, DRAFT), ("A-0001", 2, DRAFT)]


def test_a_draft_made_anew_notes_only_the_versions_of_now(
    hub: Hub, keep: Callable, a_contract: Callable, a_customer: Callable, of: Lineage
) -> None:
    keep(a_contract(), a_customer())
    release.plan(hub)
    keep(a_contract(purchase_order="PO-9"))
    release.plan(hub)
    assert of(FIRST) == [("C-000001", 2, DRAFT), ("A-0001", 1, DRAFT)]


def test_a_draft_that_stays_keeps_the_versions_it_was_made_from(
    hub: Hub, keep: Callable, a_contract: Callable, a_customer: Callable, of: Lineage
) -> None:
    """What changed decides no field of it."""
    keep(a_contract(), a_customer())
    release.plan(hub)
    keep(a_customer(purchase_order_required=True))
    release.plan(hub)
    assert of(FIRST) == [("C-000001", 1, DRAFT), ("A-0001", 1, DRAFT)]


def test_a_draft_without_a_known_buyer_notes_only_its_contract(
    hub: Hub, keep: Callable, a_contract: Callable, of: Lineage
) -> None:
    keep(a_contract())
    release.plan(hub)
    assert of(FIRST) == [("C-000001", 1, DRAFT)]


def test_every_period_notes_the_same_contract(
    open_as: Callable[..., Hub], keep: Callable, a_contract: Callable, of: Lineage
) -> None:
    keep(a_contract())
    release.plan(open_as(as_of=date(2026, 7, 1)))
    assert [of(f"C-000001_2026-{month}-01") for month in ("01", "04", "07")] == [[("C-000001", 1, DRAFT)]] * 3


def test_a_check_notes_what_else_it_looked_at_and_a_later_check_replaces_it(
    hub: Hub, keep: Callable, an_order: Callable, of: Lineage
) -> None:
    keep(an_order("1", customer_id=None), an_order("2"))
    release.plan(hub)
    checked(hub)
    assert of("order_1") == [("1", 1, DRAFT)]  # what it was made from is not noted twice
    keep(an_order("1", customer_id="17850"))
    checked(hub)  # before the plan has made the draft anew
    assert of("order_1") == [("1", 1, DRAFT), ("1", 2, CHECK)]
    checked(hub)
    assert of("order_1") == [("1", 1, DRAFT), ("1", 2, CHECK)]
    release.plan(hub)
    assert of("order_1") == [("1", 2, DRAFT)]


def test_what_is_released_keeps_its_lineage(
    hub: Hub, keep: Callable, an_order: Callable, of: Lineage, query: Callable[..., list[tuple[Any, ...]]]
) -> None:
    one = an_order("1")
    keep(one)
    release.release_due(hub)
    dearer = one.lines[0].unit_price + Money(Decimal("1.00"), "GBP")
    keep(an_order("1", lines=(("2", str(dearer.amount)),)))
    release.release_due(hub)
    assert query("SELECT state FROM invoices") == [("released",)]
    assert of("order_1") == [("1", 1, DRAFT)]


def test_records_of_documents_are_given_as_received(hub: Hub, keep: Callable, an_order: Callable) -> None:
    keep(an_order("1"), source="online_retail", version="v7")
    release.plan(hub)
    with reading(hub.engine) as connection:
        [row] = lineage.of_invoice(connection, "order_1")
        record = lineage.records(connection, [row["landed_id"]])[row["landed_id"]]
    assert (record["source"], record["external_id"], record["source_version"]) == ("online_retail", "1", "v7")
    assert record["received"].startswith("{")
