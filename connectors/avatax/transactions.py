"""AvaTax documents: what is asked, what is recorded, and how the two are compared.

A transaction is named by company, code and type. The type of a quote is the order form of the invoice's type, which AvaTax never records.
The hub's payload says beside AvaTax's own fields how much tax was invoiced (`EXPECTED_TAX`); that field is never sent.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.contract import Found, WriteError

EXPECTED_TAX = "expectedTax"
"""The hub's own field of a payload: the tax of the invoice, signed as the amounts are; missing where the document was not taxed before."""
_QUOTE_TYPES = {"ReturnInvoice": "ReturnOrder"}
_HEADER = ("code", "type", "date", "customerCode", "currencyCode", "purchaseOrderNo")
_LINE = {"number": "lineNumber", "amount": "lineAmount", "itemCode": "itemCode", "taxCode": "taxCode"}
_OPEN = {"Temporary", "Saved", "Posted"}
_COUNTED_OUT = {"Cancelled", "Adjusted"}


def quote(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A document to be calculated and not recorded."""
    return {**_theirs(payload), "type": _QUOTE_TYPES.get(str(payload.get("type")), "SalesOrder"), "commit": False}


def committed(key: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """A document as it shall stand committed under `key`."""
    return {**_theirs(payload), "code": key, "type": payload.get("type") or "SalesInvoice", "commit": True}


def saved(key: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The same document to be recorded without counting yet."""
    return {**committed(key, payload), "commit": False}


def tax_difference(payload: Mapping[str, Any], transaction: Mapping[str, Any]) -> WriteError | None:
    """The reason why a recorded transaction must not count: its tax is not the one that was invoiced.

    Args:
        payload: The hub's; without an expectation every tax is right.
        transaction: What AvaTax answered, with `status` and `totalTax`.
    """
    invoiced, theirs = payload.get(EXPECTED_TAX), transaction.get("totalTax")
    if invoiced is None or (theirs is not None and Decimal(invoiced) == Decimal(theirs)):
        return None
    currency, status = payload.get("currencyCode", ""), transaction.get("status")
    message = f"{invoiced} {currency} of tax were invoiced, AvaTax has {theirs} {currency} (document {status})"
    return WriteError(code="tax_differs", message=message, field="totalTax")


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


def is_counted(transaction: Mapping[str, Any]) -> bool:
    """Whether a listed transaction is one that is reported: neither open, nor voided, nor an earlier version."""
    return transaction.get("status") not in _OPEN | _COUNTED_OUT


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


def _theirs(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name != EXPECTED_TAX}


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, Decimal | int) and isinstance(theirs, Decimal | int):
        return Decimal(ours) == Decimal(theirs)
    return str(ours) == str(theirs)


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "")}
