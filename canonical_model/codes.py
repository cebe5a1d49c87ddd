"""Code lists: currencies (ISO 4217), countries (ISO 3166-1) and the memberships that decide tax treatment."""

from datetime import date
from functools import lru_cache

import iso4217
import pycountry

_EU_2004 = frozenset(
    [
        "AT",
        "BE",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "SE",
        "SI",
        "SK",
    ]
)
# Council accession and withdrawal treaties: (country, first day, first day after membership).
_EU_CHANGES = {
    "BG": (date(2007, 1, 1), date.max),
    "RO": (date(2007, 1, 1), date.max),
    "HR": (date(2013, 7, 1), date.max),
    "GB": (date(1973, 1, 1), date(2021, 1, 1)),  # VAT territory until the end of the transition period
}


class UnknownCodeError(ValueError):
    """A code that its code list does not hold."""


@lru_cache(maxsize=512)
def currency_digits(code: str) -> int:
    """Decimals of a currency (0 for JPY, 2 for USD, 3 for KWD, 4 for CLF).

    Raises:
        UnknownCodeError: `code` is not an active ISO 4217 currency with a minor unit.
    """
    try:
        digits = iso4217.Currency(code).exponent
    except ValueError:
        digits = None
    if digits is None:
        raise UnknownCodeError(f"{code!r} is not a currency of ISO 4217 with a minor unit")
    return int(digits)


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    """The codes of all currencies that `is_currency` knows."""
    return frozenset(str(each.code) for each in iso4217.Currency if is_currency(each.code))


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """The codes of all countries that `is_country` knows."""
    return frozenset(str(each.alpha_2) for each in pycountry.countries)


def is_currency(code: str) -> bool:
    """Whether `code` is an active ISO 4217 currency with a minor unit."""
    try:
        currency_digits(code)
    except UnknownCodeError:
        return False
    return True


def is_country(code: str) -> bool:
    """Whether `code` is an ISO 3166-1 alpha-2 country."""
    return country_name(code) is not None


@lru_cache(maxsize=512)
def country_name(code: str) -> str | None:
    """English short name of an ISO 3166-1 alpha-2 country, or None for an unknown code."""
    country = pycountry.countries.get(alpha_2=code) if len(code) == 2 and code.isupper() else None
    return None if country is None else str(country.name)


def in_eu_vat_area(country: str, on: date) -> bool:
    """Whether a country belonged to the VAT area of the European Union on a day (the United Kingdom until 2020-12-31).

    Args:
        country: ISO 3166-1 alpha-2. Northern Ireland (`XI`) and Greece's tax prefix (`EL`) are not in ISO 3166-1.
        on: From 2004-05-01; earlier accessions are not told apart.
    """
    if country in _EU_CHANGES:
        since, until = _EU_CHANGES[country]
        return since <= on < until
    return country in _EU_2004
