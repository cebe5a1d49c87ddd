"""AvaTax documents: what is asked, what is recorded, and how the two are compared.

A transaction is named by company, code and type. The type of a quote is the order form of the invoice's type, which AvaTax never records.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.contract import Found

_QUOTE_TYPES = {"ReturnInvoice": "ReturnOrder"}
_HEADER = ("code", "type", "date", "customerCode", "currencyCode", "purchaseOrderNo")
_LINE = {"number": "lineNumber", "amount": "lineAmount", "itemCode": "itemCode", "taxCode": "taxCode"}
_OPEN = {"Temporary", "Saved", "Posted"}


def quote(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A document to be calculated and not recorded."""
    return {**payload, "type": _QUOTE_TYPES.get(str(payload.get("type")), "SalesOrder"), "commit": False}


def committed(key: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """A document to be recorded and committed under `key`."""
    return {**payload, "code": key, "type": payload.get("type") or "SalesInvoice", "commit": True}


def found(key: str, company: str, transaction: Mapping[str, Any]) -> Found:
    """A recorded transaction in the shape we write; `commit` is false for one that was voided."""
    status = str(transaction.get("status"))
    header = {name: transaction.get(name) for name in _HEADER}
    payload = {"companyCode": company, **header, "commit": status == "Committed"}
    payload["lines"] = [
        _given({ours: line.get(theirs) for ours, theirs in _LINE.items()}) for line in transaction.get("lines") or ()
    ]
    return Found(
        key=key,
        native_id=str(transaction["id"]),
        payload=_given(payload),
        answer=answer(transaction),
        complete=status not in _OPEN,
    )


def answer(transaction: Mapping[str, Any]) -> dict[str, Any]:
    """What is worth keeping of AvaTax's answer to a write."""
    return {name: transaction.get(name) for name in ("status", "totalAmount", "totalTax")}


def differences(written: Mapping[str, Any], recorded: Mapping[str, Any]) -> list[str]:
    """Where a recorded transaction (as `found` shows it) is not what we write, as `field: ours, theirs`; amounts by value."""
    names = [name for name in recorded if name in written and name != "lines"]
    texts = [f"{name}: {written[name]}, {recorded[name]}" for name in names if not _same(written[name], recorded[name])]
    ours, theirs = written.get("lines", ()), recorded["lines"]
    if len(ours) != len(theirs):
        return [*texts, f"lines: {len(ours)}, {len(theirs)}"]
    for line, other in zip(ours, theirs, strict=True):
        shared = [name for name in other if name in line and not _same(line[name], other[name])]
        texts += [f"line {other.get('number')} {name}: {line[name]}, {other[name]}" for name in shared]
    return texts


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, Decimal | int) and isinstance(theirs, Decimal | int):
        return Decimal(ours) == Decimal(theirs)
    return str(ours) == str(theirs)


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "")}
