"""Payments and credit memos applied to invoices."""

from collections.abc import Mapping
from decimal import Decimal

from sandbox.netsuite.books import Books
from sandbox.netsuite.money import exact
from sandbox.netsuite.plan import Body
from sandbox.netsuite.posting import ZERO
from sandbox.netsuite.records.transaction_header import Header
from sandbox.netsuite.reference import invalid_reference
from sandbox.netsuite.refusal import RefusedError

Applied = dict[str, Decimal]
"""Amount by internal id of the invoice."""


def read_applied(body: Body, decimals: int) -> Applied:
    """Read a record's `applyList`: the rows that are ticked, `doc` being the invoice.

    Raises:
        RefusedError: An amount is missing or not one of the currency.
    """
    applied: Applied = {}
    for row in body.get("applyList", {}).get("apply", ()):
        if row.get("apply"):
            invoice_id = str(row.get("doc", ""))
            amount = exact(row.get("amount", ZERO), decimals, f"amount applied to {invoice_id}")
            applied[invoice_id] = applied.get(invoice_id, ZERO) + amount
    return applied


def settle(books: Books, header: Header, wanted: Applied, before: Mapping[str, Decimal]) -> dict[str, Body]:
    """Return the invoices as they are once `wanted` is applied in the place of `before`.

    Raises:
        RefusedError: An invoice is unknown, another customer's or in another currency, or would be
            overpaid.
    """
    settled: dict[str, Body] = {}
    for invoice_id in dict.fromkeys([*before, *wanted]):
        invoice = books.storage.get("invoice", invoice_id)
        if invoice is None or not _fits(invoice, header):
            raise invalid_reference("apply", {"internalId": invoice_id})
        paid = invoice["amountPaid"] + wanted.get(invoice_id, ZERO) - before.get(invoice_id, ZERO)
        settled[invoice_id] = invoice | payment_state(invoice["total"], paid)
    return settled


def _fits(invoice: Body, header: Header) -> bool:
    theirs = (invoice["entity"]["internalId"], invoice["currency"]["internalId"])
    return theirs == (header.customer["internalId"], header.currency_entry["internalId"])


def payment_state(total: Decimal, paid: Decimal) -> Body:
    """Return the fields of an invoice that say how much of it is paid.

    Raises:
        RefusedError: More than the total is.
    """
    if paid > total:
        message = f"{paid} applied is more than the total, {total}."
        raise RefusedError("TRANS_APPLIED_AMTS_UNBALNCD", message)
    status = "Paid In Full" if paid == total else "Open"
    return {"amountPaid": paid, "amountRemaining": total - paid, "status": status}


def applied_state(total: Decimal, applied: Applied) -> Body:
    """Return the fields of a payment or credit memo that say how much of it is applied.

    Raises:
        RefusedError: More than its total is.
    """
    used = sum(applied.values(), ZERO)
    if used > total:
        message = f"{used} applied is more than the amount, {total}."
        raise RefusedError("TRANS_APPLIED_AMTS_UNBALNCD", message)
    return {"applied": used, "unapplied": total - used, "_applied": applied}


def applied_rows(applied: Applied, invoices: Mapping[str, Body]) -> Body:
    """Return the `applyList` of a payment or credit memo as it is answered: each row names its invoice by id and number."""
    rows = [
        {"apply": True, "doc": int(invoice_id), "refNum": invoices[invoice_id].get("tranId"), "amount": amount}
        for invoice_id, amount in applied.items()
    ]
    return {"applyList": {"apply": rows}} if rows else {}
