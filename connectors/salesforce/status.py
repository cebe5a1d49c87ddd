"""Billing status written back to contracts: who is the newer, and what becomes of one update.

A status is fields of a contract, not a record of its own, so a repeated write has no second effect. An older status that comes late must not
overwrite a newer one: it is confirmed as superseded without writing.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.contract import Outcome, WriteError, WriteRequest

STATUS_FIELDS = (
    "Billing_Status__c",
    "Last_Invoice_Number__c",
    "Last_Invoice_Total__c",
    "Last_Invoice_Date__c",
    "Billed_Through__c",
)
_ORDER_FIELDS = ("Last_Invoice_Date__c", "Billed_Through__c")
_PASSING = {"UNABLE_TO_LOCK_ROW", "REQUEST_LIMIT_EXCEEDED"}


def number_of(request: WriteRequest) -> str:
    """The contract a request is about."""
    return str(request.payload.get("ContractNumber", ""))


def rounds(requests: Sequence[WriteRequest]) -> list[list[WriteRequest]]:
    """The requests in rounds that name each contract once, in their order: a collection may not hold a record twice."""
    result: list[list[WriteRequest]] = []
    seen: dict[str, int] = {}
    for request in requests:
        turn = seen.get(number_of(request), 0)
        seen[number_of(request)] = turn + 1
        if turn == len(result):
            result.append([])
        result[turn].append(request)
    return result


def is_superseded(payload: Mapping[str, Any], standing: Mapping[str, Any]) -> bool:
    """Whether what stands in Salesforce is newer: by invoice date, then by the day billed through."""
    return any(
        payload.get(field) and standing.get(field) and payload[field] < standing[field] for field in _ORDER_FIELDS
    )


def record(contract_id: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The update of one contract; every field of the payload but the number that found it."""
    fields = {name: value for name, value in payload.items() if name != "ContractNumber"}
    return {"attributes": {"type": "Contract"}, "id": contract_id, **fields}


def agrees(payload: Mapping[str, Any], standing: Mapping[str, Any]) -> bool:
    """Whether what stands in Salesforce is what the payload says; amounts by value."""
    return all(_same(value, standing.get(name)) for name, value in payload.items())


def saved(key: str, contract_id: str, result: Mapping[str, Any]) -> Outcome:
    """The outcome of one SaveResult; a locked row certainly was not changed and may be tried again."""
    if result.get("success"):
        return Outcome(key=key, state="confirmed", native_id=contract_id)
    errors = result.get("errors") or [{}]
    fields = errors[0].get("fields") or []
    error = WriteError(
        code=str(errors[0].get("statusCode", "UNKNOWN")),
        message=str(errors[0].get("message", "no reason given")),
        field=fields[0] if fields else None,
    )
    return Outcome(key=key, state="pending" if error.code in _PASSING else "rejected", error=error)


def superseded(key: str, contract_id: str) -> Outcome:
    """The outcome of a status older than the one that stands."""
    return Outcome(key=key, state="confirmed", native_id=contract_id, answer={"superseded": True})


def unknown_contract(key: str, number: str) -> Outcome:
    """The outcome for a contract that the org does not have."""
    error = WriteError(
        code="unknown_contract", message=f"no Contract has ContractNumber {number!r}", field="ContractNumber"
    )
    return Outcome(key=key, state="rejected", error=error)


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, Decimal | int) and isinstance(theirs, Decimal | int):
        return Decimal(ours) == Decimal(theirs)
    return bool(ours == theirs)
