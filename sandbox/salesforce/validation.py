"""What the org checks of a record's values before it saves them.

Codes: Object Reference and SOAP API Developer Guide v60.0, "Core Data Types", `StatusCode`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.salesforce.answers import ApiError, double_text
from sandbox.salesforce.ids import normalise
from sandbox.salesforce.schema import ID_TYPES, NUMBER_TYPES, TEXT_TYPES, Field, ObjectType

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_DATETIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)")


def read_values(target: ObjectType, raw: Mapping[str, Any]) -> dict[Field, Any]:
    """Match the keys of a JSON record with the object's fields and read the values.

    Args:
        target: The object the record belongs to.
        raw: The JSON record; `attributes` and nested parent objects are left out.

    Raises:
        ApiError: `INVALID_FIELD` for an unknown key, `JSON_PARSER_ERROR` for a value of the wrong type.
    """
    values = {}
    for name, value in raw.items():
        if name == "attributes" or target.parent_field(name):
            continue
        spec = target.field(name)
        if spec is None:
            raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {target.api_name}")
        values[spec] = read_value(spec, value)
    return values


def read_value(spec: Field, value: Any) -> Any:
    """Turn a JSON value into the stored form of a field.

    Stored forms: text, bool, int, Decimal, `YYYY-MM-DD`, and datetimes in UTC as the org writes
    them. Empty text is null.

    Raises:
        ApiError: `JSON_PARSER_ERROR`, as for any value the org's JSON reader cannot turn into the type.
    """
    if value in (None, "") and spec.type != "boolean":
        return None
    try:
        return _READERS[spec.type](value)
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise _unreadable(spec, value) from error


def check_value(spec: Field, value: Any) -> None:
    """Hold a stored value against the field's length, picklist, form and range.

    Digits right of the point beyond `scale` are kept: the org enforces the scale in its own pages
    only, not in the API (knowledge article 000387302).

    Raises:
        ApiError: With the org's code for what is wrong.
    """
    if value is None:
        return
    if spec.length and len(value) > spec.length:
        message = f"{spec.label}: data value too large: {value} (max length={spec.length})"
        raise ApiError(400, "STRING_TOO_LONG", message, (spec.name,))
    check = _CHECKS.get(spec.type)
    if check:
        check(spec, value)


def check_writable(spec: Field, *, creating: bool) -> None:
    """Refuse a value for a field that only the system sets.

    Raises:
        ApiError: `INVALID_FIELD_FOR_INSERT_UPDATE`.
    """
    if spec.read_only or (spec.master and not creating):
        message = (
            f"Unable to create/update fields: {spec.name}. Please check the security settings of this field "
            "and verify that it is read/write for your profile or permission set."
        )
        raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, (spec.name,))


def check_required(target: ObjectType, record: Mapping[str, Any]) -> None:
    """Refuse a record that lacks a required value.

    Raises:
        ApiError: `REQUIRED_FIELD_MISSING`, naming all that is missing.
    """
    missing = [name for name, spec in target.fields.items() if spec.required and record.get(name) is None]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise ApiError(400, "REQUIRED_FIELD_MISSING", message, tuple(missing))


def read_datetime(text: str) -> str:
    """Turn an ISO 8601 datetime with a zone into the org's form, `2026-01-15T00:00:01.000+0000`.

    Raises:
        ValueError: Not a datetime, or without a zone.
    """
    if not _DATETIME.fullmatch(text):
        raise ValueError(text)
    return datetime_text(datetime.fromisoformat(text))


def datetime_text(moment: datetime) -> str:
    """Write an aware datetime as the org does, in UTC with milliseconds."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _read_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[_read_text(value).lower()]


def _read_decimal(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError(value)
    if not _NUMBER.fullmatch(str(value)):
        raise ValueError(value)
    return Decimal(value)


def _read_int(value: Any) -> int:
    number = _read_decimal(value)
    if number != number.to_integral_value():
        raise ValueError(value)
    return int(number)


def _read_date(value: Any) -> str:
    if not _DATE.fullmatch(_read_text(value)):
        raise ValueError(value)
    return date.fromisoformat(value).isoformat()


_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(TEXT_TYPES | ID_TYPES, _read_text),
    **dict.fromkeys(NUMBER_TYPES, _read_decimal),
    "boolean": _read_boolean,
    "int": _read_int,
    "date": _read_date,
    "datetime": lambda value: read_datetime(_read_text(value)),
}


def _unreadable(spec: Field, value: Any) -> ApiError:
    token = _TOKENS.get(type(value), "VALUE_NUMBER_FLOAT")
    shown = f" value {value}" if isinstance(value, str | int | Decimal) else ""
    # The org names the place in the text; a stand-in that reads the whole text first has none.
    message = (
        f"Cannot deserialize instance of {spec.type} from {token}{shown} or request may be missing "
        "a required field at [line:1, column:1]"
    )
    return ApiError(400, "JSON_PARSER_ERROR", message)


_TOKENS: dict[type, str] = {
    str: "VALUE_STRING",
    int: "VALUE_NUMBER_INT",
    bool: "VALUE_TRUE",
    type(None): "VALUE_NULL",
    list: "START_ARRAY",
    dict: "START_OBJECT",
}


def _check_email(spec: Field, value: str) -> None:
    if not _EMAIL.fullmatch(value):
        message = f"{spec.label}: invalid email address: {value}"
        raise ApiError(400, "INVALID_EMAIL_ADDRESS", message, (spec.name,))


def _check_picklist(spec: Field, value: str) -> None:
    if not spec.open and value not in spec.values:
        message = f"{spec.label}: bad value for restricted picklist field: {value}"
        raise ApiError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (spec.name,))


def _check_range(spec: Field, value: Decimal) -> None:
    if abs(value) >= Decimal(10) ** (spec.precision - spec.scale):
        message = f"{spec.label}: value outside of valid range on numeric field: {double_text(value)}"
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", message, (spec.name,))


def _check_int(spec: Field, value: int) -> None:
    if not -(2**31) <= value < 2**31:
        message = f"{spec.label}: value outside of valid range on numeric field: {value}"
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", message, (spec.name,))


def _check_id(spec: Field, value: str) -> None:
    if normalise(value) is None:
        message = f"{spec.label}: id value of incorrect type: {value}"
        raise ApiError(400, "MALFORMED_ID", message, (spec.name,))


_CHECKS: dict[str, Callable[[Field, Any], None]] = {
    **dict.fromkeys(NUMBER_TYPES, _check_range),
    "email": _check_email,
    "picklist": _check_picklist,
    "int": _check_int,
    "reference": _check_id,
}
