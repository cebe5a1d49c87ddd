"""Invoices while they are drafts, and finding them later. Source: docs.stripe.com/api/invoices.

Nothing advances by itself here: `auto_advance` is kept, but only a call finalizes, sends or pays.
"""

from sandbox.storage import Body
from sandbox.stripe.account import Call
from sandbox.stripe.errors import StripeError, bad_parameter, not_editable, parameter_missing
from sandbox.stripe.events import record_removal, save_and_record
from sandbox.stripe.invoice_items import take_pending
from sandbox.stripe.invoice_lines import with_lines
from sandbox.stripe.listing import list_page
from sandbox.stripe.params import Params
from sandbox.stripe.taxes import rates_named
from sandbox.stripe.templates import NEW_INVOICE

TEXTS = ("description", "footer", "default_payment_method")
DUE = ("due_date", "days_until_due")

UPDATE_FIELDS = frozenset(
    {*TEXTS, *DUE, "auto_advance", "collection_method", "default_tax_rates", "metadata", "number"}
)
CREATE_FIELDS = UPDATE_FIELDS | {"customer", "currency", "pending_invoice_items_behavior"}

ALWAYS_EDITABLE = frozenset({"metadata", "auto_advance", "default_payment_method", "expand"})
"""What may change on a finalized invoice; everything else is a draft's."""

SEND_INVOICE, CHARGE = "send_invoice", "charge_automatically"
STATUSES = ("draft", "open", "paid", "uncollectible", "void")
BEHAVIORS = ("exclude", "include", "include_and_require")
SECONDS_A_DAY = 86_400


def create(call: Call) -> Body:
    """POST /v1/invoices: a draft, empty unless pending items are to be included."""
    params = call.params
    behavior = params.choice("pending_invoice_items_behavior", BEHAVIORS) or "exclude"
    customer = call.account.require("customer", params.required("customer"), "customer")
    invoice = _draft(call, customer)
    customer = call.account.save({**customer, "currency": customer["currency"] or invoice["currency"]})
    if behavior != "exclude":
        invoice = take_pending(call, customer, invoice)
    if behavior == "include_and_require" and not invoice["_lines"]:
        raise StripeError("Nothing to invoice for customer", code="invoice_no_customer_line_items", param="customer")
    return save_and_record(call, "invoice.created", invoice)


def retrieve(call: Call) -> Body:
    """GET /v1/invoices/{id}."""
    return call.target("invoice")


def list_invoices(call: Call) -> Body:
    """GET /v1/invoices, filtered by `customer`, `status`, `collection_method` and `due_date`."""
    params = call.params
    due = params.integer("due_date")
    return list_page(
        call,
        "invoice",
        lambda body: due is None or body["due_date"] == due,
        customer=params.text("customer"),
        status=params.choice("status", STATUSES),
        collection_method=params.choice("collection_method", (SEND_INVOICE, CHARGE)),
    )


def update(call: Call) -> Body:
    """POST /v1/invoices/{id}: a draft in all its fields, a finalized invoice in few.

    Raises:
        StripeError: `invoice_not_editable` for a field that only a draft may change.
    """
    before, params = call.target("invoice"), call.params
    if before["status"] != "draft" and (frozen := set(params.tree) - ALWAYS_EDITABLE):
        raise not_editable(f"Finalized invoices can't be updated in this way: {', '.join(sorted(frozen))}")
    changes = _changes(call, before["metadata"])
    if params.has("collection_method") or any(params.has(name) for name in DUE):
        changes |= _terms(params, before["created"], before["collection_method"])
    invoice = {**before, **changes}
    if before["status"] == "draft":
        invoice = with_lines(invoice, invoice["_lines"])
    return save_and_record(call, "invoice.updated", invoice, before)


def delete(call: Call) -> Body:
    """DELETE /v1/invoices/{id}: a draft and its items; anything later must be voided."""
    invoice = call.target("invoice")
    if invoice["status"] != "draft":
        raise not_editable("You can only delete draft invoices.")
    for line in invoice["_lines"]:
        call.account.storage.delete("invoiceitem", line["invoice_item"])
    return record_removal(call, "invoice.deleted", invoice)


def _draft(call: Call, customer: Body) -> Body:
    account, params = call.account, call.params
    created = account.now()
    invoice = {
        **NEW_INVOICE,
        **_of_customer(customer),
        **_terms(params, created, CHARGE),
        **_changes(call, {}),
        "id": account.new_id("in"),
        "created": created,
        "currency": params.currency() or customer["currency"] or "usd",
        "period_end": created,
        "period_start": created,
    }
    if invoice["collection_method"] == SEND_INVOICE and not customer["email"]:
        raise StripeError("Missing email: an invoice can only be sent to a customer with an email address.")
    return with_lines(invoice, [])


def _changes(call: Call, metadata: dict[str, str]) -> Body:
    params = call.params
    changes: Body = {name: params.text(name) for name in (*TEXTS, "number") if params.has(name)}
    if params.has("auto_advance"):
        changes["auto_advance"] = params.boolean("auto_advance")
    if params.has("default_tax_rates"):
        changes["default_tax_rates"] = rates_named(call, params, "default_tax_rates")
    return changes | {"metadata": params.metadata(metadata)}


def _terms(params: Params, created: int, current_method: str) -> Body:
    method = params.choice("collection_method", (SEND_INVOICE, CHARGE)) or current_method
    due, days = params.integer("due_date"), params.integer("days_until_due")
    if due is not None and days is not None:
        raise bad_parameter("Send only one of due_date and days_until_due", code="parameters_exclusive")
    if method == CHARGE:
        if due is not None or days is not None:
            raise bad_parameter(f"A due date needs collection_method={SEND_INVOICE}", param="due_date")
        return {"collection_method": method, "due_date": None}
    if due is None and days is None:
        raise parameter_missing("days_until_due")
    return {"collection_method": method, "due_date": created + (days or 0) * SECONDS_A_DAY if due is None else due}


def _of_customer(customer: Body) -> Body:
    copied = ("address", "email", "name", "phone", "shipping", "tax_exempt")
    return {
        "customer": customer["id"],
        **{f"customer_{name}": customer[name] for name in copied},
        "customer_tax_ids": customer["_tax_ids"],
    }
