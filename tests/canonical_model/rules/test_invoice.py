"""Each rule on invoices lets the worked example pass and finds one broken example."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from canonical_model.invoices import Invoice, InvoiceLine
from canonical_model.money import Money
from canonical_model.rules import check_invoice
from canonical_model.rules import invoice as rules

RULE_ID = re.compile(r"(BR-[A-Z0-9-]+|PEPPOL-EN16931-R\d{3}|HUB-I\d{2}): \S")


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def eur(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def with_line(invoice: Invoice, **changes: object) -> Invoice:
    return replace(invoice, lines=(replace(invoice.lines[0], **changes), *invoice.lines[1:]))


def with_totals(invoice: Invoice, **changes: object) -> Invoice:
    return replace(invoice, totals=replace(invoice.totals, **changes))


def with_subtotal(invoice: Invoice, **changes: object) -> Invoice:
    return replace(invoice, tax_subtotals=(replace(invoice.tax_subtotals[0], **changes),))


def in_country(invoice: Invoice, country: str) -> Invoice:
    return replace(invoice, buyer=replace(invoice.buyer, address=replace(invoice.buyer.address, country=country)))


def second(line: InvoiceLine, **changes: object) -> InvoiceLine:
    return replace(line, line_id="2", **changes)


BROKEN: dict[rules.Rule, tuple[Callable[[Invoice], Invoice], str]] = {
    rules.br_16_has_lines: (lambda it: replace(it, lines=()), "lines"),
    rules.br_25_lines_are_named: (lambda it: with_line(it, description=" "), "lines[0].description"),
    rules.br_cl_04_currency: (lambda it: replace(it, currency="USD\n"), "currency"),
    rules.br_cl_14_country: (lambda it: in_country(it, "UK"), "buyer.address.country"),
    rules.hub_i01_one_currency: (lambda it: with_totals(it, tax=eur("9600.00")), "totals.tax"),
    rules.r121_base_quantity: (
        lambda it: with_line(it, price_base_quantity=Decimal(0)),
        "lines[0].price_base_quantity",
    ),
    rules.br_dec_amounts_are_exact: (lambda it: with_totals(it, gross=usd("129600.001")), "totals.gross"),
    rules.hub_i02_line_net: (lambda it: with_line(it, quantity=Decimal(2)), "lines[0].net"),
    rules.hub_i03_line_rounding: (lambda it: with_line(it, rounding=usd("0.01")), "lines[0].rounding"),
    rules.hub_i04_unique_line_ids: (lambda it: replace(it, lines=it.lines * 2), "lines[1].line_id"),
    rules.br_co_10_net: (lambda it: with_totals(it, net=usd("119999.99")), "totals.net"),
    rules.br_co_14_tax: (lambda it: with_totals(it, tax=usd("9600.01")), "totals.tax"),
    rules.br_co_15_gross: (lambda it: with_totals(it, gross=usd("129599.99")), "totals.gross"),
    rules.br_co_16_payable: (lambda it: with_totals(it, payable=usd("0.00")), "totals.payable"),
    rules.br_co_18_taxed: (lambda it: replace(it, tax_subtotals=()), "tax_subtotals"),
    rules.hub_i05_due_date: (lambda it: replace(it, due_date=date(2026, 1, 14)), "due_date"),
    rules.br_29_period: (lambda it: replace(it, period_end=date(2025, 12, 31)), "period_end"),
    rules.br_30_line_periods: (lambda it: with_line(it, period_end=date(2025, 12, 31)), "lines[0].period_end"),
}


def rule_id(rule: rules.Rule) -> str:
    return (rule.__doc__ or "").partition(":")[0]


def test_every_rule_has_a_broken_example():
    assert set(BROKEN) == set(rules.RULES)


def test_every_numbered_function_is_in_the_rules():
    numbered = {
        each
        for name, each in vars(rules).items()
        if callable(each) and RULE_ID.match(getattr(each, "__doc__", "") or "")
    }
    assert numbered == set(rules.RULES)
    assert len(rules.RULES) == len(numbered)


def test_rule_ids_are_unique_and_lead_the_docstring():
    assert all(RULE_ID.match(rule.__doc__ or "") for rule in rules.RULES)
    assert len({rule_id(rule) for rule in rules.RULES}) == len(rules.RULES)


@pytest.mark.parametrize("rule", rules.RULES, ids=rule_id)
def test_a_good_invoice_passes(rule, invoice):
    assert list(rule(invoice)) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=rule_id)
def test_a_broken_invoice_is_found(rule, invoice):
    broken, path = BROKEN[rule][0](invoice), BROKEN[rule][1]
    found = list(rule(broken))
    assert [(each.rule_id, each.path, each.category) for each in found] == [(rule_id(rule), path, "miscalculation")]
    assert found[0].message
    assert found[0] in check_invoice(broken)


def test_the_worked_example_breaks_no_rule(invoice):
    assert check_invoice(invoice) == ()


def test_violations_come_all_at_once_in_order_of_the_rules(invoice):
    broken = with_totals(with_line(in_country(invoice, "XX"), description=""), payable=usd("1.00"))
    assert [each.rule_id for each in check_invoice(broken)] == ["BR-25", "BR-CL-14", "BR-CO-16"]


@pytest.mark.parametrize(
    "broken",
    [
        lambda it: replace(it, currency="DEM"),
        lambda it: replace(it, currency=""),
        lambda it: replace(it, currency="EUR"),
        lambda it: with_line(it, unit_price=eur("125000.00")),
        lambda it: with_line(it, rounding=eur("0.00")),
        lambda it: with_line(it, net=Money(Decimal(1), "DEM")),
        lambda it: with_line(it, price_base_quantity=Decimal(0), quantity=Decimal(0)),
        lambda it: with_line(it, price_base_quantity=Decimal(-1)),
        lambda it: with_subtotal(it, tax=eur("9600.00")),
    ],
)
def test_where_sums_mean_nothing_only_the_reason_is_given(invoice, broken):
    found = {each.rule_id for each in check_invoice(broken(invoice))}
    assert found
    assert found <= {"BR-CL-04", "HUB-I01", "PEPPOL-EN16931-R121"}


def test_every_amount_in_another_currency_is_named(invoice):
    foreign = with_line(invoice, taxes=tuple(replace(each, tax=eur("1.00")) for each in invoice.lines[0].taxes))
    paths = [each.path for each in check_invoice(foreign)]
    assert paths == ["lines[0].taxes[0].tax", "lines[0].taxes[1].tax"]


@pytest.mark.parametrize("rounding", ["0.009", "-0.009", "0"])
def test_less_than_a_minor_unit_is_a_rounding(invoice, rounding):
    assert list(rules.hub_i03_line_rounding(with_line(invoice, rounding=usd(rounding)))) == []


def test_a_rounded_line_holds_exactly(invoice):
    line = replace(
        invoice.lines[0],
        quantity=Decimal(3),
        unit_price=usd("0.335"),
        allowances=(),
        rounding=usd("0.005"),
        net=usd("1.01"),
    )
    assert list(rules.hub_i02_line_net(replace(invoice, lines=(line,)))) == []
    assert list(rules.hub_i02_line_net(replace(invoice, lines=(replace(line, rounding=usd("0.00")),)))) != []


def test_inexact_allowances_are_found(invoice):
    allowance = replace(invoice.lines[0].allowances[0], amount=usd("5000.001"))
    (found,) = rules.br_dec_amounts_are_exact(with_line(invoice, allowances=(allowance,)))
    assert found.path == "lines[0].allowances[0].amount"


def test_subtotals_must_cover_the_net(invoice):
    (found,) = check_invoice(with_subtotal(invoice, taxable=usd("119999.99")))
    assert (found.rule_id, found.value, found.message) == ("BR-CO-18", "119,999.99 USD", "should be 120,000.00 USD")


def test_several_lines_are_summed(invoice):
    line = invoice.lines[0]
    two = replace(invoice, lines=(line, second(line)))
    (by_lines, *_) = rules.br_co_10_net(two)
    assert by_lines.message == "should be 240,000.00 USD"


def test_open_periods_are_in_order(invoice):
    assert list(rules.br_29_period(replace(invoice, period_start=None))) == []
    assert list(rules.br_29_period(replace(invoice, period_end=None))) == []
    assert list(rules.br_29_period(replace(invoice, period_end=invoice.period_start))) == []
