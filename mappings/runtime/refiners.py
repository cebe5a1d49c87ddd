"""Transforms from one typed value to another. None, "nothing there", passes through all of them."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeVar

import pycountry

from canonical_model.codes import is_country, is_currency
from canonical_model.money import InexactAmountError, Money, Rounding, major
from mappings.runtime.readers import boolean, date_, text
from mappings.runtime.records import shown
from mappings.runtime.refusal import Refused

_VAT_PREFIX = re.compile(r"[A-Z]{2}[0-9A-Z]", re.ASCII)
_VAT_SEPARATORS = str.maketrans("", "", "./-")
_LEADING_LETTERS = re.compile(r"[A-Za-z]*", re.ASCII)

ROUNDINGS = {rounding.name.lower(): rounding for rounding in Rounding}
"""Named rounding policies, as mapping files write them."""

Amount = TypeVar("Amount", Decimal, Money)


def upper(value: str | None) -> str | None:
    """Capital letters."""
    return value and value.upper()


def lower(value: str | None) -> str | None:
    """Small letters."""
    return value and value.lower()


def strip(value: str | None) -> str | None:
    """Without surrounding blanks; nothing when nothing is left."""
    return (value and value.strip()) or None


def vat_id_normalise(value: str | None) -> str | None:
    """A tax registration without blanks, in capitals; a VAT id (two letters first) also without dots, hyphens and slashes."""
    if value is None:
        return None
    compact = "".join(value.split()).upper()
    return compact.translate(_VAT_SEPARATORS) if _VAT_PREFIX.match(compact) else compact


def first_line(value: str | None) -> str | None:
    """The first line of several; what follows is dropped, so use `one_line` where it matters."""
    return (value and (value.splitlines() or [""])[0].strip()) or None


def one_line(value: str | None) -> str | None:
    """All lines joined by `, `; nothing is lost."""
    lines = value.splitlines() if value else []
    return ", ".join([stripped for line in lines if (stripped := line.strip())]) or None


def letter_prefix(value: str | None) -> str | None:
    """The letters an identifier begins with, `C` of `C536379`; empty text when it begins with a digit."""
    if value is None or value < "A":  # the digits come before the letters
        return value and ""
    found = _LEADING_LETTERS.match(value)
    return found.group() if found else ""


def country_code(value: str | None) -> str | None:
    """An ISO 3166-1 alpha-2 code, checked."""
    if value is not None and not is_country(value):
        raise Refused("is not a country code of ISO 3166-1 alpha-2")
    return value


def currency_code(value: str | None) -> str | None:
    """An ISO 4217 code, checked."""
    if value is not None and not is_currency(value):
        raise Refused("is not a currency of ISO 4217")
    return value


def country_from_name(value: str | None, aliases: Mapping[str, str | None]) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country's name: first by a table of aliases, then by the standard's names.

    Names that the table declares to be no one country give nothing. Capital and small letters are the same.
    """
    if value is None:
        return None
    name = value.casefold()
    return aliases[name] if name in aliases else _country_of(name)


def format_(value: str | None, pattern: str) -> str | None:
    """The value in place of `{}` in a pattern."""
    return None if value is None else pattern.replace("{}", value)


def truncate(value: str | None, length: int) -> str | None:
    """At most so many characters, for descriptions only."""
    return None if value is None else value[:length].rstrip()


def at_most(value: str | None, length: int) -> str | None:
    """Refuse text that is longer than the target holds, for identifiers."""
    if value is not None and len(value) > length:
        raise Refused(f"has {len(value)} characters; the target holds {length}")
    return value


def money(value: Decimal | None, currency: Any) -> Money | None:
    """Money of a currency that stands beside the amount (a path) or is fixed (`code`)."""
    return None if value is None else Money(value, _known_currency(text(currency), currency))


def major_units(value: int | None, currency: Any) -> Decimal | None:
    """An amount from its minor units in the currency's ISO 4217 precision: 12.34 for 1234 cents, 1234 for as many yen.

    The code may be in small letters. Where a system counts a currency otherwise than ISO 4217, the mapping must refuse that currency, by a table.
    """
    if value is None:
        return None
    return major(value, _known_currency((text(currency) or "").upper(), currency))


def amount(value: Money | None) -> Decimal | None:
    """The amount without its currency."""
    return None if value is None else value.amount


def minor_units(value: Money | None) -> int | None:
    """Whole minor units in the currency's ISO 4217 precision (cents for USD, yen for JPY)."""
    try:
        return None if value is None else value.minor
    except InexactAmountError as error:
        raise Refused(str(error)) from None


def money_text(value: Money | None) -> str | None:
    """For people: `129,600.00 USD`."""
    return None if value is None else str(value)


def plain_number(value: Decimal | None) -> str | None:
    """A number as plain text, digits as given, without an exponent."""
    return None if value is None else format(value, "f")


def negate(value: Amount | None) -> Amount | None:
    """The sign turned."""
    return None if value is None else -value


def negate_when(value: Amount | None, condition: bool) -> Amount | None:
    """The sign turned where the condition holds."""
    return negate(value) if condition else value


def absolute(value: Decimal | None) -> Decimal | None:
    """Without its sign."""
    return None if value is None else abs(value)


def nonzero(value: Decimal | None) -> Decimal | None:
    """Nothing for zero, for targets that want the field left out."""
    return value or None


def percent_to_fraction(value: Decimal | None) -> Decimal | None:
    """A rate of 0-100 as a fraction of 0-1."""
    return None if value is None else value.scaleb(-2)


def days_since(value: date | None, start: Any) -> int | None:
    """Days from another day of the record to this one."""
    first = None if value is None else date_(start)
    return None if value is None or first is None else (value - first).days


def and_(value: bool | None, other: Any) -> bool | None:
    """True only if another boolean of the record is true as well."""
    second = None if value is None else boolean(other)
    return None if value is None or second is None else value and second


def rounded(value: Money | None, rounding: str) -> Money | None:
    """The amount in the precision of its currency, by a named policy: `half_up` or `half_even`."""
    try:
        return None if value is None else value.rounded(ROUNDINGS[rounding])
    except InvalidOperation:  # of Decimal, whose arithmetic has 28 digits
        raise Refused("has more than 28 digits in the precision of its currency, so it cannot be rounded") from None


def _known_currency(code: str | None, written: Any) -> str:
    if code is None or not is_currency(code):
        raise Refused(f"has currency {shown(written)}, which ISO 4217 does not hold")
    return code


@lru_cache(maxsize=1024)
def _country_of(name: str) -> str:
    try:
        return str(pycountry.countries.lookup(name).alpha_2)
    except LookupError:
        raise Refused("is not a known country; add the name to mappings/tables/country_name.yaml") from None
