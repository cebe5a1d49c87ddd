"""Values the org works out itself: contract end, order product totals.

Source: Object Reference v60.0, Contract (`EndDate` is calculated from `StartDate` and
`ContractTerm`) and OrderItem (`TotalPrice` is `UnitPrice` x `Quantity`; `ListPrice` comes from the
price book entry).
"""

from calendar import monthrange
from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from typing import Any

Record = Mapping[str, Any]
Lookup = Callable[[str, str], Record | None]
"""Returns a record by object name and 18-character id."""


def derived_values(object_name: str, record: Record, changed: Collection[str], lookup: Lookup) -> dict[str, Any]:
    """Return the values that follow from a record's changed fields.

    Args:
        object_name: API name of the object.
        record: The record with the changes applied.
        changed: API names of the fields just written.
        lookup: Reads other records.
    """
    if object_name == "Contract":
        return _contract(record, changed)
    if object_name == "OrderItem":
        return _total(record, changed) | _from_entry(record, changed, lookup) | _from_order(record, changed, lookup)
    return {}


def _contract(record: Record, changed: Collection[str]) -> dict[str, Any]:
    start, term = record.get("StartDate"), record.get("ContractTerm")
    if not {"StartDate", "ContractTerm"} & set(changed):
        return {}
    return {"EndDate": _last_day(date.fromisoformat(start), term).isoformat() if start and term else None}


def _last_day(start: date, months: int) -> date:
    years, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, monthrange(years, month + 1)[1])
    return date(years, month + 1, day) - timedelta(days=1)


def _total(record: Record, changed: Collection[str]) -> dict[str, Any]:
    if not {"Quantity", "UnitPrice"} & set(changed):
        return {}
    return {"TotalPrice": record["Quantity"] * record["UnitPrice"]}


def _from_entry(record: Record, changed: Collection[str], lookup: Lookup) -> dict[str, Any]:
    entry = lookup("PricebookEntry", record["PricebookEntryId"]) if "PricebookEntryId" in changed else None
    return {"ListPrice": entry["UnitPrice"], "Product2Id": entry["Product2Id"]} if entry else {}


def _from_order(record: Record, changed: Collection[str], lookup: Lookup) -> dict[str, Any]:
    order = lookup("Order", record["OrderId"]) if "OrderId" in changed else None
    return {"CurrencyIsoCode": order["CurrencyIsoCode"]} if order else {}
