"""The named transforms of the language with the types they take and give. There is no way to write one in a mapping file."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from mappings.runtime import readers, refiners

Argument = Literal["none", "path", "condition", "length", "pattern", "field", "currency", "table", "rounding"]


class Transform(msgspec.Struct, frozen=True):
    """One named transform.

    Attributes:
        function: Takes the value and the argument, if any.
        gives: Type of the result by type of the value; `json` is a raw source value.
        argument: What it is configured with.
    """

    function: Callable[..., Any]
    gives: Mapping[str, str]
    argument: Argument = "none"


_TEXT, _DECIMAL, _MONEY = {"text": "text"}, {"decimal": "decimal"}, {"money": "money"}

TRANSFORMS: Mapping[str, Transform] = {
    # from raw values
    "text": Transform(readers.text, {"json": "text", "integer": "text"}),
    "decimal": Transform(readers.decimal, {"json": "decimal", "text": "decimal", "integer": "decimal"}),
    "integer": Transform(readers.integer, {"json": "integer", "text": "integer", "decimal": "integer"}),
    "boolean": Transform(readers.boolean, {"json": "boolean", "text": "boolean"}),
    "date": Transform(readers.date_, {"json": "date", "text": "date"}),
    "date_of_datetime": Transform(readers.date_of_datetime, {"json": "date", "text": "date"}),
    "date_of_unix_time": Transform(readers.date_of_unix_time, {"json": "date", "integer": "date"}),
    "iso_date": Transform(readers.iso_date, {"json": "text", "text": "text", "date": "text"}),
    "read_money": Transform(readers.read_money, {"json": "money"}),
    "sum_of": Transform(readers.sum_of, {"json": "decimal"}, "field"),
    # text
    "upper": Transform(refiners.upper, _TEXT),
    "lower": Transform(refiners.lower, _TEXT),
    "strip": Transform(refiners.strip, _TEXT),
    "first_line": Transform(refiners.first_line, _TEXT),
    "one_line": Transform(refiners.one_line, _TEXT),
    "letter_prefix": Transform(refiners.letter_prefix, _TEXT),
    "format": Transform(refiners.format_, _TEXT, "pattern"),
    "truncate": Transform(refiners.truncate, _TEXT, "length"),
    "at_most": Transform(refiners.at_most, _TEXT, "length"),
    # codes
    "vat_id_normalise": Transform(refiners.vat_id_normalise, _TEXT),
    "country_code": Transform(refiners.country_code, _TEXT),
    "country_from_name": Transform(refiners.country_from_name, _TEXT, "table"),
    "currency_code": Transform(refiners.currency_code, _TEXT),
    # numbers and money
    "money": Transform(refiners.money, {"decimal": "money"}, "currency"),
    "amount": Transform(refiners.amount, {"money": "decimal"}),
    "rounded": Transform(refiners.rounded, _MONEY, "rounding"),
    "major_units": Transform(refiners.major_units, {"integer": "decimal"}, "currency"),
    "minor_units": Transform(refiners.minor_units, {"money": "integer"}),
    "money_text": Transform(refiners.money_text, {"money": "text"}),
    "plain_number": Transform(refiners.plain_number, {"decimal": "text"}),
    "negate": Transform(refiners.negate, _DECIMAL | _MONEY),
    "negate_when": Transform(refiners.negate_when, _DECIMAL | _MONEY, "condition"),
    "absolute": Transform(refiners.absolute, _DECIMAL),
    "nonzero": Transform(refiners.nonzero, _DECIMAL),
    "percent_to_fraction": Transform(refiners.percent_to_fraction, _DECIMAL),
    # dates and booleans
    "days_since": Transform(refiners.days_since, {"date": "integer"}, "path"),
    "and": Transform(refiners.and_, {"boolean": "boolean"}, "path"),
}
