"""Each rule on a tax engine's answer lets the worked example pass and finds one broken answer."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from canonical_model.money import Money
from canonical_model.rules import check_tax_answer, tax_answer
from canonical_model.rules import invoice as invoice_rules
from canonical_model.tax import TaxQuote

RULE_ID = re.compile(r"HUB-T\d{2}: \S")


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def with_line(quote: TaxQuote, **changes: object) -> TaxQuote:
    return replace(quote, lines=(replace(quote.lines[0], **changes), *quote.lines[1:]))


def with_jurisdiction(quote: TaxQuote, **changes: object) -> TaxQuote:
    first, *others = quote.lines[0].jurisdictions
    return with_line(quote, jurisdictions=(replace(first, **changes), *others))


BROKEN: dict[tax_answer.Rule, tuple[Callable[[TaxQuote], TaxQuote], str]] = {
    tax_answer.hub_t05_currency: (
        lambda it: replace(it, total_tax=Money(Decimal("9600.00"), "EUR")),
        "total_tax",
    ),
    tax_answer.hub_t01_lines_answered: (lambda it: with_line(it, line_id="2"), "lines"),
    tax_answer.hub_t06_document: (lambda it: replace(it, document_id="another"), "document_id"),
    tax_answer.hub_t07_taxable: (lambda it: with_line(it, taxable=usd("120000.01")), "lines[0].taxable"),
    tax_answer.hub_t02_total_is_sum: (lambda it: replace(it, total_tax=usd("9600.01")), "total_tax"),
    tax_answer.hub_t03_lines_are_sums: (lambda it: with_line(it, tax=usd("9600.01")), "lines[0].tax"),
    tax_answer.hub_t04_rates_hold: (
        lambda it: with_jurisdiction(it, tax=usd("4800.01")),
        "lines[0].jurisdictions[0].tax",
    ),
}


def rule_id(rule: tax_answer.Rule) -> str:
    return (rule.__doc__ or "").partition(":")[0]


def test_every_rule_has_a_broken_example():
    assert set(BROKEN) == set(tax_answer.RULES)


def test_every_numbered_function_is_in_the_rules():
    numbered = {
        each
        for each in vars(tax_answer).values()
        if callable(each) and RULE_ID.match(getattr(each, "__doc__", "") or "")
    }
    assert numbered == set(tax_answer.RULES)
    assert len(tax_answer.RULES) == len(numbered)


def test_rule_ids_are_unique_over_all_rules():
    ids = [(rule.__doc__ or "").partition(":")[0] for rule in (*tax_answer.RULES, *invoice_rules.RULES)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("rule", tax_answer.RULES, ids=rule_id)
def test_a_good_answer_passes(rule, draft, quote):
    assert list(rule(draft, quote)) == []


@pytest.mark.parametrize("rule", tax_answer.RULES, ids=rule_id)
def test_a_broken_answer_is_found(rule, draft, quote):
    broken, path = BROKEN[rule][0](quote), BROKEN[rule][1]
    found = list(rule(draft, broken))
    expected = [(rule_id(rule), path, "tax_answer_inconsistent")]
    assert [(each.rule_id, each.path, each.category) for each in found] == expected
    assert found[0] in check_tax_answer(draft, broken)


def test_the_worked_example_breaks_no_rule(draft, quote):
    assert check_tax_answer(draft, quote) == ()


def test_in_another_currency_sums_mean_nothing(draft, quote):
    broken = with_line(with_jurisdiction(quote, tax=Money(Decimal(1), "DEM")), line_id="2")
    assert [each.rule_id for each in check_tax_answer(draft, broken)] == ["HUB-T05", "HUB-T01"]


@pytest.mark.parametrize("lines", [0, 2])
def test_each_line_is_answered_once(draft, quote, lines):
    found = check_tax_answer(draft, replace(quote, lines=quote.lines * lines))
    assert "HUB-T01" in {each.rule_id for each in found}


@pytest.mark.parametrize(("tax", "holds"), [("4800.009", True), ("4799.991", True), ("4800.01", False)])
def test_a_rate_may_be_rounded_by_less_than_a_minor_unit(draft, quote, tax, holds):
    found = list(tax_answer.hub_t04_rates_hold(draft, with_jurisdiction(quote, tax=usd(tax))))
    assert (found == []) == holds


def test_nothing_due_needs_no_jurisdiction(draft, quote):
    free = replace(with_line(quote, jurisdictions=(), tax=usd("0.00")), total_tax=usd("0.00"))
    assert check_tax_answer(draft, free) == ()
