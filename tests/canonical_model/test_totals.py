"""Totals come from the lines and the engine's answer, to the minor unit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from canonical_model.invoices import InvoiceLine
from canonical_model.money import Money, from_minor, zero
from canonical_model.tax import JurisdictionTax, TaxQuote, TaxQuoteLine
from canonical_model.totals import EXEMPTION_REASONS, line_net, net_totals, with_tax


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def a_line(line_id: str = "1", net: str = "100.00") -> InvoiceLine:
    return InvoiceLine(
        line_id=line_id,
        product_code="P",
        description="Platform",
        quantity=Decimal(1),
        unit_price=usd(net),
        net=usd(net),
        rounding=usd("0.00"),
    )


def an_answer(line: InvoiceLine, rate: str = "0", **more: object) -> TaxQuoteLine:
    tax = (line.net * Decimal(rate)).rounded()
    parts = (JurisdictionTax(jurisdiction="J", kind="state", name="T", rate=Decimal(rate), taxable=line.net, tax=tax),)
    answer = TaxQuoteLine(line_id=line.line_id, taxable=line.net, tax=tax, jurisdictions=parts if Decimal(rate) else ())
    return replace(answer, **more)


def a_quote(*lines: TaxQuoteLine) -> TaxQuote:
    return TaxQuote(document_id="I-1", engine="e", total_tax=usd("0.00"), lines=lines)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "100.00"),
        ({"quantity": Decimal(3)}, "300.00"),
        ({"quantity": Decimal("0.5"), "unit_price": usd("0.0335")}, "0.01675"),
        ({"quantity": Decimal(1), "price_base_quantity": Decimal(3), "unit_price": usd("3.00")}, "1.00"),
        ({"quantity": Decimal(7), "price_base_quantity": Decimal(7)}, "100.00"),
        ({"rounding": usd("0.005")}, "100.005"),
        ({"quantity": Decimal(-2)}, "-200.00"),
    ],
)
def test_line_net(changes, expected):
    assert line_net(replace(a_line(), **changes)) == usd(expected)


def test_line_net_subtracts_every_allowance(draft):
    line = draft.lines[0]
    assert line_net(line) == usd("120000.00")
    assert line_net(replace(line, allowances=line.allowances * 2)) == usd("115000.00")


@given(st.integers(min_value=1, max_value=10**12), st.decimals(min_value="0.01", max_value=10**6, places=2))
def test_the_price_of_all_units_is_the_line_net(minor, quantity):
    price = from_minor(minor, "USD")
    assert line_net(replace(a_line(), unit_price=price, quantity=quantity, price_base_quantity=quantity)) == price


def test_totals_before_tax():
    totals = net_totals((a_line("1"), a_line("2", "0.01")), "USD")
    assert totals.net == totals.gross == totals.payable == usd("100.01")
    assert totals.tax == zero("USD")


def test_worked_example(draft, quote):
    invoice = with_tax(draft, quote)
    totals, (subtotal,) = invoice.totals, invoice.tax_subtotals
    assert [str(each) for each in (totals.net, totals.tax, totals.gross, totals.payable)] == [
        "120,000.00 USD",
        "9,600.00 USD",
        "129,600.00 USD",
        "129,600.00 USD",
    ]
    assert (subtotal.category, subtotal.rate, subtotal.exemption_reason) == ("S", Decimal(8), None)
    assert (subtotal.taxable, subtotal.tax) == (usd("120000.00"), usd("9600.00"))
    assert (invoice.lines[0].tax_category, invoice.lines[0].tax_rate) == ("S", Decimal(8))
    assert invoice.lines[0].taxes == quote.lines[0].jurisdictions
    assert invoice.tax_reference == "8871"


def test_tax_changes_nothing_else(draft, quote):
    invoice = with_tax(draft, quote)
    line = replace(invoice.lines[0], tax_category=None, tax_rate=None, taxes=())
    assert replace(invoice, lines=(line,), totals=draft.totals, tax_subtotals=(), tax_reference=None) == draft


def test_lines_of_one_category_and_rate_share_a_subtotal(draft):
    lines = tuple(a_line(str(number)) for number in range(4))
    answers = (
        an_answer(lines[0], "0.08"),
        an_answer(lines[1]),
        an_answer(lines[2], "0.080"),
        an_answer(lines[3], "0.19"),
    )
    invoice = with_tax(replace(draft, lines=lines), a_quote(*answers))
    found = [(each.category, each.rate, each.taxable, each.tax) for each in invoice.tax_subtotals]
    assert found == [
        ("S", Decimal(8), usd("200.00"), usd("16.00")),
        ("S", Decimal(19), usd("100.00"), usd("19.00")),
        ("Z", Decimal(0), usd("100.00"), usd("0.00")),
    ]
    assert invoice.totals.gross == usd("435.00")


def test_the_order_of_the_answer_does_not_matter(draft):
    lines = (a_line("1", "100.00"), a_line("2", "200.00"))
    answers = (an_answer(lines[0], "0.08"), an_answer(lines[1], "0.19"))
    two = replace(draft, lines=lines)
    assert with_tax(two, a_quote(*answers)) == with_tax(two, a_quote(*answers[::-1]))


@pytest.mark.parametrize("category", sorted(EXEMPTION_REASONS))
def test_the_engines_category_and_the_reason_no_tax_is_due(draft, category):
    line = a_line()
    invoice = with_tax(replace(draft, lines=(line,)), a_quote(an_answer(line, category=category)))
    (subtotal,) = invoice.tax_subtotals
    assert (subtotal.category, subtotal.exemption_reason) == (category, EXEMPTION_REASONS[category])
    assert invoice.totals.tax == zero("USD")


def test_a_line_without_an_answer_is_refused(draft):
    with pytest.raises(KeyError, match="1"):
        with_tax(draft, a_quote())


amounts = st.integers(min_value=-(10**9), max_value=10**9)


@given(st.lists(st.tuples(amounts, st.sampled_from(["0", "0.04", "0.19"])), min_size=1, max_size=8))
def test_totals_add_up(draft, parts):
    lines = tuple(a_line(str(number), str(from_minor(net, "USD").amount)) for number, (net, _) in enumerate(parts))
    answers = [an_answer(line, rate) for line, (_, rate) in zip(lines, parts, strict=True)]
    invoice = with_tax(replace(draft, lines=lines), a_quote(*answers))
    totals = invoice.totals
    assert totals.net.minor == sum(net for net, _ in parts)
    assert totals.tax.minor == sum(answer.tax.minor for answer in answers)
    assert totals.gross == totals.payable == totals.net + totals.tax
    assert sum(each.taxable.minor for each in invoice.tax_subtotals) == totals.net.minor
