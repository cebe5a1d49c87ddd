"""What released documents mean to the general ledger."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhub.policy import load
from billhub.posting import deferral, posting
from canonical_model.invoices import CREDIT_NOTE, INVOICE, Invoice
from canonical_model.journal import JournalEntry
from canonical_model.money import Money

POLICY = load()


def sides(entry: JournalEntry | None) -> list[tuple[str, str, str]]:
    assert entry is not None
    assert entry.is_balanced
    return [(line.account, str(line.debit), str(line.credit)) for line in entry.lines]


def test_the_worked_example_defers_its_revenue(an_invoice: Callable) -> None:
    assert sides(posting(an_invoice(), POLICY)) == [
        ("1100", "129,600.00 USD", "0.00 USD"),
        ("2400", "0.00 USD", "120,000.00 USD"),
        ("2200", "0.00 USD", "9,600.00 USD"),
    ]


def test_what_was_rendered_already_is_revenue(an_invoice: Callable) -> None:
    invoice = an_invoice(billing_timing="in_arrears")
    assert sides(posting(invoice, POLICY)) == [
        ("1100", "129,600.00 USD", "0.00 USD"),
        ("4000", "0.00 USD", "120,000.00 USD"),
        ("2200", "0.00 USD", "9,600.00 USD"),
    ]
    assert deferral(invoice, POLICY) is None


def test_an_order_is_retail_revenue(an_invoice: Callable) -> None:
    order = an_invoice(billing_timing=None, contract_id=None, order_id="536365")
    assert sides(posting(order, POLICY))[1] == ("4200", "0.00 USD", "120,000.00 USD")
    assert deferral(order, POLICY) is None


def test_a_credit_note_turns_everything_round(an_invoice: Callable) -> None:
    note = an_invoice(document_type=CREDIT_NOTE)
    assert sides(posting(note, POLICY)) == [
        ("1100", "0.00 USD", "129,600.00 USD"),
        ("2400", "120,000.00 USD", "0.00 USD"),
        ("2200", "9,600.00 USD", "0.00 USD"),
    ]
    assert sides(deferral(note, POLICY)) == [
        ("4000", "0.00 USD", "120,000.00 USD"),
        ("2400", "120,000.00 USD", "0.00 USD"),
    ]


def test_deferral_moves_the_net_out_of_revenue(an_invoice: Callable) -> None:
    entry = deferral(an_invoice(), POLICY)
    assert sides(entry) == [("4000", "120,000.00 USD", "0.00 USD"), ("2400", "0.00 USD", "120,000.00 USD")]
    assert entry is not None
    assert entry.entry_id == "C-000001_2026-01-01_deferral"
    assert (entry.legal_entity, entry.customer_id, entry.posting_date) == ("US", "A-0001", an_invoice().issue_date)


def test_what_the_erp_posts_and_the_deferral_are_together_the_whole_posting(an_invoice: Callable) -> None:
    """The ERP posts receivable against revenue and tax; with our deferral its books say what we say."""
    invoice = an_invoice()
    books: dict[str, Decimal] = {
        "1100": Decimal("129600.00"),
        "4000": Decimal("-120000.00"),
        "2200": Decimal("-9600.00"),
    }
    for account, amount in balances(deferral(invoice, POLICY)).items():
        books[account] = books.get(account, Decimal(0)) + amount
    assert {account: amount for account, amount in books.items() if amount} == balances(posting(invoice, POLICY))


def test_products_have_revenue_accounts_of_their_own(an_invoice: Callable) -> None:
    invoice = an_invoice(billing_timing="in_arrears")
    [platform] = invoice.lines
    training = msgspec.structs.replace(
        platform, line_id="2", product_code="SVC-TRN", net=Money(Decimal("500.00"), "USD")
    )
    totals = msgspec.structs.replace(
        invoice.totals, net=Money(Decimal("120500.00"), "USD"), gross=Money(Decimal("130100.00"), "USD")
    )
    both = msgspec.structs.replace(invoice, lines=(platform, training), totals=totals)
    assert sides(posting(both, POLICY))[1:3] == [
        ("4000", "0.00 USD", "120,000.00 USD"),
        ("4100", "0.00 USD", "500.00 USD"),
    ]


def test_nothing_is_posted_to_an_account_that_nothing_falls_on(an_invoice: Callable) -> None:
    assert [account for account, _, _ in sides(posting(an_invoice(tax="0.00"), POLICY))] == ["1100", "2400"]
    assert deferral(an_invoice(net="0.00", tax="0.00"), POLICY) is None


@pytest.mark.parametrize("timing", ["in_advance", "in_arrears", None])
@pytest.mark.parametrize("document_type", [INVOICE, CREDIT_NOTE])
@given(net=st.integers(1, 10**14), tax=st.integers(0, 10**13))
def test_every_entry_is_balanced(
    an_invoice: Callable[..., Invoice], timing: str | None, document_type: str, net: int, tax: int
) -> None:
    invoice = an_invoice(
        net=str(Decimal(net) / 100), tax=str(Decimal(tax) / 100), billing_timing=timing, document_type=document_type
    )
    for entry in filter(None, (posting(invoice, POLICY), deferral(invoice, POLICY))):
        assert entry.is_balanced
        assert all(line.debit.amount >= 0 and line.credit.amount >= 0 for line in entry.lines)


def balances(entry: JournalEntry | None) -> dict[str, Decimal]:
    assert entry is not None
    return {line.account: line.debit.amount - line.credit.amount for line in entry.lines}
