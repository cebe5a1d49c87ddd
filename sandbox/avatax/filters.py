"""The `$filter` parameter, as far as listing documents needs it.

Understood are comparisons of one field with a literal, joined by `and`:
`date ge '2026-01-01' and status eq 'Committed'`. Source: "Filtering in REST" of the AvaTax developer
guide; `or`, parentheses, `in`, `between` and the text searches are refused.
"""

import operator
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.avatax.errors import VendorError
from sandbox.storage import Body

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
TERM = re.compile(r"\s*(\w+)\s+(eq|ne|gt|ge|lt|le)\s+(?:'((?:[^']|'')*)'|(\S+))\s*", re.IGNORECASE)
JOIN = re.compile(r"and\s", re.IGNORECASE)
TEXT_FIELDS = ("code", "date", "status", "type", "customerCode", "currencyCode", "purchaseOrderNo", "modifiedDate")
NUMBER_FIELDS = ("id", "totalAmount", "totalTax", "totalTaxable", "version")
DEFAULT_DAYS = 30
"""Without a condition on `date` the vendor lists only this many days."""

Predicate = Callable[[Body], bool]


def parse_filter(text: str, as_of: date) -> Predicate:
    """Compile a filter.

    Raises:
        VendorError: The filter is malformed, or uses a field or form that is not understood.
    """
    terms = list(_terms(text)) if text.strip() else []
    if all(field != "date" for field, _ in terms):
        first = (as_of - timedelta(days=DEFAULT_DAYS)).isoformat()
        terms.append(("date", lambda model: str(model["date"]) >= first))
    return lambda model: all(test(model) for _, test in terms)


def _terms(text: str) -> Iterator[tuple[str, Predicate]]:
    position = 0
    while match := TERM.match(text, position):
        name, comparison, quoted, bare = match.groups()
        yield _term(name, comparison.lower(), quoted.replace("''", "'") if quoted is not None else bare)
        if match.end() == len(text):
            return
        join = JOIN.match(text, match.end())
        position = join.end() if join else len(text)
    raise VendorError(400, "MalformedFilterException", f"The filter {text!r} is not understood.")


def _term(name: str, comparison: str, literal: str) -> tuple[str, Predicate]:
    field = next((known for known in (*TEXT_FIELDS, *NUMBER_FIELDS) if known.lower() == name.lower()), None)
    if field is None:
        raise VendorError(400, "InvalidQueryField", f"Field {name} cannot be filtered.", refers_to=name)
    compare = OPERATORS[comparison]
    if field in NUMBER_FIELDS:
        number = _number(literal)
        return field, lambda model: compare(model[field], number)
    return field, lambda model: compare(str(model[field]), literal)


def _number(literal: str) -> Decimal:
    try:
        return Decimal(literal)
    except ArithmeticError:
        raise VendorError(400, "InvalidQueryValue", f"{literal} is not a number.") from None
