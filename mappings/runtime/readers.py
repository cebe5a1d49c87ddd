"""Transforms that turn a raw JSON value into a typed one.

Every transform gives None for "nothing there" (None, blank text) and raises `Refused` for what it cannot take. Nothing is guessed: a
float, a wrong type or an unknown spelling is refused, never rounded or dropped.
"""

from datetime import UTC, date, datetime
from decimal import Clamped, Context, Decimal, FloatOperation, InvalidOperation, Overflow, Rounded
from typing import Any

from canonical_model.codes import is_currency
from canonical_model.money import Money
from mappings.runtime.records import shown
from mappings.runtime.refusal import Refused

_WHOLE_DIGITS, _FRACTION_DIGITS = (
    15,
    10,
)  # together less than the 28 digits of Decimal arithmetic, so that it stays exact
LIMIT = 10**_WHOLE_DIGITS
"""What whole numbers must stay below, and above with a minus sign."""

exact = Context(
    prec=_FRACTION_DIGITS + 1,
    Emin=0,
    Emax=_FRACTION_DIGITS,
    clamp=1,
    traps=[Clamped, FloatOperation, InvalidOperation, Overflow, Rounded],
).create_decimal
"""A number of at most 11 digits, 10 of them after the point, at the price of `Decimal`; any other raises, but for NaN and infinity.

Such are nearly all numbers that come. The context refuses what `decimal` refuses or spells otherwise: blanks, underscores, more digits, a
power of ten.
"""


def text(value: Any) -> str | None:
    """Text without surrounding blanks; whole numbers are taken as written. Blank text is nothing."""
    if type(value) is int:
        return str(value) if -LIMIT < value < LIMIT else str(decimal(value))
    if value is None:
        return None
    if type(value) is str:
        trimmed = value.strip()
        if not trimmed.isascii() or "\x00" in trimmed:
            _require_storable(trimmed)
        return trimmed or None
    raise Refused(f"must be text, not {_kind(value)}")


def decimal(value: Any) -> Decimal | None:
    """An exact number of at most 15 digits before and 10 after the point, from text, a whole number or a Decimal."""
    if value is None:
        return None
    if type(value) is int and -LIMIT < value < LIMIT:
        return Decimal(value)
    if type(value) is Decimal or (type(value) is str and value.isascii()):
        try:
            number = exact(value)
            if number.is_finite():
                return number
        except ArithmeticError:
            pass
    return _any_decimal(value)


def integer(value: Any) -> int | None:
    """A whole number; `12.0` counts as whole."""
    if type(value) is int and -LIMIT < value < LIMIT:
        return value
    if type(value) is str and value.isdecimal() and value.isascii() and len(value) <= _WHOLE_DIGITS:
        return int(value)
    number = decimal(value)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise Refused("must be a whole number")
    return int(number)


def boolean(value: Any) -> bool | None:
    """True or false, as JSON or as these words."""
    if value is None or type(value) is bool:
        return value
    word = text(value)
    if word is None:
        return None
    if word.lower() not in ("true", "false"):
        raise Refused("must be true or false")
    return word.lower() == "true"


def date_(value: Any) -> date | None:
    """A day written as `2026-01-31`, or a date."""
    if type(value) is date:
        return value
    written = text(value)
    if written is None:
        return None
    try:
        return date.fromisoformat(_day_first(written) if len(written) == len("2026-01-31") else "")
    except ValueError:
        raise Refused("must be a day written as 2026-01-31") from None


def date_of_datetime(value: Any) -> date | None:
    """The day of a timestamp as written there; no change of time zone."""
    written = text(value)
    if written is None:
        return None
    try:
        return datetime.fromisoformat(_day_first(written)).date()
    except ValueError:
        raise Refused("must be a timestamp written as 2026-01-31 08:26:00") from None


def date_of_unix_time(value: Any) -> date | None:
    """The day, in UTC, of a moment counted in seconds since 1970."""
    seconds = integer(value)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).date()
    except (ValueError, OverflowError, OSError):
        raise Refused("is no moment of the calendar, in seconds since 1970") from None


def iso_date(value: Any) -> str | None:
    """A day as ISO text."""
    day = date_(value)
    return None if day is None else day.isoformat()


def read_money(value: Any) -> Money | None:
    """Money from its canonical JSON shape, an object of `amount` and `currency`."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Refused(f"must be an object of amount and currency, not {_kind(value)}")
    amount, currency = decimal(value.get("amount")), text(value.get("currency"))
    if amount is None or currency is None:
        raise Refused("money needs both amount and currency")
    if not is_currency(currency):
        raise Refused(f"{shown(currency)} is not a currency of ISO 4217")
    return Money(amount, currency)


def sum_of(value: Any, field: str) -> Decimal | None:
    """The exact sum of one money field over a list of objects, without its currency; 0 for an empty list."""
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        raise Refused(f"must be a list, not {_kind(value)}")
    amounts = [read_money(item.get(field)) if isinstance(item, dict) else None for item in value]
    if any(amount is None for amount in amounts):
        raise Refused(f"each item needs {field} with amount and currency")
    if len({amount.currency for amount in amounts if amount}) > 1:
        raise Refused(f"the items' {field} are of different currencies")
    return sum((amount.amount for amount in amounts if amount), Decimal(0))


def _day_first(written: str) -> str:
    """The text, if it begins with a calendar day; ISO 8601 has other spellings (`2026W051`) that are more likely a mistake here."""
    return written if written[4:5] == "-" == written[7:8] else ""


def _any_decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool | float) or not isinstance(value, str | int | Decimal):
        raise Refused(f"must be an exact number, not {_kind(value)}")
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        if not value.isascii() or "_" in value:
            raise Refused("is not a number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Refused("is not a number") from None
    return _bounded(number)


def _bounded(number: Decimal) -> Decimal:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise Refused("is not a finite number")
    if exponent < -_FRACTION_DIGITS or number.adjusted() >= _WHOLE_DIGITS:
        raise Refused(f"has more than {_WHOLE_DIGITS} digits before or {_FRACTION_DIGITS} after the point")
    return number if exponent <= 0 else number.quantize(Decimal(1))


def _require_storable(value: str) -> None:
    if "\x00" in value:
        raise Refused("holds a NUL character, which no database takes")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refused("holds half a surrogate pair, which is not text") from None


def _kind(value: object) -> str:
    names: dict[type, str] = {bool: "a boolean", float: "a binary floating-point number", int: "a whole number"}
    names |= {str: "text", Decimal: "a decimal number"}
    return names.get(type(value)) or shown(value)
