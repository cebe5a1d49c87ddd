"""Billing schedules: periods tile the term, instalments sum to what was sold, and nothing falls due twice or too early."""

import itertools
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from canonical_model.codes import currency_digits
from canonical_model.contracts import Contract, ContractLine
from canonical_model.money import Money, from_minor, total
from canonical_model.schedule import MONTHS, annual_value, billing_periods, contract_value, due_periods, instalments


@st.composite
def contracts(draw) -> Contract:
    currency = draw(st.sampled_from(["JPY", "USD", "KWD"]))
    prices = st.decimals(min_value=0, max_value=10**7, places=4)
    quantities = st.decimals(min_value=0, max_value=10**4, places=2)
    sold = draw(st.lists(st.tuples(prices, quantities), min_size=1, max_size=4))
    lines = tuple(
        ContractLine(
            line_id=str(number),
            product_code="P",
            description="Platform",
            quantity=quantity,
            unit_price=Money(price, currency),
        )
        for number, (price, quantity) in enumerate(sold, 1)
    )
    return Contract(
        contract_id="C-1",
        customer_id="A-1",
        legal_entity="US",
        status="active",
        currency=currency,
        start_date=draw(st.dates(min_value=date(2000, 1, 1), max_value=date(2040, 12, 31))),
        term_months=draw(st.integers(min_value=1, max_value=40)),
        billing_frequency=draw(st.sampled_from(sorted(MONTHS))),
        billing_timing=draw(st.sampled_from(["in_advance", "in_arrears"])),
        price_book="Book",
        lines=lines,
        discount_percent=draw(st.decimals(min_value=0, max_value=100, places=2)),
    )


def starts(contract: Contract) -> list[str]:
    return [str(period.start) for period in billing_periods(contract)]


def rounded_half_up(exact: Fraction, digits: int) -> int:
    return floor(exact * 10**digits + Fraction(1, 2))


@given(contracts())
def test_periods_cover_the_term_without_gap_or_overlap(contract):
    periods = billing_periods(contract)
    assert periods[0].start == contract.start_date
    assert periods[-1].end == contract.start_date + relativedelta(months=contract.term_months) - timedelta(days=1)
    assert all(first.end + timedelta(days=1) == second.start for first, second in itertools.pairwise(periods))
    assert all(period.start <= period.end for period in periods)


@given(contracts())
def test_only_the_last_period_may_be_shorter(contract):
    periods, step = billing_periods(contract), MONTHS[contract.billing_frequency]
    assert [period.index for period in periods] == list(range(len(periods)))
    assert all(period.months == step for period in periods[:-1])
    assert 1 <= periods[-1].months <= step
    assert sum(period.months for period in periods) == contract.term_months


@given(contracts())
def test_a_period_is_due_on_its_first_day_or_on_the_day_after_its_last(contract):
    in_advance = contract.billing_timing == "in_advance"
    for period in billing_periods(contract):
        assert period.due_on == (period.start if in_advance else period.end + timedelta(days=1))


@settings(deadline=None)
@given(contracts())
def test_instalments_sum_to_the_value_of_each_line_in_each_contract_year(contract):
    parts = [instalments(contract, period) for period in billing_periods(contract)]
    digits, in_a_year = currency_digits(contract.currency), 12 // MONTHS[contract.billing_frequency]
    for first, number in itertools.product(range(0, len(parts), in_a_year), range(len(contract.lines))):
        line, year = contract.lines[number], [part[number] for part in parts[first : first + in_a_year]]
        months = min(12, contract.term_months - first * MONTHS[contract.billing_frequency])
        exact = Fraction(line.unit_price.amount) * Fraction(line.quantity) * months / 12
        gross = rounded_half_up(exact, digits)
        discount = rounded_half_up(Fraction(gross, 10**digits) * Fraction(contract.discount_percent) / 100, digits)
        assert sum(part.gross.minor for part in year) == gross
        assert sum(part.discount.minor for part in year) == discount


@settings(deadline=None)
@given(contracts())
def test_instalments_sum_to_the_value_of_the_contract(contract):
    parts = [part for period in billing_periods(contract) for part in instalments(contract, period)]
    assert total((part.net for part in parts), contract.currency) == contract_value(contract)


@settings(deadline=None)
@given(contracts())
def test_no_part_of_an_instalment_is_negative(contract):
    for period in billing_periods(contract):
        for part in instalments(contract, period):
            assert part.net.minor >= 0
            assert part.discount.minor >= 0
            assert part.gross.minor == part.net.minor + part.discount.minor


@settings(deadline=None)
@given(contracts(), st.integers(min_value=1, max_value=3))
def test_a_longer_term_does_not_change_what_whole_years_were_billed(contract, years):
    before, after = (replace(contract, term_months=12 * each) for each in (years, years + 1))
    for period in billing_periods(before):
        assert instalments(after, period) == instalments(before, period)


@given(contracts(), st.dates(min_value=date(2000, 1, 1), max_value=date(2045, 12, 31)))
def test_due_periods_only_grow_as_days_pass(contract, as_of):
    before, after = (
        due_periods(contract, as_of=day, since=date(2000, 1, 1)) for day in (as_of, as_of + timedelta(days=1))
    )
    assert after[: len(before)] == before
    assert all(period.due_on == as_of + timedelta(days=1) for period in after[len(before) :])


def test_worked_example(contract):
    periods = billing_periods(contract)
    assert [(str(period.start), str(period.end)) for period in periods] == [
        ("2026-01-01", "2026-03-31"),
        ("2026-04-01", "2026-06-30"),
        ("2026-07-01", "2026-09-30"),
        ("2026-10-01", "2026-12-31"),
    ]
    nets = [part.net for period in periods for part in instalments(contract, period)]
    assert nets == [from_minor(12_000_000, "USD")] * 4
    assert contract_value(contract) == annual_value(contract) == from_minor(48_000_000, "USD")


@pytest.mark.parametrize(
    ("start", "frequency", "expected"),
    [
        (date(2026, 1, 31), "monthly", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        (date(2024, 1, 31), "monthly", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        (date(2026, 8, 31), "quarterly", ["2026-08-31", "2026-11-30", "2027-02-28", "2027-05-31"]),
        (date(2024, 2, 29), "annual", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
    ],
)
def test_starts_at_the_end_of_a_month(contract, start, frequency, expected):
    term = len(expected) * MONTHS[frequency]
    assert starts(replace(contract, start_date=start, billing_frequency=frequency, term_months=term)) == expected


def test_a_stub_period_is_billed_by_its_months(contract):
    stub = replace(contract, term_months=14)
    periods = billing_periods(stub)
    assert [period.months for period in periods] == [3, 3, 3, 3, 2]
    assert str(periods[-1].end) == "2027-02-28"
    nets = [part.net.minor for period in periods for part in instalments(stub, period)]
    assert nets == [12_000_000] * 4 + [8_000_000]


def test_a_term_shorter_than_its_frequency_is_one_period(contract):
    short = replace(contract, term_months=2, billing_frequency="annual")
    (period,) = billing_periods(short)
    assert (str(period.end), period.months) == ("2026-02-28", 2)
    assert instalments(short, period)[0].net == from_minor(8_000_000, "USD")


def test_no_term_no_periods(contract):
    assert billing_periods(replace(contract, term_months=0)) == ()


def test_a_half_minor_unit_is_rounded_up(contract):
    line = replace(contract.lines[0], unit_price=Money(Decimal("0.03"), "USD"), quantity=Decimal(2))
    months = replace(contract, lines=(line,), term_months=11, billing_frequency="annual")
    assert contract_value(months) == from_minor(6, "USD")  # 0.06 x 11 / 12 is exactly 0.055, but 11 / 12 is not exact


def test_a_discount_never_leaves_a_negative_part(contract):
    line = replace(contract.lines[0], unit_price=Money(Decimal("6.86"), "JPY"))
    stub = replace(contract, lines=(line,), currency="JPY", term_months=7, discount_percent=Decimal(75))
    parts = [instalments(stub, period)[0] for period in billing_periods(stub)]
    assert sum(part.gross.minor for part in parts) == 4
    assert [part.net.minor for part in parts] == [1, 0, 0]


def test_a_discount_is_shown_beside_the_gross_amount(contract):
    discounted = replace(contract, discount_percent=Decimal("12.50"))
    (part,) = instalments(discounted, billing_periods(discounted)[0])
    assert (part.gross.minor, part.discount.minor, part.net.minor) == (12_000_000, 1_500_000, 10_500_000)


def test_annual_value_is_rounded_once_for_all_lines(contract):
    line = replace(contract.lines[0], unit_price=Money(Decimal("0.05"), "USD"))
    lines = (line, replace(line, line_id="2"))
    assert annual_value(replace(contract, lines=lines, discount_percent=Decimal(50))) == from_minor(5, "USD")


def test_annual_value_does_not_depend_on_the_term(contract):
    assert annual_value(replace(contract, term_months=36)) == from_minor(48_000_000, "USD")
    assert contract_value(replace(contract, term_months=36)) == from_minor(144_000_000, "USD")


@pytest.mark.parametrize(
    ("timing", "as_of", "due"),
    [
        ("in_advance", date(2025, 12, 31), []),
        ("in_advance", date(2026, 1, 1), ["2026-01-01"]),
        ("in_advance", date(2026, 3, 31), ["2026-01-01"]),
        ("in_advance", date(2026, 4, 1), ["2026-01-01", "2026-04-01"]),
        ("in_arrears", date(2026, 3, 31), []),
        ("in_arrears", date(2026, 4, 1), ["2026-01-01"]),
        ("in_arrears", date(2027, 1, 1), ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"]),
    ],
)
def test_due_in_advance_and_in_arrears(contract, timing, as_of, due):
    periods = due_periods(replace(contract, billing_timing=timing), as_of=as_of, since=date(2026, 1, 1))
    assert [str(period.start) for period in periods] == due


@pytest.mark.parametrize(
    ("timing", "since", "first"),
    [
        ("in_advance", date(2026, 4, 1), "2026-04-01"),
        ("in_advance", date(2026, 4, 2), "2026-07-01"),
        ("in_arrears", date(2026, 3, 31), "2026-01-01"),
        ("in_arrears", date(2026, 4, 1), "2026-04-01"),
    ],
)
def test_what_was_billed_before_the_hub_took_over_is_not_due(contract, timing, since, first):
    periods = due_periods(replace(contract, billing_timing=timing), as_of=date(2027, 1, 1), since=since)
    assert str(periods[0].start) == first


@pytest.mark.parametrize("status", ["draft", "ended"])
def test_only_active_contracts_are_billed(contract, status):
    assert due_periods(replace(contract, status=status), as_of=date(2027, 1, 1), since=date(2026, 1, 1)) == ()
