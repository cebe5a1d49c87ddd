"""Adding, upserting and deleting records.

Rules of the operations: NetSuite help, "upsert" (section_N3532463) and "upsertList" (section_N3533243):
an upsert needs an external id and must not carry an internal one; fields that are not sent keep their
value, `nullFieldList` empties fields, a sublist that is sent replaces the stored one.
"""

from typing import Any

from sandbox.netsuite.books import FAMILIES, FAMILY_OF, Books
from sandbox.netsuite.plan import Body, Plan
from sandbox.netsuite.posting import ZERO, post, unpost
from sandbox.netsuite.records import TYPE_OF, WRITABLE
from sandbox.netsuite.records.settlement import payment_state
from sandbox.netsuite.reference import Ref
from sandbox.netsuite.refusal import RefusedError

SUBLISTS = ("itemList", "applyList", "lineList", "addressbookList", "currencyList")
COMPUTED = frozenset(
    {
        "createdDate",
        "dateCreated",
        "lastModifiedDate",
        "status",
        "amountPaid",
        "amountRemaining",
        "currencyName",
        "applied",
        "unapplied",
    }
)
"""Header fields only the system sets; what a client sends for them is ignored, as at the vendor."""

CONTROL = ("subTotal", "taxTotal", "total")
"""Totals the system computes; one that is sent is compared and then forgotten."""

PREFIXES = {"invoice": "INV", "creditMemo": "CM", "customerPayment": "PMT", "journalEntry": "JE"}


def write(books: Books, type_name: str, sent: Body, *, upsert: bool) -> Body:
    """Add or upsert one record.

    Args:
        books: Where to write.
        type_name: The contract's type, e.g. "Invoice".
        sent: The record as decoded.
        upsert: Whether an existing record of this external id is updated; else it is a duplicate.

    Returns:
        The record as it is stored now.

    Raises:
        RefusedError: The record is not acceptable; nothing was written.
    """
    record = WRITABLE.get(type_name)
    if record is None:
        raise RefusedError("INSUFFICIENT_PERMISSION", f"You do not have permission to write a {type_name} record.")
    stored = _stored(books, record.kind, sent, upsert=upsert)
    _check_sublists(sent)
    if stored is not None and record.kind != "customer":
        books.open_day(stored["tranDate"])
    plan = record.plan(books, _merge(stored, sent))
    return _save(books, record.kind, plan, stored)


def _stored(books: Books, kind: str, sent: Body, *, upsert: bool) -> Body | None:
    external_id = sent.get("externalId")
    if "internalId" in sent:
        raise RefusedError("USER_ERROR", f"You cannot set internalId with {'upsert' if upsert else 'add'}.")
    if not external_id:
        if upsert:
            raise RefusedError("USER_ERROR", "This operation requires a value for externalId.")
        return None
    holder = books.holder_of(external_id, kind)
    if holder is None:
        return None
    if not upsert or holder[0] != kind:
        raise RefusedError("DUP_RCRD", f"This record already exists: {holder[0]} with external id {external_id}")
    return holder[1]


def _check_sublists(sent: Body) -> None:
    for name in SUBLISTS:
        if sent.get(name, {}).get("replaceAll") is False:
            raise RefusedError("FEATURE_DISABLED", f"{name}: replaceAll=false is not spoken by this stand-in.")


def _merge(stored: Body | None, sent: Body) -> Body:
    kept = {name: value for name, value in (stored or {}).items() if name not in CONTROL}
    new = {name: value for name, value in sent.items() if name not in COMPUTED and not name.startswith("$")}
    for name in new.pop("nullFieldList", {}).get("name", ()):
        kept.pop(name, None)
        new.pop(name, None)
    return kept | new


def _save(books: Books, kind: str, plan: Plan, stored: Body | None) -> Body:
    family = FAMILY_OF[kind]
    internal_id = stored["internalId"] if stored else str(books.storage.next_id(family))
    stamp = books.stamp()
    body = plan.body | {"internalId": internal_id, "lastModifiedDate": stamp}
    body.setdefault("dateCreated" if family == "entity" else "createdDate", stamp)
    if kind in PREFIXES:
        body.setdefault("tranId", f"{PREFIXES[kind]}{internal_id}")
    if plan.entry is not None:
        unpost(books.storage, body)
        body["_glLines"] = post(books.storage, body, kind, plan.entry)
    _put(books, kind, body)
    for invoice in plan.invoices.values():
        _put(books, "invoice", invoice | {"lastModifiedDate": stamp})
    return body


def _put(books: Books, kind: str, body: Body) -> None:
    external_id = body.get("externalId")
    books.storage.put(kind, body["internalId"], body, external_id.lower() if external_id else None)


def delete(books: Books, ref: dict[str, Any]) -> Body:
    """Delete one transaction and its ledger lines.

    Raises:
        RefusedError: It does not exist, may not be deleted, or something depends on it.
    """
    kind = str(ref.get("type", ""))
    if kind not in FAMILIES["transaction"] or kind == "salesOrder":
        raise RefusedError("INSUFFICIENT_PERMISSION", f"You do not have permission to delete a {kind} record.")
    body = existing(books, kind, ref)
    if kind == "invoice" and body["amountPaid"]:
        raise RefusedError("CANT_DELETE_CHILD_RCRD_FOUND", f"Payments are applied to invoice {body['tranId']}.")
    books.open_day(body["tranDate"])
    for invoice_id, amount in body.get("_applied", {}).items():
        _free(books, invoice_id, amount)
    unpost(books.storage, body)
    books.storage.delete(kind, body["internalId"])
    return body


def _free(books: Books, invoice_id: str, amount: Any) -> None:
    if invoice := books.storage.get("invoice", invoice_id):
        state = payment_state(invoice["total"], invoice.get("amountPaid", ZERO) - amount)
        _put(books, "invoice", invoice | state | {"lastModifiedDate": books.stamp()})


def existing(books: Books, kind: str, ref: Ref) -> Body:
    """Return the record of a reference.

    Raises:
        RefusedError: Its type is not known here, or there is none.
    """
    if kind not in TYPE_OF:
        raise RefusedError("INVALID_RCRD_TYPE", f"The record type {kind or '(none)'} is not valid here.")
    body = books.find(kind, ref)
    if body is None:
        raise RefusedError("RCRD_DSNT_EXIST", "That record does not exist.")
    return body
