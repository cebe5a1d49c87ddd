"""Values the org works out itself: contract end, line totals, what a stage means.

Source: Object Reference v60.0, Contract (`EndDate` is calculated from `StartDate` and
`ContractTerm`), OrderItem and OpportunityLineItem (`TotalPrice` is `UnitPrice` x `Quantity`, less
`Discount`; `ListPrice` comes from the price book entry), Opportunity (`IsClosed`, `IsWon` and
`ForecastCategory` follow from `StageName`, so does a `Probability` that is not given) and
OpportunityStage (the stages of a new org). Not modelled: that an opportunity's `Amount` becomes the
sum of its lines when one of them is saved.
"""

from calendar import monthrange
from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Record = Mapping[str, Any]
Lookup = Callable[[str, str], Record | None]
"""Returns a record by object name and 18-character id."""

PARENTS = {"OrderItem": ("Order", "OrderId"), "OpportunityLineItem": ("Opportunity", "OpportunityId")}
"""Object and field of the record that a line belongs to, by the object of the line."""

_STAGES = {
    "Qualification": (Decimal(10), "Pipeline"),
    "Proposal/Price Quote": (Decimal(75), "Pipeline"),
    "Negotiation/Review": (Decimal(90), "Pipeline"),
    "Closed Won": (Decimal(100), "Closed"),
    "Closed Lost": (Decimal(0), "Omitted"),
}
"""Probability and forecast category by stage."""


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
    if object_name == "Opportunity":
        return _stage(record, changed)
    if object_name in PARENTS:
        parent_object, field = PARENTS[object_name]
        parent = lookup(parent_object, record[field]) if field in changed else None
        return _total(record, changed) | _from_entry(record, changed, lookup) | _currency(parent)
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


def _stage(record: Record, changed: Collection[str]) -> dict[str, Any]:
    if "StageName" not in changed or record["StageName"] is None:
        return {}
    probability, category = _STAGES[record["StageName"]]
    stage = {"IsClosed": category in ("Closed", "Omitted"), "IsWon": category == "Closed"}
    given = {} if "Probability" in changed else {"Probability": probability}
    return {**stage, **given, "ForecastCategory": category}


def _total(record: Record, changed: Collection[str]) -> dict[str, Any]:
    if not {"Quantity", "UnitPrice", "Discount"} & set(changed):
        return {}
    kept = 100 - (record.get("Discount") or 0)
    return {"TotalPrice": record["Quantity"] * record["UnitPrice"] * kept / 100}


def _from_entry(record: Record, changed: Collection[str], lookup: Lookup) -> dict[str, Any]:
    entry = lookup("PricebookEntry", record["PricebookEntryId"]) if "PricebookEntryId" in changed else None
    return {"ListPrice": entry["UnitPrice"], "Product2Id": entry["Product2Id"]} if entry else {}


def _currency(parent: Record | None) -> dict[str, Any]:
    return {"CurrencyIsoCode": parent["CurrencyIsoCode"]} if parent else {}
