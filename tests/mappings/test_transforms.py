"""Each named transform: what it gives, and what it refuses."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical_model.money import Money
from mappings.runtime.refusal import Refused
from mappings.runtime.transforms import TRANSFORMS

ALIASES = {"eire": "IE", "unspecified": None}

GIVES = [
    ("text", (" a ",), "a"),
    ("text", ("",), None),
    ("text", (7,), "7"),
    ("text", ("Zoë",), "Zoë"),
    ("decimal", (" 1.50 ",), Decimal("1.50")),
    ("decimal", ("1E+3",), Decimal(1000)),
    ("decimal", (3,), Decimal(3)),
    ("decimal", ("  ",), None),
    ("integer", ("12.0",), 12),
    ("boolean", (False,), False),
    ("boolean", ("TRUE",), True),
    ("date", ("2026-01-31",), date(2026, 1, 31)),
    ("date", (date(2026, 1, 31),), date(2026, 1, 31)),
    ("date_of_datetime", ("2010-12-01 23:59:59",), date(2010, 12, 1)),
    ("date_of_datetime", ("2026-01-10T23:30:00.000-0800",), date(2026, 1, 10)),
    ("date_of_unix_time", (1767225599,), date(2025, 12, 31)),
    ("date_of_unix_time", ("1767225600",), date(2026, 1, 1)),
    ("date_of_unix_time", (0,), date(1970, 1, 1)),
    ("iso_date", ("2026-01-31",), "2026-01-31"),
    ("read_money", ({"amount": "1.005", "currency": "USD"},), Money(Decimal("1.005"), "USD")),
    (
        "sum_of",
        ([{"tax": {"amount": "1.10", "currency": "USD"}}, {"tax": {"amount": 2, "currency": "USD"}}], "tax"),
        Decimal("3.10"),
    ),
    ("sum_of", ([], "tax"), Decimal(0)),
    ("upper", ("ny",), "NY"),
    ("lower", ("State",), "state"),
    ("strip", ("  ",), None),
    ("first_line", ("a\r\nb",), "a"),
    ("one_line", ("a\r\n\n b ",), "a, b"),
    ("letter_prefix", ("C536379",), "C"),
    ("letter_prefix", ("536379",), ""),
    ("format", ("7", "no. {}"), "no. 7"),
    ("truncate", ("abc def", 4), "abc"),
    ("at_most", ("abc", 3), "abc"),
    ("vat_id_normalise", ("de 123.456-789",), "DE123456789"),
    ("vat_id_normalise", ("16-1234567",), "16-1234567"),
    ("country_code", ("DE",), "DE"),
    ("country_from_name", ("eire", ALIASES), "IE"),
    ("country_from_name", ("Unspecified", ALIASES), None),
    ("country_from_name", ("germany", ALIASES), "DE"),
    ("currency_code", ("JPY",), "JPY"),
    ("money", (Decimal("1.5"), "EUR"), Money(Decimal("1.5"), "EUR")),
    ("amount", (Money(Decimal("1.5"), "EUR"),), Decimal("1.5")),
    ("major_units", (12960000, "USD"), Decimal("129600.00")),
    ("major_units", (-5, "eur"), Decimal("-0.05")),
    ("major_units", (1000, "jpy"), Decimal(1000)),
    ("major_units", (1000, "KWD"), Decimal("1.000")),
    ("minor_units", (Money(Decimal("1.5"), "EUR"),), 150),
    ("minor_units", (Money(Decimal(150), "JPY"),), 150),
    ("rounded", (Money(Decimal("1.005"), "EUR"), "half_up"), Money(Decimal("1.01"), "EUR")),
    ("rounded", (Money(Decimal("0.125"), "EUR"), "half_even"), Money(Decimal("0.12"), "EUR")),
    ("rounded", (Money(Decimal("1.5"), "JPY"), "half_even"), Money(Decimal(2), "JPY")),
    ("money_text", (Money(Decimal("129600"), "USD"),), "129,600.00 USD"),
    ("plain_number", (Decimal("17.50"),), "17.50"),
    ("negate", (Decimal(1),), Decimal(-1)),
    ("negate", (Money(Decimal(1), "USD"),), Money(Decimal(-1), "USD")),
    ("negate_when", (Decimal(1), True), Decimal(-1)),
    ("negate_when", (Decimal(1), False), Decimal(1)),
    ("absolute", (Decimal("-1.5"),), Decimal("1.5")),
    ("nonzero", (Decimal("0.00"),), None),
    ("nonzero", (Decimal(1),), Decimal(1)),
    ("percent_to_fraction", (Decimal("17.5"),), Decimal("0.175")),
    ("days_since", (date(2026, 2, 14), "2026-01-15"), 30),
    ("and", (True, False), False),
    ("and", (True, None), None),
]
REFUSES = [
    ("text", (True,)),
    ("text", (1.5,)),
    ("text", (["a"],)),
    ("text", ("a\x00b",)),
    ("text", ("\ud800",)),
    ("decimal", (0.1,)),
    ("decimal", (True,)),
    ("decimal", ("1,5",)),
    ("decimal", ("1_000",)),
    ("decimal", ("١",)),
    ("decimal", ("NaN",)),
    ("decimal", ("-Infinity",)),
    ("decimal", ("1e16",)),
    ("decimal", ("1e999999999",)),
    ("decimal", ("0.00000000001",)),
    ("integer", ("1.5",)),
    ("boolean", ("yes",)),
    ("boolean", (1,)),
    ("date", ("2026-02-30",)),
    ("date", ("20260131",)),
    ("date", ("2026-W05-1",)),
    ("date", ("2026-01-31T00:00:00",)),
    ("date_of_datetime", ("20260131T000000",)),
    ("date_of_unix_time", ("2026-01-31",)),
    ("date_of_unix_time", (1.5,)),
    ("date_of_unix_time", (10**13,)),
    ("read_money", ("1.00",)),
    ("read_money", ({"amount": "1"},)),
    ("read_money", ({"amount": "1", "currency": "XXY"},)),
    ("sum_of", ({}, "tax")),
    ("sum_of", ([{}], "tax")),
    ("sum_of", ([{"tax": {"amount": 1, "currency": "USD"}}, {"tax": {"amount": 1, "currency": "EUR"}}], "tax")),
    ("at_most", ("abcd", 3)),
    ("country_code", ("UK",)),
    ("country_from_name", ("Atlantis", ALIASES)),
    ("currency_code", ("USD\n",)),
    ("money", (Decimal(1), None)),
    ("money", (Decimal(1), "US$")),
    ("major_units", (1, None)),
    ("major_units", (1, "xxy")),
    ("minor_units", (Money(Decimal("1.505"), "EUR"),)),
    ("minor_units", (Money(Decimal("1.5"), "JPY"),)),
    ("days_since", (date(2026, 2, 14), "soon")),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), GIVES)
def test_gives(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    result = TRANSFORMS[name].function(*arguments)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(("name", "arguments"), REFUSES)
def test_refuses(name: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(Refused):
        TRANSFORMS[name].function(*arguments)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_nothing_stays_nothing(name: str) -> None:
    arguments = {"none": (), "length": (3,), "condition": (True,)}.get(TRANSFORMS[name].argument, ("x",))
    assert TRANSFORMS[name].function(None, *arguments) is None


def test_all_transforms_are_tried() -> None:
    assert {name for name, _, _ in GIVES} == set(TRANSFORMS)


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_minor_units_there_and_back_lose_nothing(minor: int, currency: str) -> None:
    whole = TRANSFORMS["major_units"].function(minor, currency.lower())
    assert TRANSFORMS["minor_units"].function(Money(whole, currency)) == minor
