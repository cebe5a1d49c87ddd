"""Payloads into values that the SOAP library renders, and records back into payloads.

A payload has the schema's own field names, Decimals for numbers, ISO dates, references such as `{"externalId": ..}` and sublists such as
`{"itemList": {"item": [..]}}`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

# Vendor type names by entity, in platform.coreTypes.xsd's spelling of the record type.
TYPES = {
    "customer": "Customer",
    "invoice": "Invoice",
    "creditMemo": "CreditMemo",
    "journalEntry": "JournalEntry",
    "customerPayment": "CustomerPayment",
}

_ITEM = frozenset({"item", "line", "quantity", "rate", "amount", "description", "taxRate1", "tax1Amt", "taxCode"})
_TRANSACTION = frozenset(
    {"entity", "tranDate", "tranId", "subsidiary", "currency", "exchangeRate", "memo", "customFieldList"}
)
_SALE = _TRANSACTION | {"otherRefNum", "startDate", "endDate", "location", "department", "class"}
WRITTEN: Mapping[str, frozenset[str]] = {
    "customer": frozenset(
        {
            "entityId",
            "isPerson",
            "companyName",
            "email",
            "phone",
            "subsidiary",
            "currency",
            "vatRegNumber",
            "accountNumber",
            "terms",
            "isInactive",
        }
        | {"comments", "addressbookList", "customFieldList"}
    ),
    "invoice": _SALE | {"dueDate", "terms", "billingAddress", "itemList", "account"},
    "creditMemo": _SALE | {"createdFrom", "billingAddress", "itemList", "applyList", "account"},
    "journalEntry": _TRANSACTION | {"lineList", "reversalDate"},
    "customerPayment": (_TRANSACTION - {"entity"})
    | {"customer", "payment", "applyList", "account", "checkNum", "arAcct", "autoApply"},
}
_WRITTEN_LINES: Mapping[str, frozenset[str]] = {
    "itemList": _ITEM,
    "lineList": frozenset({"account", "debit", "credit", "memo", "entity", "department", "location", "class"}),
    "applyList": frozenset({"apply", "doc", "amount"}),
    "addressbookList": frozenset({"defaultBilling", "defaultShipping", "label", "addressbookAddress"}),
}
_MOMENTS = frozenset({"createdDate", "lastModifiedDate"})
_HALF_A_DAY = timedelta(hours=12, microseconds=-1)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_REFERENCE = frozenset({"internalId", "externalId"})

CustomField = Callable[[Mapping[str, Any]], Any]


def to_vendor(value: Any, custom_field: CustomField, name: str = "") -> Any:
    """A payload's value as the SOAP library takes it; `name` is the field it stands in.

    A date becomes noon UTC, which is that day in every time zone an integration user may prefer between UTC-12 and UTC+12 (NetSuite Help,
    "Datetime Fields": time and zone of the value decide which day is stored).

    Raises:
        TypeError: A number is a float, or a custom field has a value of no known kind.
    """
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        raise TypeError(f"{name} is the float {value!r}; amounts must be decimals")
    if isinstance(value, Mapping):
        if name == "customFieldList":
            return {"customField": [custom_field(field) for field in value["customField"]]}
        return {key: to_vendor(item, custom_field, key) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [to_vendor(item, custom_field, name) for item in value]
    if name.endswith("Date") and isinstance(value, str):
        return _noon(value)
    return value


def _noon(text: str) -> str:
    return f"{date.fromisoformat(text[:10]).isoformat()}T12:00:00.000Z"


def to_plain(value: Any, name: str = "") -> Any:
    """A record as plain values: empty fields left out, numbers as Decimals, dates and times as ISO text.

    NetSuite's `double` fields are decimal text on the wire; the shortest text of the parsed number gives it back exactly up to 15 digits.

    Args:
        value: A record turned into dictionaries.
        name: The field it stands in.
    """
    if isinstance(value, dict):
        fields = {key: to_plain(item, key) for key, item in value.items()}
        return {key: item for key, item in fields.items() if item is not None and item != {}}
    if isinstance(value, list):
        return [to_plain(item, name) for item in value]
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, datetime):
        return _day(value) if name.endswith("Date") and name not in _MOMENTS else value.isoformat()
    return _rate(value) if name == "rate" else value


def _day(value: datetime) -> str:
    """The day whose midnight, in a time zone we are not told, is this moment: the nearest one in UTC (as `to_vendor`, within twelve hours)."""
    moment = value.astimezone(UTC) + _HALF_A_DAY if value.tzinfo else value
    return moment.date().isoformat()


def _rate(value: Any) -> Any:
    """A rate is text in the schema, because it may be a percentage."""
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def written(entity: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A plain record without the fields that we never write."""
    return {name: _lines(name, value) for name, value in record.items() if name in WRITTEN[entity]}


def without_open_rows(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A plain record whose list of applied documents has only those that it settles: rows that are not ticked are offers to do so."""
    if "applyList" not in record:
        return record
    rows = [row for row in record["applyList"].get("apply", ()) if row.get("apply")]
    return {**record, "applyList": {**record["applyList"], "apply": rows}}


def _lines(name: str, value: Any) -> Any:
    if name in _WRITTEN_LINES and isinstance(value, Mapping):
        kept = _WRITTEN_LINES[name]
        return {
            sublist: [{key: _reference(item) for key, item in line.items() if key in kept} for line in lines]
            for sublist, lines in value.items()
            if isinstance(lines, list)
        }
    return _reference(value)


def _reference(value: Any) -> Any:
    """A reference without the name that NetSuite adds to it."""
    if isinstance(value, Mapping) and _REFERENCE & value.keys():
        return {key: item for key, item in value.items() if key in _REFERENCE}
    return value
