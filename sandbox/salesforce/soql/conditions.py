"""Conditions of a query as functions on records.

Meaning: SOQL and SOSL Reference v60.0, "Comparison Operators" (text compares without regard to
case; `!=` and `NOT IN` also match null) and "Condition Expression Syntax".
"""

import operator
import re
from collections.abc import Callable
from datetime import date
from typing import Any

from sandbox.salesforce.answers import ApiError
from sandbox.salesforce.ids import normalise
from sandbox.salesforce.schema import ID_TYPES, NUMBER_TYPES, TEXT_TYPES, Field
from sandbox.salesforce.soql.errors import PlacedError, malformed
from sandbox.salesforce.soql.paths import BoundPath, Lookup, Record, comparable
from sandbox.salesforce.soql.syntax import Combination, Comparison, Condition, Membership, Not, Path, Value
from sandbox.salesforce.validation import read_datetime

Test = Callable[[Record, Lookup], bool]
"""Says whether a record meets a condition."""

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LITERAL_KINDS: dict[str, str] = {
    **dict.fromkeys(TEXT_TYPES | ID_TYPES, "string"),
    **dict.fromkeys(NUMBER_TYPES | {"int"}, "number"),
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
}
_TYPE_NAMES = {"datetime": "dateTime", "id": "ID", "reference": "ID"}
_LIKE_PARTS = re.compile(r"\\[_%]|[_%]|[^_%\\]+|\\")


def compile_condition(condition: Condition, bind: Callable[[Path], BoundPath]) -> Test:
    """Turn a condition into a function.

    Args:
        condition: The parsed condition.
        bind: Resolves a path of the query.

    Raises:
        PlacedError: A name the org does not have, or a literal of the wrong type.
        ApiError: `INVALID_QUERY_FILTER_OPERATOR` for text that is no record id.
    """
    if isinstance(condition, Combination):
        tests = [compile_condition(part, bind) for part in condition.conditions]
        together = all if condition.operator == "AND" else any
        return lambda record, lookup: together(test(record, lookup) for test in tests)
    if isinstance(condition, Not):
        inner = compile_condition(condition.condition, bind)
        return lambda record, lookup: not inner(record, lookup)
    if isinstance(condition, Membership):
        return _membership(condition, bind(condition.path))
    return _comparison(condition, bind(condition.path))


def literal(spec: Field, value: Value, path: Path) -> Any:
    """Return a literal in the form in which the field's values compare.

    Raises:
        PlacedError: `INVALID_FIELD`, a literal of another type.
        ApiError: `INVALID_QUERY_FILTER_OPERATOR`, not a record id.
    """
    if value.kind == "null":
        return None
    if value.kind != _LITERAL_KINDS[spec.type]:
        raise _wrong_type(spec, path)
    if spec.type in ID_TYPES:
        return _record_id(str(value.value))
    if spec.type in ("date", "datetime"):
        return _moment(spec, str(value.value), path)
    return comparable(spec, _without_like_escapes(value.value))


def _moment(spec: Field, text: str, path: Path) -> str:
    try:
        return read_datetime(text) if spec.type == "datetime" else date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise malformed(f"invalid {spec.type}: {text}", path.position) from error


def _comparison(condition: Comparison, path: BoundPath) -> Test:
    if condition.operator == "LIKE":
        return _like(condition, path)
    wanted = literal(path.field, condition.value, condition.path)
    if condition.operator in ("=", "!="):
        equal = condition.operator == "="
        return lambda record, lookup: (path.comparable(record, lookup) == wanted) is equal
    return _ordered(_ORDERS[condition.operator], path, wanted)


def _ordered(compare: Callable[[Any, Any], bool], path: BoundPath, wanted: Any) -> Test:
    def test(record: Record, lookup: Lookup) -> bool:
        value = path.comparable(record, lookup)
        return value is not None and wanted is not None and compare(value, wanted)

    return test


def _membership(condition: Membership, path: BoundPath) -> Test:
    wanted = frozenset(literal(path.field, value, condition.path) for value in condition.values)
    return lambda record, lookup: (path.comparable(record, lookup) in wanted) is not condition.negated


def _like(condition: Comparison, path: BoundPath) -> Test:
    if path.field.type not in TEXT_TYPES or condition.value.kind != "string":
        message = f"invalid operator on {path.field.type} field"
        raise PlacedError("INVALID_QUERY_FILTER_OPERATOR", message, condition.path.position)
    pattern = re.compile(_like_pattern(str(condition.value.value)), re.IGNORECASE | re.DOTALL)
    return lambda record, lookup: pattern.fullmatch(path.value(record, lookup) or "") is not None


def _like_pattern(text: str) -> str:
    wildcards = {"%": ".*", "_": "."}
    parts = _LIKE_PARTS.findall(text)
    return "".join(wildcards.get(part) or re.escape(_without_like_escapes(part)) for part in parts)


def _without_like_escapes(value: Any) -> Any:
    return re.sub(r"\\([_%])", r"\1", value) if isinstance(value, str) else value


def _record_id(text: str) -> str:
    long_id = normalise(text)
    if long_id is None:
        raise ApiError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
    return long_id


def _wrong_type(spec: Field, path: Path) -> PlacedError:
    quotes = "should be enclosed" if _LITERAL_KINDS[spec.type] == "string" else "should not be enclosed"
    name = _TYPE_NAMES.get(spec.type, spec.type)
    message = f"value of filter criterion for field '{spec.name}' must be of type {name} and {quotes} in quotes"
    return PlacedError("INVALID_FIELD", message, path.position)
