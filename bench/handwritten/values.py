"""What the hand-written functions share: one small function for each kind of value, in plain Python.

Required values raise what Python raises for them (KeyError, TypeError, ValueError); optional ones give None for nothing and for blanks.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import iso4217
import pycountry
import yaml

from canonical_model.money import Money

Record = Mapping[str, Any]

CURRENCIES = frozenset(each.code for each in iso4217.Currency if each.exponent is not None)
COUNTRIES = frozenset(each.alpha_2 for each in pycountry.countries)

_VAT_ID = re.compile(r"[A-Z]{2}[0-9A-Z]", re.ASCII)
_NO_SEPARATORS = str.maketrans("", "", "./-")
_TABLES = Path(__file__).parents[2] / "mappings" / "tables"


def table(name: str, column: int = 0) -> dict[str, Any]:
    """One column of a lookup table of the mappings, by key."""
    rows = yaml.safe_load((_TABLES / f"{name}.yaml").read_text("utf-8"))["rows"]
    return {str(key): row[column] if isinstance(row, list) else row for key, row in rows.items()}


def text(value: str) -> str:
    """Required text, trimmed."""
    trimmed = value.strip()
    if not trimmed or "\0" in trimmed:  # which no database takes
        raise ValueError(f"no text: {value!r}")
    return trimmed


def optional_text(value: str | None) -> str | None:
    """Text, trimmed."""
    if not value:
        return None
    trimmed = value.strip()
    if "\0" in trimmed:
        raise ValueError(f"no text: {value!r}")
    return trimmed or None


def at_most(value: str, length: int) -> str:
    """Required text of a limited length."""
    trimmed = text(value)
    if len(trimmed) > length:
        raise ValueError(f"longer than {length}")
    return trimmed


def one_line(value: str) -> str:
    """Required text, its lines joined by commas."""
    lines = value.splitlines()
    if len(lines) == 1:
        return text(value)
    return text(", ".join([line.strip() for line in lines if line.strip()]))


def number(value: Any) -> Decimal:
    """An exact number."""
    if type(value) is float:
        raise TypeError("a float is not exact")
    return Decimal(value)


def whole(value: Any) -> int:
    """A whole number."""
    exact = number(value)
    result = int(exact)
    if result != exact:
        raise ValueError(f"not a whole number: {value!r}")
    return result


def boolean(value: Any) -> bool:
    """A JSON boolean."""
    if type(value) is not bool:
        raise TypeError(f"not a boolean: {value!r}")
    return value


def money(amount: Any, currency: str) -> Money:
    """An amount in a currency of ISO 4217."""
    if currency not in CURRENCIES:
        raise ValueError(f"unknown currency {currency!r}")
    return Money(number(amount), currency)


def amount(value: Record) -> Decimal:
    """The amount of canonical money."""
    if value["currency"] not in CURRENCIES:
        raise ValueError(f"unknown currency {value['currency']!r}")
    return number(value["amount"])


def canonical_money(value: Record) -> Money:
    """Canonical money."""
    return money(value["amount"], value["currency"])


def country(value: str) -> str:
    """A country of ISO 3166-1."""
    code = value.strip()
    if code not in COUNTRIES:
        raise ValueError(f"unknown country {value!r}")
    return code


def currency(value: str) -> str:
    """A currency of ISO 4217."""
    code = value.strip()
    if code not in CURRENCIES:
        raise ValueError(f"unknown currency {value!r}")
    return code


def day(value: str) -> str:
    """A day as ISO text, checked."""
    return date.fromisoformat(value).isoformat()


def optional_day(value: str | None) -> str | None:
    """A day as ISO text, checked."""
    return day(value) if value else None


def tax_id(value: str) -> str:
    """A tax registration without blanks, in capitals; a VAT id without separators."""
    compact = "".join(text(value).split()).upper()
    return compact.translate(_NO_SEPARATORS) if _VAT_ID.match(compact) else compact
