"""Money is exact: what goes in comes out, what is split sums to the whole, and what is inexact is refused."""

import itertools
import operator
from decimal import Decimal
from fractions import Fraction
from math import floor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical_model.codes import UnknownCodeError, currency_digits
from canonical_model.money import (
    CurrencyMismatchError,
    InexactAmountError,
    Money,
    Rounding,
    allocate,
    from_minor,
    total,
    zero,
)

DIGITS = {"JPY": 0, "USD": 2, "KWD": 3, "CLF": 4}
currencies = st.sampled_from(sorted(DIGITS))
minors = st.integers(min_value=-(10**18), max_value=10**18)
amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=8)
wholes = st.builds(from_minor, minors, currencies)
weights = st.lists(
    st.integers(min_value=0, max_value=10**6) | st.decimals(min_value=0, max_value=10**6, places=6),
    min_size=1,
    max_size=20,
).filter(any)


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


@given(minors, currencies)
def test_minor_units_come_back(minor, currency):
    money = from_minor(minor, currency)
    assert money.minor == minor
    assert money.is_exact
    assert -money.amount.as_tuple().exponent == DIGITS[currency]


@given(minors, currencies)
def test_json_comes_back(minor, currency):
    money = from_minor(minor, currency)
    assert msgspec.json.decode(msgspec.json.encode(money), type=Money) == money


@given(amounts, currencies)
def test_rounding_half_up_goes_away_from_zero(amount, currency):
    scaled = Fraction(amount) * 10 ** DIGITS[currency]
    expected = floor(abs(scaled) + Fraction(1, 2)) * (-1 if amount < 0 else 1)
    assert Money(amount, currency).rounded().minor == expected


@given(amounts, currencies)
def test_rounding_half_even_goes_to_the_even_neighbour(amount, currency):
    assert Money(amount, currency).rounded(Rounding.HALF_EVEN).minor == round(Fraction(amount) * 10 ** DIGITS[currency])


@given(amounts, currencies, st.sampled_from(Rounding))
def test_rounding_twice_changes_nothing(amount, currency, rounding):
    once = Money(amount, currency).rounded(rounding)
    assert once.is_exact
    assert once.rounded(rounding) == once


@pytest.mark.parametrize(
    ("amount", "rounding", "expected"),
    [
        ("0.125", Rounding.HALF_UP, "0.13"),
        ("0.125", Rounding.HALF_EVEN, "0.12"),
        ("-0.125", Rounding.HALF_UP, "-0.13"),
        ("-0.125", Rounding.HALF_EVEN, "-0.12"),
        ("0.1249999999", Rounding.HALF_UP, "0.12"),
    ],
)
def test_named_roundings(amount, rounding, expected):
    assert usd(amount).rounded(rounding) == usd(expected)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("0.005", "USD"), ("0.5", "JPY"), ("0.0001", "KWD"), ("-1.001", "USD"), ("1" + "0" * 40 + ".001", "USD")],
)
def test_more_decimals_than_the_currency_have_no_minor_units(amount, currency):
    money = Money(Decimal(amount), currency)
    assert not money.is_exact
    with pytest.raises(InexactAmountError, match=r"round it first"):
        _ = money.minor


@pytest.mark.parametrize(
    ("amount", "minor"), [("1.500", 150), ("1E+3", 100000), ("-0.00", 0), ("9" * 40 + ".99", int("9" * 42))]
)
def test_the_spelling_of_an_amount_does_not_matter(amount, minor):
    assert usd(amount).minor == minor
    assert usd(amount).is_exact


@pytest.mark.parametrize("amount", [1.5, 1, "1.50", None, Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")])
def test_only_finite_decimals_are_amounts(amount):
    with pytest.raises(InexactAmountError, match="not a finite decimal"):
        Money(amount, "USD")


@pytest.mark.parametrize("text", [b'"NaN"', b'"Infinity"', b'"-Infinity"'])
def test_json_with_no_number_is_refused(text):
    with pytest.raises(msgspec.ValidationError, match="not a finite decimal"):
        msgspec.json.decode(b'{"amount":' + text + b',"currency":"USD"}', type=Money)


def test_a_json_number_is_read_digit_for_digit():
    assert msgspec.json.decode(b'{"amount":0.1,"currency":"USD"}', type=Money) == usd("0.1")


@pytest.mark.parametrize("combine", [operator.add, operator.sub, operator.gt, operator.lt])
def test_two_currencies_do_not_mix(combine):
    with pytest.raises(CurrencyMismatchError, match="are of different currencies"):
        combine(usd("1.00"), Money(Decimal(1), "JPY"))


def test_two_unknown_currencies_do_not_mix_either():
    with pytest.raises(CurrencyMismatchError, match=r"1\.5 DEM and 1\.00 USD are of"):
        _ = Money(Decimal("1.5"), "DEM") + usd("1.00")


def test_a_float_is_no_factor():
    with pytest.raises(TypeError):
        _ = usd("1.00") * 0.5  # type: ignore[operator]


def test_arithmetic():
    assert usd("1.10") + usd("2.20") == usd("3.30")
    assert usd("1.10") - usd("2.20") == -usd("1.10")
    assert usd("1.10") * 3 == usd("3.30")
    assert usd("1.10") * Decimal("0.5") == usd("0.55")
    assert usd("1.00") / 8 == usd("0.125")
    assert usd("2.00") > usd("1.00")
    assert not usd("1.00") > usd("1.00")
    assert hash(usd("1.0")) == hash(usd("1.00"))


@given(amounts, st.integers(min_value=1, max_value=10**6), currencies)
def test_a_quotient_of_a_multiple_is_exact(amount, number, currency):
    assert Money(amount, currency) * number / number == Money(amount, currency)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (usd("129600"), "129,600.00 USD"),
        (usd("-1234567.8"), "-1,234,567.80 USD"),
        (usd("0.0335"), "0.0335 USD"),
        (Money(Decimal(1200), "JPY"), "1,200 JPY"),
        (Money(Decimal("1E+3"), "KWD"), "1,000.000 KWD"),
        (Money(Decimal("1.5"), "DEM"), "1.5 DEM"),
    ],
)
def test_words_for_people(money, text):
    assert str(money) == text


@pytest.mark.parametrize("currency", ["DEM", "usd", "USD\n", ""])
def test_unknown_currencies_have_no_minor_units(currency):
    with pytest.raises(UnknownCodeError):
        from_minor(1, currency)
    with pytest.raises(UnknownCodeError):
        zero(currency)
    with pytest.raises(UnknownCodeError):
        Money(Decimal(1), currency).rounded()


@given(st.lists(minors, max_size=20), currencies)
def test_a_total_is_the_sum_of_minor_units(parts, currency):
    assert total((from_minor(part, currency) for part in parts), currency).minor == sum(parts)


def test_the_total_of_nothing_is_nothing():
    assert total((), "KWD") == zero("KWD") == Money(Decimal("0.000"), "KWD")


def test_a_total_takes_one_currency():
    with pytest.raises(CurrencyMismatchError):
        total([usd("1.00")], "EUR")


@given(wholes, weights)
def test_a_split_sums_to_the_whole(whole, weights):
    parts = allocate(whole, weights)
    assert len(parts) == len(weights)
    assert total(parts, whole.currency) == whole


@given(wholes, weights)
def test_no_part_is_a_minor_unit_off_its_share(whole, weights):
    unit = Fraction(1, 10 ** DIGITS[whole.currency])
    everything = sum(map(Fraction, weights))
    for part, weight in zip(allocate(whole, weights), weights, strict=True):
        share = Fraction(whole.amount) * Fraction(weight) / everything
        assert abs(Fraction(part.amount) - share) < unit


@given(wholes, weights)
def test_a_split_of_the_negative_is_the_negative_split(whole, weights):
    assert allocate(-whole, weights) == tuple(-part for part in allocate(whole, weights))


@given(wholes, weights)
def test_no_part_has_the_other_sign_and_no_weight_has_no_part(whole, weights):
    for part, weight in zip(allocate(whole, weights), weights, strict=True):
        assert part.minor * whole.minor >= 0
        assert weight or part.minor == 0


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=1, max_value=36), currencies)
def test_of_equal_weights_the_earlier_part_gets_the_odd_unit(minor, count, currency):
    parts = [part.minor for part in allocate(from_minor(minor, currency), [1] * count)]
    assert all(first >= second for first, second in itertools.pairwise(parts))
    assert max(parts) - min(parts) <= 1


@pytest.mark.parametrize(
    ("whole", "weights", "expected"),
    [
        (usd("480000.00"), [3, 3, 3, 3], ["120000.00"] * 4),
        (usd("100.00"), [1, 1, 1], ["33.34", "33.33", "33.33"]),
        (usd("-100.00"), [1, 1, 1], ["-33.34", "-33.33", "-33.33"]),
        (usd("0.01"), [1, 2], ["0.00", "0.01"]),
        (usd("1.00"), [Decimal("1E+28"), 1], ["1.00", "0.00"]),
        (usd("1.00"), [Decimal("1E-30"), 1], ["0.00", "1.00"]),
    ],
)
def test_known_splits(whole, weights, expected):
    assert allocate(whole, weights) == tuple(usd(part) for part in expected)


@pytest.mark.parametrize("weights", [[], [0], [0, Decimal(0)], [1, -1], [2, -1], [-1, -1]])
def test_weights_that_describe_no_split(weights):
    with pytest.raises(ValueError, match="do not describe a split"):
        allocate(usd("1.00"), weights)


def test_only_whole_minor_units_can_be_split():
    with pytest.raises(InexactAmountError):
        allocate(usd("0.005"), [1, 1])


def test_the_digits_above_are_those_of_the_code_list():
    assert {code: currency_digits(code) for code in DIGITS} == DIGITS
