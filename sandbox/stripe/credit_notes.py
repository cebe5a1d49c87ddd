"""Credit notes on finalized invoices. Source: docs.stripe.com/api/credit_notes.

On an open invoice a credit note lowers what is due. On a paid one its total must be given back:
refunded, credited to the customer's balance, or paid back elsewhere.
"""

from collections.abc import Sequence
from decimal import Decimal

from sandbox.storage import Body
from sandbox.stripe import catalog, taxes
from sandbox.stripe.account import Call
from sandbox.stripe.collection import mark_paid
from sandbox.stripe.errors import StripeError, bad_parameter, parameter_missing, resource_missing
from sandbox.stripe.events import save_and_record
from sandbox.stripe.invoice_lines import lines_page
from sandbox.stripe.listing import list_page
from sandbox.stripe.params import Params
from sandbox.stripe.payments import cancel_intent, refund_charge, reprice_intent

GIVEN_BACK = ("refund_amount", "credit_amount", "out_of_band_amount")
FIELDS = frozenset({"invoice", "amount", "lines", "memo", "metadata", "reason", *GIVEN_BACK})
LINE_FIELDS = frozenset(
    {
        "type",
        "invoice_line_item",
        "amount",
        "description",
        "quantity",
        "tax_rates",
        "unit_amount",
        "unit_amount_decimal",
    }
)
LINE_TYPES = ("invoice_line_item", "custom_line_item")
REASONS = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory")


def create(call: Call) -> Body:
    """POST /v1/credit_notes."""
    invoice, note = _prepared(call)
    if note["type"] == "pre_payment":
        _lower_due(call, invoice, note)
    else:
        note = _give_back(call, invoice, note)
    return save_and_record(call, "credit_note.created", note)


def preview(call: Call) -> Body:
    """GET /v1/credit_notes/preview: what `create` would make; nothing is stored."""
    return _prepared(call)[1]


def retrieve(call: Call) -> Body:
    """GET /v1/credit_notes/{id}."""
    return call.target("credit_note")


def list_notes(call: Call) -> Body:
    """GET /v1/credit_notes, filtered by `invoice` and `customer`."""
    params = call.params
    return list_page(call, "credit_note", invoice=params.text("invoice"), customer=params.text("customer"))


def list_lines(call: Call) -> Body:
    """GET /v1/credit_notes/{id}/lines."""
    return lines_page(call, call.target("credit_note"))


def void(call: Call) -> Body:
    """POST /v1/credit_notes/{id}/void: takes it back; only while its invoice is open."""
    account, note = call.account, call.target("credit_note")
    invoice = account.require("invoice", note["invoice"])
    if note["status"] == "void":
        raise StripeError("This credit note is already void.")
    if note["type"] != "pre_payment" or invoice["status"] != "open":
        raise StripeError("You can only void a credit note of an open invoice.")
    restored = _with_credit(invoice, -note["total"])
    save_and_record(call, "invoice.updated", restored, invoice)
    reprice_intent(call, restored)
    return save_and_record(call, "credit_note.voided", {**note, "status": "void", "voided_at": account.now()})


def _prepared(call: Call) -> tuple[Body, Body]:
    params = call.params
    invoice = call.account.require("invoice", params.required("invoice"), "invoice")
    reason = params.choice("reason", REASONS)
    if invoice["status"] not in ("open", "paid"):
        raise StripeError(f"You can't issue a credit note for an invoice that is {invoice['status']}.", param="invoice")
    lines = _lines(call, invoice)
    note = {**_note(call, invoice, lines), "memo": params.text("memo"), "reason": reason, "metadata": params.metadata()}
    _check_total(invoice, note["total"])
    return invoice, note


def _lines(call: Call, invoice: Body) -> list[Body]:
    params = call.params
    sent = params.children("lines")
    if sent:
        return [_line(call, invoice, line) for line in sent]
    amount = params.amount("amount")
    if amount is None:
        amount = sum(params.amount(name) or 0 for name in GIVEN_BACK)
    if not amount:
        raise parameter_missing("amount")
    return [_custom_line(call, Decimal(amount))]


def _line(call: Call, invoice: Body, params: Params) -> Body:
    params.refuse_unknown(LINE_FIELDS)
    if params.required("type") not in LINE_TYPES:
        raise bad_parameter(f"Invalid type: must be one of {', '.join(LINE_TYPES)}", param=params.name("type"))
    if params.text("type") == "invoice_line_item":
        return _credited_line(call, invoice, params)
    unit_amount = catalog.unit_amount_of(params)
    if unit_amount is None:
        raise parameter_missing(params.name("unit_amount"))
    rates = taxes.rates_named(call, params, "tax_rates")
    return _custom_line(
        call,
        unit_amount,
        description=params.text("description"),
        quantity=params.integer("quantity") or 1,
        rates=rates,
    )


def _credited_line(call: Call, invoice: Body, params: Params) -> Body:
    line_id = params.required("invoice_line_item")
    line = next((line for line in invoice["_lines"] if line["id"] == line_id), None)
    if line is None:
        raise resource_missing("invoice line item", line_id, params.name("invoice_line_item"))
    amount, quantity = params.amount("amount"), params.integer("quantity")
    if amount is None and quantity is None:
        raise parameter_missing(params.name("quantity"))
    whole = line["quantity"] or 1
    credited = Decimal(amount) if amount is not None else Decimal(line["amount"]) * (quantity or 0) / whole
    share = credited / line["amount"] if line["amount"] else Decimal(0)
    amounts = [
        {**tax, "amount": _share(tax["amount"], share), "taxable_amount": _share(tax["taxable_amount"], share)}
        for tax in line["tax_amounts"]
    ]
    return _note_line(
        call,
        {
            "amount": _share(1, credited),
            "description": line["description"],
            "invoice_line_item": line_id,
            "quantity": quantity,
            "tax_amounts": amounts,
            "tax_rates": line["tax_rates"],
            "type": "invoice_line_item",
            "unit_amount": None,
            "unit_amount_decimal": None,
        },
    )


def _custom_line(
    call: Call, unit_amount: Decimal, *, description: str | None = None, quantity: int = 1, rates: Sequence[Body] = ()
) -> Body:
    amount = catalog.extended(unit_amount, quantity)
    return _note_line(
        call,
        {
            "amount": amount,
            "description": description,
            "quantity": quantity,
            "tax_amounts": taxes.tax_amounts(amount, rates),
            "tax_rates": list(rates),
            "type": "custom_line_item",
            **catalog.unit_amount_fields(unit_amount),
        },
    )


def _note_line(call: Call, fields: Body) -> Body:
    return {
        "id": call.account.new_id("cnli"),
        "object": "credit_note_line_item",
        "amount_excluding_tax": fields["amount"] - taxes.tax_sum(fields["tax_amounts"], inclusive=True),
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": False,
        "unit_amount_excluding_tax": None,
        **fields,
    }


def _note(call: Call, invoice: Body, lines: list[Body]) -> Body:
    account, note_id = call.account, call.account.new_id("cn")
    created = account.now()
    amounts = taxes.summed(amount for line in lines for amount in line["tax_amounts"])
    subtotal = sum(line["amount"] for line in lines)
    total = subtotal + taxes.tax_sum(amounts, inclusive=False)
    net = subtotal - taxes.tax_sum(amounts, inclusive=True)
    issued = invoice.get("_credit_notes", 0) + 1
    return {
        "id": note_id,
        "object": "credit_note",
        "amount": total,
        "amount_shipping": 0,
        "created": created,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": created,
        "invoice": invoice["id"],
        "livemode": False,
        "number": f"{invoice['number']}-CN-{issued:02d}",
        "out_of_band_amount": None,
        "pdf": f"https://pay.stripe.com/credit_notes/acct_sandbox/test_{note_id}/pdf?s=ap",
        "refund": None,
        "shipping_cost": None,
        "status": "issued",
        "subtotal": subtotal,
        "subtotal_excluding_tax": net,
        "tax_amounts": amounts,
        "total": total,
        "total_excluding_tax": net,
        "type": "pre_payment" if invoice["status"] == "open" else "post_payment",
        "voided_at": None,
        "_lines": lines,
    }


def _check_total(invoice: Body, total: int) -> None:
    paid = invoice["amount_paid"] - invoice["post_payment_credit_notes_amount"]
    left = invoice["amount_remaining"] if invoice["status"] == "open" else paid
    if not 0 < total <= left:
        raise StripeError(f"The credit note total ({total}) must be between 1 and {left}.", param="amount")


def _lower_due(call: Call, invoice: Body, note: Body) -> None:
    given_back = [name for name in GIVEN_BACK if call.params.has(name)]
    if given_back:
        raise StripeError(f"{given_back[0]} is for paid invoices only.", param=given_back[0])
    lowered = _with_credit(_counted(invoice), note["total"])
    save_and_record(call, "invoice.updated", lowered, invoice)
    if lowered["amount_due"] == 0:
        cancel_intent(call, invoice["payment_intent"], "automatic")
        mark_paid(call, lowered)
    else:
        reprice_intent(call, lowered)


def _with_credit(invoice: Body, total: int) -> Body:
    return {
        **invoice,
        "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] + total,
        "amount_due": invoice["amount_due"] - total,
        "amount_remaining": invoice["amount_remaining"] - total,
    }


def _counted(invoice: Body) -> Body:
    return {**invoice, "_credit_notes": invoice.get("_credit_notes", 0) + 1}


def _give_back(call: Call, invoice: Body, note: Body) -> Body:
    account = call.account
    refund, credit, elsewhere = (call.params.amount(name) or 0 for name in GIVEN_BACK)
    if refund + credit + elsewhere != note["total"]:
        raise StripeError(
            f"The sum of {', '.join(GIVEN_BACK)} must equal the credit note's total ({note['total']}).", param="amount"
        )
    if credit:
        customer = account.require("customer", invoice["customer"], "customer")
        account.save({**customer, "balance": customer["balance"] - credit})
    changed = _counted(invoice)
    changed["post_payment_credit_notes_amount"] += note["total"]
    save_and_record(call, "invoice.updated", changed, invoice)
    return {**note, "refund": _refund(call, invoice, refund), "out_of_band_amount": elsewhere or None}


def _refund(call: Call, invoice: Body, amount: int) -> str | None:
    if amount == 0:
        return None
    if invoice["charge"] is None:
        raise StripeError("This invoice was not paid by a charge that could be refunded.", param="refund_amount")
    refund_id: str = refund_charge(call, call.account.require("charge", invoice["charge"]), amount)["id"]
    return refund_id


def _share(amount: int | None, share: Decimal) -> int:
    return catalog.extended(share, amount or 0)
