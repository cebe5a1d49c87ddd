"""What the direct functions call, beside the transforms: each answers for what is ordinary and raises one of `UNUSUAL` for anything else."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from canonical_model.codes import countries, currencies
from canonical_model.money import Money, major
from mappings.runtime.arithmetic import added, multiplied, subtracted
from mappings.runtime.functions import as_list, choose, find, is_present, ordered, required, scoped
from mappings.runtime.readers import LIMIT, date_, decimal, exact, iso_date
from mappings.runtime.records import Mapped
from mappings.runtime.refusal import UNUSUAL, Unusual

_LONGEST, _MOST = 32, 10_000


class Remembered(dict[Any, Any]):
    """What a reader gives for texts that come again and again, such as days. One that is not there is read first, and kept.

    Args:
        reader: Gives the same result for the same value, and raises for what it cannot take.
    """

    def __init__(self, reader: Callable[[Any], Any]) -> None:
        super().__init__()
        self._reader = reader

    def __missing__(self, value: Any) -> Any:
        """Read a value, and keep what is short."""
        result = self._reader(value)
        if type(value) is str and len(value) <= _LONGEST:  # other types may equal each other and yet read differently
            if len(self) >= _MOST:
                self.clear()
            self[value] = result
        return result


def in_order(items: Sequence[Any], key: str) -> list[Any]:
    """Items by the text under one key, which each must have."""
    text_of = itemgetter(key)
    "".join(map(text_of, items))  # raises for what is not text
    return sorted(items, key=text_of)


def money_sum(items: Sequence[Any], field: str) -> Decimal:
    """What `sum_of` gives for a list of money in one currency."""
    if type(items) not in (list, tuple):
        raise Unusual
    sum_, currency = Decimal(0), None
    for item in items:
        money = item[field]
        currency = currency or money["currency"]
        if money["currency"] != currency or currency not in currencies():
            raise Unusual
        sum_ += number(money["amount"])
    return sum_


def number(value: Any) -> Decimal:
    """What `decimal` gives for a value that must be there."""
    read = exact(value) if type(value) is Decimal else decimal(value)
    if read is None or not read.is_finite():
        raise Unusual
    return read


NOTHING: Mapping[str, Any] = {}
"""Stands for an object that the source leaves out."""

_FUNCTIONS = (
    added,
    subtracted,
    multiplied,
    as_list,
    choose,
    find,
    scoped,
    is_present,
    ordered,
    required,
    in_order,
    money_sum,
)
PROVIDED: Mapping[str, Any] = {function.__name__: function for function in _FUNCTIONS} | {
    "NOTHING": NOTHING,
    "Mapped": Mapped,
    "UNUSUAL": UNUSUAL,
    "Unusual": Unusual,
    "Decimal": Decimal,
    "Money": Money,
    "major": major,
    "UTC": UTC,
    "datetime": datetime,
    "exact": exact,
    "LIMIT": LIMIT,
    "days": Remembered(date_),
    "iso_days": Remembered(iso_date),
    "countries": countries(),
    "currencies": currencies(),
}
"""What the generated code may name, beside the transforms and constants of its mapping."""
