"""What happens to an invoice after it was a draft: finalized, sent, paid, voided, written off.

Source: docs.stripe.com/invoicing/overview (workflow), docs.stripe.com/api/invoices.

    draft -> open -> paid | void | uncollectible;   uncollectible -> paid | void

An invoice with nothing to pay is paid as soon as it is finalized; a negative one is credited to
the customer's balance. Balances are not taken into later invoices.
"""

from typing import Any

from sandbox.storage import Body
from sandbox.stripe.account import Call
from sandbox.stripe.errors import Answer, StripeError, amount_too_large, error_body, not_editable
from sandbox.stripe.events import record, save_and_record
from sandbox.stripe.invoices import SEND_INVOICE
from sandbox.stripe.params import MAX_AMOUNT
from sandbox.stripe.payments import cancel_intent, charge_intent, open_intent

FINALIZE_FIELDS = frozenset({"auto_advance"})
PAY_FIELDS = frozenset({"paid_out_of_band", "payment_method", "off_session"})

HOSTED = "https://invoice.stripe.com/i/acct_sandbox"
PDF = "https://pay.stripe.com/invoice/acct_sandbox"


def finalize(call: Call) -> Body:
    """POST /v1/invoices/{id}/finalize."""
    invoice = call.target("invoice")
    auto_advance = call.params.boolean("auto_advance")
    if invoice["status"] != "draft":
        raise not_editable("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    return _finalized(call, invoice if auto_advance is None else {**invoice, "auto_advance": auto_advance})


def send(call: Call) -> Body:
    """POST /v1/invoices/{id}/send: finalizes a draft first; no email leaves, as in Stripe's test mode."""
    invoice = call.target("invoice")
    if invoice["collection_method"] != SEND_INVOICE:
        raise StripeError(f"You can only manually send an invoice if its collection method is '{SEND_INVOICE}'.")
    if invoice["status"] in ("void", "uncollectible"):
        raise StripeError(f"You can't send an invoice that is {invoice['status']}.")
    if invoice["status"] == "draft":
        invoice = _finalized(call, invoice)
    return record(call, "invoice.sent", invoice)


def pay(call: Call) -> Body | Answer:
    """POST /v1/invoices/{id}/pay: with a payment method, or recorded as paid elsewhere.

    Returns:
        The paid invoice, or a 402 `card_declined` that keeps the failed attempt.

    Raises:
        StripeError: The invoice is paid or void, or there is no payment method.
    """
    invoice, params = call.target("invoice"), call.params
    out_of_band = params.boolean("paid_out_of_band") is True
    _refuse_settled(invoice)
    if invoice["status"] == "draft":
        invoice = _finalized(call, invoice)
    if invoice["status"] == "paid":
        return invoice
    if out_of_band:
        cancel_intent(call, invoice["payment_intent"], "automatic")
        return mark_paid(call, {**invoice, "paid_out_of_band": True})
    charge = charge_intent(call, invoice["payment_intent"], _payment_method(call, invoice))
    attempted = {**invoice, "attempted": True, "attempt_count": invoice["attempt_count"] + 1}
    if charge["status"] == "failed":
        return _declined(call, attempted, charge)
    return mark_paid(call, {**attempted, "charge": charge["id"]})


def void(call: Call) -> Body:
    """POST /v1/invoices/{id}/void."""
    invoice = call.target("invoice")
    if invoice["status"] not in ("open", "uncollectible"):
        raise StripeError(
            f"You can only void open or uncollectible invoices; this one is {invoice['status']}.",
            code="invoice_not_editable" if invoice["status"] == "paid" else None,
        )
    cancel_intent(call, invoice["payment_intent"], "void_invoice")
    return save_and_record(call, "invoice.voided", _moved(call, invoice, "void", "voided_at"))


def mark_uncollectible(call: Call) -> Body:
    """POST /v1/invoices/{id}/mark_uncollectible."""
    invoice = call.target("invoice")
    if invoice["status"] != "open":
        raise StripeError(f"You can only mark open invoices uncollectible; this one is {invoice['status']}.")
    changed = _moved(call, invoice, "uncollectible", "marked_uncollectible_at")
    return save_and_record(call, "invoice.marked_uncollectible", changed)


def mark_paid(call: Call, invoice: Body) -> Body:
    """Store an invoice as paid in full, with the events Stripe sends for it."""
    amounts = {"paid": True, "amount_paid": invoice["amount_due"], "amount_remaining": 0}
    paid = {**_moved(call, invoice, "paid", "paid_at"), **amounts}
    save_and_record(call, "invoice.updated", paid, invoice)
    record(call, "invoice.paid", paid)
    return record(call, "invoice.payment_succeeded", paid)


def _finalized(call: Call, draft: Body) -> Body:
    account = call.account
    if abs(draft["total"]) > MAX_AMOUNT:
        raise amount_too_large("total")
    customer = account.require("customer", draft["customer"], "customer")
    sequence = customer["next_invoice_sequence"]
    account.save(
        {
            **customer,
            "next_invoice_sequence": sequence + 1,
            "balance": customer["balance"] + min(0, draft["total"]),
        }
    )
    moved = _moved(call, draft, "open", "finalized_at")
    secret = f"test_{draft['id']}"
    invoice = {
        **moved,
        "number": draft["number"] or f"{customer['invoice_prefix']}-{sequence:04d}",
        "effective_at": moved["status_transitions"]["finalized_at"],
        "ending_balance": min(0, draft["total"]),
        "hosted_invoice_url": f"{HOSTED}/{secret}?s=ap",
        "invoice_pdf": f"{PDF}/{secret}/pdf?s=ap",
    }
    if invoice["amount_due"] > 0:
        invoice["payment_intent"] = open_intent(call, invoice)["id"]
    save_and_record(call, "invoice.updated", invoice, draft)
    record(call, "invoice.finalized", invoice)
    return invoice if invoice["amount_due"] > 0 else mark_paid(call, {**invoice, "attempted": True})


def _moved(call: Call, invoice: Body, status: str, moment: str) -> Body:
    transitions: dict[str, Any] = {**invoice["status_transitions"], moment: call.account.now()}
    return {**invoice, "status": status, "status_transitions": transitions}


def _refuse_settled(invoice: Body) -> None:
    if invoice["status"] == "paid":
        raise StripeError("Invoice is already paid")
    if invoice["status"] == "void":
        raise not_editable("Invoice is void and can't be paid.")


def _payment_method(call: Call, invoice: Body) -> str:
    customer = call.account.require("customer", invoice["customer"], "customer")
    method: str | None = (
        call.params.text("payment_method")
        or invoice["default_payment_method"]
        or customer["invoice_settings"]["default_payment_method"]
    )
    if method is None:
        raise StripeError("This customer has no default payment method.", code="resource_missing")
    return method


def _declined(call: Call, invoice: Body, charge: Body) -> Answer:
    save_and_record(call, "invoice.payment_failed", invoice)
    body = error_body(charge["failure_message"], kind="card_error", code=charge["failure_code"])
    body["error"] |= {"charge": charge["id"], "decline_code": "generic_decline"}
    return Answer(402, body)
