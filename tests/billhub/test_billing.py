"""Drafts: what is due becomes one draft each, follows its source while it may, and what cannot be drafted is on the desk."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from billhub import exceptions
from billhub.billing import approval_content, plan
from billhub.billing.draft import fingerprint
from billhub.billing.orders import _draft as order_draft
from billhub.hub import Hub
from billhub.store import invoices
from billhub.store.documents import Stored
from billhub.store.engine import reading, transaction
from canonical_model.invoices import CREDIT_NOTE, INVOICE, Invoice
from canonical_model.money import Money
from canonical_model.violations import Violation


@pytest.fixture
def drafts(hub: Hub) -> Callable[[], dict[str, Invoice]]:
    def found() -> dict[str, Invoice]:
        with reading(hub.engine) as connection:
            return {row.invoice_id: row.invoice for row in invoices.in_states(connection, ("draft",))}

    return found


@pytest.fixture
def states(query: Callable) -> Callable[[], dict[str, str]]:
    return lambda: dict(query("SELECT invoice_id, state FROM invoices"))


def counted(counts: Any) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


# contracts


def test_the_worked_example_is_a_quarter_in_advance(
    hub: Hub, keep: Callable, a_contract: Callable, a_customer: Callable, drafts: Callable
) -> None:
    keep(a_customer(payment_terms_days=45), a_contract(purchase_order="PO-70468"))
    assert counted(plan(hub)) == {"new": 1}
    [invoice] = drafts().values()
    assert (invoice.invoice_id, invoice.document_type, invoice.number) == ("C-000001_2026-01-01", INVOICE, None)
    assert (str(invoice.totals.net), str(invoice.totals.payable)) == ("120,000.00 USD", "120,000.00 USD")
    assert (invoice.period_start, invoice.period_end) == (date(2026, 1, 1), date(2026, 3, 31))
    assert (invoice.issue_date, invoice.due_date) == (date(2026, 1, 15), date(2026, 3, 1))
    assert (invoice.buyer.name, invoice.buyer.address.city, invoice.purchase_order) == (
        "Northwind Analytics Corp",
        "Rochester",
        "PO-70468",
    )
    assert invoice.seller.name == "Meridian Software Inc."


def test_planning_again_changes_nothing(hub: Hub, keep: Callable, a_contract: Callable, query: Callable) -> None:
    keep(a_contract())
    plan(hub)
    before = query("SELECT * FROM invoices"), query("SELECT * FROM audit")
    assert counted(plan(hub)) == {"kept": 1}
    assert (query("SELECT * FROM invoices"), query("SELECT * FROM audit")) == before


def test_another_day_or_person_alone_makes_no_new_draft(
    hub: Hub, open_as: Callable[..., Hub], keep: Callable, a_contract: Callable
) -> None:
    keep(a_contract())
    plan(hub)
    assert counted(plan(open_as("boris", date(2026, 1, 16)))) == {"kept": 1}


def test_a_changed_contract_replaces_its_draft(
    hub: Hub, keep: Callable, a_contract: Callable, drafts: Callable, query: Callable
) -> None:
    keep(a_contract())
    plan(hub)
    keep(a_contract(prices=("480000.00", "4000.00")), version="v2")
    assert counted(plan(hub)) == {"changed": 1}
    [invoice] = drafts().values()
    assert str(invoice.totals.net) == "121,000.00 USD"
    assert query("SELECT source_version, net_minor, line_count FROM invoices") == [(2, 12_100_000, 2)]
    assert [action for (action,) in query("SELECT action FROM audit ORDER BY seq")] == [
        "invoice.drafted",
        "invoice.redrafted",
    ]


def test_a_changed_buyer_replaces_the_draft_too(
    hub: Hub, keep: Callable, a_contract: Callable, a_customer: Callable, drafts: Callable
) -> None:
    keep(a_contract())
    plan(hub)
    assert drafts()["C-000001_2026-01-01"].buyer.name == ""
    keep(a_customer())
    assert counted(plan(hub)) == {"changed": 1}
    assert drafts()["C-000001_2026-01-01"].buyer.name == "Northwind Analytics Corp"


@pytest.mark.parametrize(
    ("as_of", "starts"),
    [
        ("2025-12-31", []),
        ("2026-01-01", ["2026-01-01"]),
        ("2026-03-31", ["2026-01-01"]),
        ("2026-04-01", ["2026-01-01", "2026-04-01"]),
        ("2027-05-01", ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"]),
    ],
)
def test_one_draft_for_every_period_that_is_due(
    hub: Hub,
    open_as: Callable[..., Hub],
    keep: Callable,
    a_contract: Callable,
    states: Callable,
    as_of: str,
    starts: list,
) -> None:
    keep(a_contract())
    plan(open_as(as_of=date.fromisoformat(as_of)))
    assert sorted(states()) == [f"C-000001_{start}" for start in starts]


@pytest.mark.parametrize(
    ("timing", "start", "frequency", "due"),
    [
        ("in_advance", "2025-12-31", "monthly", ["2026-01-31"]),  # its first period began before the hub took over
        ("in_advance", "2025-10-01", "quarterly", ["2026-01-01"]),
        ("in_arrears", "2025-10-01", "quarterly", []),  # ended on the last day before
        ("in_arrears", "2025-10-02", "quarterly", ["2025-10-02"]),  # ended on the first day
        ("in_arrears", "2025-01-15", "annual", ["2025-01-15"]),
    ],
)
def test_what_was_billed_before_the_hub_went_live_is_left_alone(
    open_as: Callable[..., Hub],
    hub: Hub,
    keep: Callable,
    a_contract: Callable,
    states: Callable,
    timing: str,
    start: str,
    frequency: str,
    due: list[str],
) -> None:
    begins = date.fromisoformat(start)
    keep(a_contract(billing_timing=timing, start_date=begins, billing_frequency=frequency))
    plan(open_as(as_of=date(2026, 2, 1)))
    assert sorted(states()) == [f"C-000001_{day}" for day in due]


@pytest.mark.parametrize("status", ["draft", "ended"])
def test_only_active_contracts_are_billed(
    hub: Hub, keep: Callable, a_contract: Callable, states: Callable, query: Callable, status: str
) -> None:
    keep(a_contract(status=status), a_contract(contract_id="C-2", status=status, legal_entity="XX", term_months=0))
    assert counted(plan(hub)) == {}
    assert states() == {}
    assert query("SELECT * FROM exceptions") == []


def test_what_is_no_longer_due_is_withdrawn_with_its_exceptions(
    hub: Hub, keep: Callable, a_contract: Callable, states: Callable, query: Callable
) -> None:
    keep(a_contract())
    plan(hub)
    _hold(hub, "C-000001_2026-01-01")
    keep(a_contract(status="ended"), version="v2")
    assert counted(plan(hub)) == {"withdrawn": 1}
    assert states() == {"C-000001_2026-01-01": "withdrawn"}
    assert query("SELECT subject_type, state FROM exceptions ORDER BY exception_id") == [
        ("invoice", "resolved"),
        ("tax", "resolved"),
    ]
    assert counted(plan(hub)) == {}


def test_what_is_due_again_is_drafted_again(hub: Hub, keep: Callable, a_contract: Callable, states: Callable) -> None:
    keep(a_contract())
    plan(hub)
    keep(a_contract(status="draft"), version="v2")
    plan(hub)
    keep(a_contract(), version="v3")
    assert counted(plan(hub)) == {"changed": 1}
    assert states() == {"C-000001_2026-01-01": "draft"}


@pytest.mark.parametrize("state", ["released", "delivered"])
def test_what_has_a_number_no_longer_changes(
    hub: Hub, keep: Callable, a_contract: Callable, query: Callable, state: str
) -> None:
    keep(a_contract())
    plan(hub)
    _set_state(hub, state)
    before = query("SELECT body FROM invoices")
    keep(a_contract(prices=("1.00",)), version="v2")
    assert counted(plan(hub)) == {"kept": 1}
    keep(a_contract(status="ended"), version="v3")
    assert counted(plan(hub)) == {}
    assert query("SELECT state FROM invoices") == [(state,)]
    assert query("SELECT body FROM invoices") == before


@pytest.mark.parametrize("state", ["draft", "held", "checked", "taxed", "awaiting_approval", "ready", "rejected"])
def test_until_then_its_source_decides(
    hub: Hub, keep: Callable, a_contract: Callable, states: Callable, state: str
) -> None:
    keep(a_contract())
    plan(hub)
    _set_state(hub, state)
    assert counted(plan(hub)) == {"kept": 1}
    assert states() == {"C-000001_2026-01-01": state}
    keep(a_contract(prices=("1.00",)), version="v2")
    assert counted(plan(hub)) == {"changed": 1}
    _set_state(hub, state)
    keep(a_contract(status="ended"), version="v3")
    assert counted(plan(hub)) == {"withdrawn": 1}


def test_a_discount_is_an_allowance_and_parts_sum_to_the_year(
    hub: Hub, open_as: Callable[..., Hub], keep: Callable, a_contract: Callable, drafts: Callable
) -> None:
    keep(a_contract(prices=("1000.01", "333.33"), discount_percent=Decimal("12.5"), billing_frequency="monthly"))
    plan(open_as(as_of=date(2026, 12, 1)))
    found = drafts().values()
    assert len(found) == 12
    year = sum((invoice.totals.net.amount for invoice in found), Decimal(0))
    assert year == Decimal("875.01") + Decimal("291.66")
    for invoice in found:
        for line in invoice.lines:
            [allowance] = line.allowances
            assert line.net == line.unit_price - allowance.amount
            assert allowance.percent == Decimal("12.5")


# orders


def test_an_order_becomes_an_invoice_of_its_own_day(
    hub: Hub, keep: Callable, an_order: Callable, drafts: Callable
) -> None:
    keep(an_order(lines=(("6", "2.55"), ("2", "3.39"))))
    plan(hub)
    [invoice] = drafts().values()
    assert (invoice.invoice_id, invoice.document_type, invoice.order_id) == ("order_536365", INVOICE, "536365")
    assert (invoice.issue_date, invoice.tax_point_date, invoice.due_date) == (
        date(2010, 12, 1),
        date(2010, 12, 1),
        date(2010, 12, 31),
    )
    assert str(invoice.totals.net) == "22.08 GBP"


def test_a_cancellation_becomes_a_credit_note_of_positive_amounts(
    hub: Hub, keep: Callable, an_order: Callable, drafts: Callable, query: Callable
) -> None:
    keep(an_order("C536379", kind="cancellation", lines=(("-1", "27.50"), ("-2", "1.00"))))
    plan(hub)
    [note] = drafts().values()
    assert note.document_type == CREDIT_NOTE
    assert [str(line.quantity) for line in note.lines] == ["1", "2"]
    assert str(note.totals.net) == "29.50 GBP"
    assert query("SELECT net_minor, raw_amount FROM invoices") == [(2950, "-29.50")]


def test_rounding_of_a_line_is_a_named_residual(
    hub: Hub, keep: Callable, an_order: Callable, drafts: Callable, query: Callable
) -> None:
    keep(an_order(lines=(("3", "0.333"), ("1", "0.005"), ("1", "1.00"))))
    plan(hub)
    [invoice] = drafts().values()
    assert [(str(line.net.amount), str(line.rounding.amount)) for line in invoice.lines] == [
        ("1.00", "0.001"),
        ("0.01", "0.005"),
        ("1.00", "0.00"),
    ]
    assert query("SELECT net_minor, raw_amount FROM invoices") == [(201, "2.004")]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(1, 10**6).map(str), st.decimals(0, 1000, places=4).map(lambda price: format(price, "f"))),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
def test_net_less_rounding_is_what_was_ordered_to_the_last_digit(
    hub: Hub, an_order: Callable, lines: list[tuple[str, str]], cancelled: bool
) -> None:
    sign, kind = ("-", "cancellation") if cancelled else ("", "order")
    order = an_order(kind=kind, lines=tuple((f"{sign}{quantity}", price) for quantity, price in lines))
    draft = order_draft(hub, Stored(document_id=1, canonical_id="1", version=1, content_hash="", body=""), order)
    rounding = sum((line.rounding.amount for line in draft.invoice.lines), Decimal(0))
    net = draft.invoice.totals.net.amount - rounding
    ordered = sum((Decimal(quantity) * Decimal(price) for quantity, price in lines), Decimal(0))
    assert net == ordered
    assert draft.raw_amount == (-ordered if cancelled else ordered)
    assert all(abs(line.rounding.amount) <= Decimal("0.005") for line in draft.invoice.lines)


# what no draft can be made from


def test_an_unknown_legal_entity_goes_to_the_desk_from_contract_and_order(
    hub: Hub, keep: Callable, a_contract: Callable, an_order: Callable, states: Callable, query: Callable
) -> None:
    long = "an entity of a name longer than any code"
    keep(a_contract(legal_entity="FR"), an_order(legal_entity=long), an_order("2"))
    assert counted(plan(hub)) == {"new": 1}
    assert set(states()) == {"order_2"}
    rows = query("SELECT subject_type, subject_id, category, rule_id, value, state FROM exceptions ORDER BY 1")
    assert rows == [
        ("contract", "C-000001", "unknown_legal_entity", "HUB-B01", "FR", "open"),
        ("order", "536365", "unknown_legal_entity", "HUB-B01", long, "open"),
    ]


def test_once_the_entity_is_known_the_exception_resolves_and_the_draft_is_made(
    hub: Hub, keep: Callable, an_order: Callable, states: Callable, query: Callable
) -> None:
    entities = {code: entity for code, entity in hub.policy.entities.items() if code != "UK"}
    without = replace(hub, policy=msgspec.structs.replace(hub.policy, entities=entities))
    keep(an_order())
    plan(without)
    assert query("SELECT category, state FROM exceptions") == [("unknown_legal_entity", "open")]
    assert counted(plan(hub)) == {"new": 1}
    assert query("SELECT category, state FROM exceptions") == [("unknown_legal_entity", "resolved")]
    assert states() == {"order_536365": "draft"}


def test_a_draft_whose_entity_goes_is_withdrawn_and_said(
    hub: Hub, keep: Callable, an_order: Callable, states: Callable, query: Callable
) -> None:
    keep(an_order())
    plan(hub)
    keep(an_order(legal_entity="XX"), version="v2")
    assert counted(plan(hub)) == {"withdrawn": 1}
    assert query("SELECT subject_type, category, state FROM exceptions") == [("order", "unknown_legal_entity", "open")]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"term_months": 0}, "term_months"),
        ({"term_months": -12}, "term_months"),
        ({"term_months": 10**14}, "term_months"),  # would ask for all periods of eight billion years
        ({"start_date": date(9999, 12, 1)}, "start_date"),
        ({"start_date": date(26, 1, 1)}, "start_date"),
        ({"prices": ("999999999999999.0000000001",) * 2}, "lines"),
    ],
)
def test_a_contract_nobody_can_have_meant_holds_back_nobody_else(
    hub: Hub, keep: Callable, a_contract: Callable, states: Callable, query: Callable, changes: dict, path: str
) -> None:
    keep(a_contract(contract_id="C-000000", **changes), a_contract())
    assert counted(plan(hub)) == {"new": 1}
    assert states() == {"C-000001_2026-01-01": "draft"}
    rows = query("SELECT subject_id, category, path, state FROM exceptions")
    assert rows == [("C-000000", "implausible_value", path, "open")]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"order_date": date(9999, 12, 31)}, "order_date"),
        ({"lines": (("999999999999999", "999999999999999"),)}, "lines"),
        ({"lines": (("-999999999999999", "999999999999999"), ("1", "1.00"))}, "lines"),
    ],
)
def test_an_order_nobody_can_have_meant_holds_back_nobody_else(
    hub: Hub, keep: Callable, an_order: Callable, states: Callable, query: Callable, changes: dict, path: str
) -> None:
    keep(an_order("1", **changes), an_order("2"))
    assert counted(plan(hub)) == {"new": 1}
    assert states() == {"order_2": "draft"}
    assert query("SELECT subject_id, category, path FROM exceptions") == [("1", "implausible_value", path)]


@pytest.mark.parametrize("days", [10**14, -(10**14), 3651, -1])
def test_impossible_payment_terms_still_make_a_draft_that_the_checks_hold(
    hub: Hub, keep: Callable, a_contract: Callable, a_customer: Callable, drafts: Callable, days: int
) -> None:
    keep(a_customer(payment_terms_days=days), a_contract())
    plan(hub)
    [invoice] = drafts().values()
    assert timedelta(0) <= invoice.due_date - invoice.issue_date <= timedelta(days=3650)


# the two hashes of a draft


def test_what_is_decided_does_not_depend_on_number_and_dates_of_release(an_invoice: Callable) -> None:
    invoice = an_invoice()
    later = msgspec.structs.replace(
        invoice, number="US-000777", issue_date=date(2026, 9, 1), due_date=date(2026, 10, 1)
    )
    assert approval_content(later) == approval_content(invoice)


@pytest.mark.parametrize(
    "changes",
    [
        {"net": "120000.01"},
        {"tax": "9600.01"},
        {"currency": "EUR"},
        {"legal_entity": "DE"},
        {"purchase_order": "PO-1"},
        {"tax_point_date": date(2026, 1, 2)},
    ],
)
def test_everything_else_is_decided_about(an_invoice: Callable, changes: dict) -> None:
    assert approval_content(an_invoice(**changes)) != approval_content(an_invoice())


def test_the_same_thing_billed_twice_has_one_fingerprint(an_invoice: Callable) -> None:
    twin = an_invoice(invoice_id="C-000002_2026-01-01", contract_id="C-000002")
    assert fingerprint(twin) == fingerprint(an_invoice())


@pytest.mark.parametrize(
    "changes",
    [
        {"purchase_order": "PO-2"},
        {"period_start": date(2026, 4, 1)},
        {"document_type": CREDIT_NOTE},
        {"legal_entity": "DE"},
        {"net": "120000.01"},
    ],
)
def test_another_thing_has_another_fingerprint(an_invoice: Callable, changes: dict) -> None:
    assert fingerprint(an_invoice(**changes)) != fingerprint(an_invoice())


# races


def test_who_looks_in_order_to_change_keeps_others_from_releasing(
    hub: Hub, open_as: Callable[..., Hub], keep: Callable, an_order: Callable
) -> None:
    """Else a plan could turn into a draft again what another worker numbered between its look and its change."""
    keep(an_order())
    plan(hub)
    _set_state(hub, "ready")
    other = open_as("other")
    with transaction(hub.engine) as planning:
        invoices.heads(planning, ["order_536365"])
        with pytest.raises((sqlite3.OperationalError, OperationalError), match="lock"):
            _lock_without_patience(other)


def _lock_without_patience(hub: Hub) -> None:
    if hub.engine.dialect.name == "sqlite":
        with closing(hub.engine.raw_connection()) as raw:
            for statement in ("PRAGMA busy_timeout = 50", "BEGIN IMMEDIATE"):
                raw.driver_connection.execute(statement)
        return
    with transaction(hub.engine) as connection:
        connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
        invoices.locked(connection, [1], ("ready",))


def _hold(hub: Hub, invoice_id: str) -> None:
    with transaction(hub.engine) as connection:
        for subject_type in ("invoice", "tax"):
            violation = Violation(rule_id="R", category="buyer_inactive", path="p", value="v", message="m")
            problem = exceptions.Problem(
                subject_type=subject_type,
                subject_id=invoice_id,
                violation=violation,
                amount=Money(Decimal("1.00"), "USD"),
            )
            exceptions.settle(connection, hub, subject_type=subject_type, examined=[invoice_id], problems=[problem])
        connection.execute(text("UPDATE invoices SET state = 'held'"))


def _set_state(hub: Hub, state: str) -> None:
    with transaction(hub.engine) as connection:
        connection.execute(text("UPDATE invoices SET state = :state"), {"state": state})
