"""Code lists know what is current, spelled exactly, and nothing else."""

from datetime import date

import iso4217
import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical_model.codes import (
    UnknownCodeError,
    country_name,
    currency_digits,
    in_eu_vat_area,
    is_country,
    is_currency,
)

NO_CURRENCIES = [
    "",
    "usd",
    "USD\n",
    " USD",
    "USDX",
    "US",
    "840",
    "US Dollar",
    "DEM",
    "HRK",
    "XXX",
    "XTS",
    "XAU",
    "ＵＳＤ",
]
ANY_DAY = date(2026, 1, 15)


@pytest.mark.parametrize(("code", "digits"), [("JPY", 0), ("USD", 2), ("EUR", 2), ("GBP", 2), ("KWD", 3), ("CLF", 4)])
def test_currency_digits(code, digits):
    assert currency_digits(code) == digits
    assert is_currency(code)


@pytest.mark.parametrize("code", NO_CURRENCIES)
def test_what_is_no_currency(code):
    assert not is_currency(code)
    with pytest.raises(UnknownCodeError, match="is not a currency of ISO 4217"):
        currency_digits(code)


@given(st.text(max_size=4))
def test_any_text_is_a_currency_or_not(text):
    assert is_currency(text) == (
        text in {currency.code for currency in iso4217.Currency if currency.exponent is not None}
    )


@pytest.mark.parametrize(("code", "name"), [("US", "United States"), ("DE", "Germany"), ("JP", "Japan")])
def test_country_name(code, name):
    assert country_name(code) == name
    assert is_country(code)


@pytest.mark.parametrize("code", ["", "us", "USA", "UK", "EL", "XI", "EU", "XX", "US\n", "DÉ", "840"])
def test_what_is_no_country(code):
    assert country_name(code) is None
    assert not is_country(code)


@pytest.mark.parametrize(
    ("country", "day", "member"),
    [
        ("DE", date(2004, 5, 1), True),
        ("DE", ANY_DAY, True),
        ("GB", date(2010, 12, 1), True),
        ("GB", date(2020, 12, 31), True),
        ("GB", date(2021, 1, 1), False),
        ("HR", date(2013, 6, 30), False),
        ("HR", date(2013, 7, 1), True),
        ("BG", date(2006, 12, 31), False),
        ("BG", date(2007, 1, 1), True),
        ("RO", date(2007, 1, 1), True),
        ("GR", ANY_DAY, True),
        ("EL", ANY_DAY, False),
        ("XI", ANY_DAY, False),
        ("CH", ANY_DAY, False),
        ("NO", ANY_DAY, False),
        ("US", ANY_DAY, False),
        ("", ANY_DAY, False),
    ],
)
def test_membership_of_the_eu_vat_area(country, day, member):
    assert in_eu_vat_area(country, day) == member


@pytest.mark.parametrize(
    ("day", "members"),
    [
        (date(2004, 5, 1), 25),
        (date(2006, 12, 31), 25),
        (date(2007, 1, 1), 27),
        (date(2013, 7, 1), 28),
        (date(2020, 12, 31), 28),
        (date(2021, 1, 1), 27),
    ],
)
def test_number_of_members(day, members):
    assert sum(in_eu_vat_area(country.alpha_2, day) for country in pycountry.countries) == members
