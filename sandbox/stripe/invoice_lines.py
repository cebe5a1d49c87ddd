"""An invoice's lines and its totals.

Source: docs.stripe.com/api/invoices/line_item, docs.stripe.com/api/invoices/object. A draft's
totals follow its lines at once; amounts are minor units of the invoice's currency.
"""

from collections.abc import Iterable
from decimal import Decimal

from sandbox.storage import Body
from sandbox.stripe import taxes
from sandbox.stripe.account import Call
from sandbox.stripe.catalog import unit_amount_fields
from sandbox.stripe.errors import StripeError, bad_parameter, not_editable, resource_missing
from sandbox.stripe.events import save_and_record
from sandbox.stripe.listing import oldest_first
from sandbox.stripe.params import Params
from sandbox.stripe.shapes import list_of, public

MAX_LINES = 250
"""Most items of one invoice (docs.stripe.com/invoicing/multi-currency-customers)."""

LINE_FIELDS = frozenset({"amount", "description", "metadata", "tax_amounts", "tax_rates"})


def line_of(call: Call, item: Body) -> Body:
    """Build the line that shows an invoice item."""
    copied = ("amount", "currency", "description", "discountable", "livemode", "metadata", "period")
    return {
        "id": call.account.new_id("il"),
        "object": "line_item",
        **{name: item[name] for name in copied},
        "discount_amounts": [],
        "discounts": [],
        "invoice_item": item["id"],
        "price": item["price"],
        "proration": False,
        "proration_details": {"credited_items": None},
        "quantity": item["quantity"],
        "subscription": None,
        "tax_rates": item["tax_rates"],
        "tax_amounts": [],
        "type": "invoiceitem",
        "_own_taxes": False,
    }


def with_lines(invoice: Body, lines: Iterable[Body]) -> Body:
    """Return the invoice with these lines and the totals they make.

    Raises:
        StripeError: There are more than 250 lines.
    """
    taxed = [_with_tax(line, invoice["default_tax_rates"]) for line in lines]
    if len(taxed) > MAX_LINES:
        raise StripeError(f"An invoice can have up to {MAX_LINES} invoice items", param="invoice")
    amounts = taxes.summed(amount for line in taxed for amount in line["tax_amounts"])
    subtotal = sum(line["amount"] for line in taxed)
    inclusive = taxes.tax_sum(amounts, inclusive=True)
    exclusive = taxes.tax_sum(amounts, inclusive=False)
    total = subtotal + exclusive
    return {
        **invoice,
        "_lines": taxed,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inclusive,
        "tax": inclusive + exclusive if amounts else None,
        "total": total,
        "total_excluding_tax": subtotal - inclusive,
        "total_tax_amounts": amounts,
        "amount_due": max(0, total),
        "amount_remaining": max(0, total),
    }


def _with_tax(line: Body, default_rates: list[Body]) -> Body:
    own = line["_own_taxes"]
    amounts = line["tax_amounts"] if own else taxes.tax_amounts(line["amount"], line["tax_rates"] or default_rates)
    net = line["amount"] - taxes.tax_sum(amounts, inclusive=True)
    return {
        **line,
        "tax_amounts": amounts,
        "amount_excluding_tax": net,
        "unit_amount_excluding_tax": _unit(net, line["quantity"]),
    }


def _unit(amount: int, quantity: int | None) -> str:
    whole, rest = divmod(amount, quantity or 1)
    if rest == 0:
        return str(whole)
    return str(unit_amount_fields(round(Decimal(amount) / (quantity or 1), 12))["unit_amount_decimal"])


def list_lines(call: Call) -> Body:
    """GET /v1/invoices/{id}/lines, in the order of the document."""
    return lines_page(call, call.target("invoice"))


def lines_page(call: Call, document: Body) -> Body:
    """Answer one page of the lines of an invoice or a credit note."""
    page, more = oldest_first(document["_lines"], call.params)
    url = f"/v1/{document['object']}s/{document['id']}/lines"
    return list_of(url, [public(line) for line in page], has_more=more)


def update_line(call: Call) -> Body:
    """POST /v1/invoices/{id}/lines/{line}: a draft's line, also with tax computed elsewhere.

    Later than 2023-08-16; taken from the parameters of the `stripe` package 16.1
    (`InvoiceLineItemUpdateParams`).
    """
    invoice, line_id = call.target("invoice"), call.path["line"]
    if invoice["status"] != "draft":
        raise not_editable("This invoice is no longer a draft; its lines are final.")
    lines = invoice["_lines"]
    if line_id not in {line["id"] for line in lines}:
        raise resource_missing("line item", line_id, "line_item_id")
    changed = [_changed_line(call, line) if line["id"] == line_id else line for line in lines]
    updated = save_and_record(call, "invoice.updated", with_lines(invoice, changed), invoice)
    return next(line for line in updated["_lines"] if line["id"] == line_id)


def _changed_line(call: Call, line: Body) -> Body:
    params = call.params
    changes: Body = {"metadata": params.metadata(line["metadata"])}
    amount = params.amount("amount")
    if amount is not None:
        changes["amount"] = amount
    if params.has("description"):
        changes["description"] = params.text("description")
    if params.has("tax_rates"):
        changes |= {"tax_rates": taxes.rates_named(call, params, "tax_rates"), "_own_taxes": False}
    if params.has("tax_amounts"):
        changes |= _own_taxes(call, {**line, **changes})
    return {**line, **changes}


def _own_taxes(call: Call, line: Body) -> Body:
    parts = call.params.children("tax_amounts")
    if parts and line["tax_rates"]:
        raise bad_parameter("A line with tax_rates cannot have tax_amounts", param="tax_amounts")
    return {"tax_amounts": [_own_tax(call, part) for part in parts], "_own_taxes": bool(parts)}


def _own_tax(call: Call, part: Params) -> Body:
    part.refuse_unknown(("amount", "taxable_amount", "tax_rate_data", "taxability_reason"))
    part.required("amount")
    part.required("taxable_amount")
    data = part.child("tax_rate_data")
    data.refuse_unknown(taxes.DATA_FIELDS)
    # The rate exists for this line only: Stripe makes it, archived, and lists it like any other.
    rate = call.account.save({**taxes.tax_rate(call, data), "active": False})
    return taxes.tax_amount(
        rate,
        amount=part.amount("amount") or 0,
        taxable_amount=part.amount("taxable_amount"),
        reason=part.text("taxability_reason"),
    )
