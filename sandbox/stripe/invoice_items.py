"""Invoice items: what an invoice will charge. Source: docs.stripe.com/api/invoiceitems.

An item is created on a draft invoice, or pending: then the customer's next invoice with
`pending_invoice_items_behavior=include` takes it, if it is in the same currency.
"""

from decimal import Decimal

from sandbox.storage import Body
from sandbox.stripe import catalog
from sandbox.stripe.account import Call
from sandbox.stripe.errors import (
    StripeError,
    amount_too_large,
    bad_parameter,
    not_editable,
    parameter_missing,
)
from sandbox.stripe.events import record_removal, save_and_record
from sandbox.stripe.invoice_lines import line_of, with_lines
from sandbox.stripe.listing import list_page
from sandbox.stripe.params import MAX_AMOUNT, Params
from sandbox.stripe.taxes import rates_named

PRICING = ("amount", "price", "pricing", "price_data", "unit_amount", "unit_amount_decimal")
"""The parameters of which exactly one says what the item costs; `pricing[price]` is the later `price`."""

FIELDS = frozenset(
    {
        "customer",
        "invoice",
        "currency",
        "description",
        "discountable",
        "metadata",
        "period",
        "quantity",
        "tax_rates",
        *PRICING,
    }
)


def create(call: Call) -> Body:
    """POST /v1/invoiceitems."""
    invoice = _draft(call)
    customer = _customer(call, invoice)
    item = _item(call, customer, invoice)
    if invoice is None:
        customer = {**customer, "_pending": [*customer.get("_pending", []), item["id"]]}
    call.account.save({**customer, "currency": customer["currency"] or item["currency"]})
    save_and_record(call, "invoiceitem.created", item)
    if invoice is not None:
        call.account.save(with_lines(invoice, [*invoice["_lines"], line_of(call, item)]))
    return item


def retrieve(call: Call) -> Body:
    """GET /v1/invoiceitems/{id}."""
    return call.target("invoiceitem")


def list_items(call: Call) -> Body:
    """GET /v1/invoiceitems, filtered by `customer`, `invoice` and `pending`."""
    params = call.params
    pending = params.boolean("pending")
    return list_page(
        call,
        "invoiceitem",
        lambda item: pending is None or (item["invoice"] is None) == pending,
        invoice=params.text("invoice"),
        customer=params.text("customer"),
    )


def delete(call: Call) -> Body:
    """DELETE /v1/invoiceitems/{id}: while it is pending, or its invoice a draft."""
    account, item = call.account, call.target("invoiceitem")
    if item["invoice"] is None:
        customer = account.require("customer", item["customer"])
        kept = [item_id for item_id in customer.get("_pending", []) if item_id != item["id"]]
        account.save({**customer, "_pending": kept})
    else:
        invoice = account.require("invoice", item["invoice"])
        _refuse_final(invoice)
        account.save(with_lines(invoice, [line for line in invoice["_lines"] if line["invoice_item"] != item["id"]]))
    return record_removal(call, "invoiceitem.deleted", item)


def take_pending(call: Call, customer: Body, invoice: Body) -> Body:
    """Move the customer's pending items of the invoice's currency onto it, newest first.

    Returns:
        The invoice with their lines, not yet stored.
    """
    account, invoice_id = call.account, invoice["id"]
    items = [account.require("invoiceitem", item_id) for item_id in customer.get("_pending", [])]
    taken = [item for item in items if item["currency"] == invoice["currency"]]
    for item in taken:
        account.save({**item, "invoice": invoice_id})
    left = [item["id"] for item in items if item not in taken]
    account.save({**customer, "_pending": left})
    return with_lines(invoice, [line_of(call, item) for item in reversed(taken)])


def _draft(call: Call) -> Body | None:
    invoice_id = call.params.text("invoice")
    if invoice_id is None:
        return None
    invoice = call.account.require("invoice", invoice_id, "invoice")
    _refuse_final(invoice)
    return invoice


def _refuse_final(invoice: Body) -> None:
    if invoice["status"] != "draft":
        raise not_editable(f"The invoice {invoice['id']} is no longer a draft; its items are final.")


def _customer(call: Call, invoice: Body | None) -> Body:
    customer_id = call.params.text("customer")
    if customer_id is None and invoice is None:
        raise parameter_missing("customer")
    if invoice is None or customer_id is None:
        return call.account.require("customer", customer_id or str((invoice or {}).get("customer")), "customer")
    if invoice["customer"] != customer_id:
        raise StripeError(f"The invoice {invoice['id']} belongs to another customer", param="customer")
    return call.account.require("customer", customer_id, "customer")


def _item(call: Call, customer: Body, invoice: Body | None) -> Body:
    params, created = call.params, call.account.now()
    currency = params.currency()
    priced = _pricing(call)
    _check_currency(currency, priced["currency"], invoice)
    item: Body = {
        "id": call.account.new_id("ii"),
        "object": "invoiceitem",
        "customer": customer["id"],
        "date": created,
        "description": params.text("description"),
        "discountable": params.boolean("discountable") is not False,
        "discounts": [],
        "invoice": invoice["id"] if invoice else None,
        "livemode": False,
        "metadata": params.metadata(),
        "period": _period(params, created),
        "proration": False,
        "subscription": None,
        "tax_rates": rates_named(call, params, "tax_rates"),
        "test_clock": None,
        **priced,
    }
    return item | {"currency": priced["currency"] or currency or _default_currency(customer, invoice)}


def _default_currency(customer: Body, invoice: Body | None) -> str:
    source = invoice or customer
    return source["currency"] or "usd"


def _pricing(call: Call) -> Body:
    params = call.params
    sent = [name for name in PRICING if params.has(name)]
    if len(sent) != 1:
        code = "parameters_exclusive" if sent else "parameter_missing"
        raise bad_parameter(f"Send exactly one of {', '.join(PRICING)}", code=code, param=(sent or ["amount"])[-1])
    quantity = params.integer("quantity")
    if quantity is not None and quantity < 0:
        raise bad_parameter(f"Invalid quantity: {quantity}", code="parameter_invalid_integer", param="quantity")
    if sent == ["amount"]:
        return _plain_amount(params, quantity)
    price = _price(call, sent[0])
    unit_amount = catalog.unit_amount_of(params) if price is None else Decimal(price["unit_amount_decimal"])
    return _by_unit(price, unit_amount or Decimal(0), 1 if quantity is None else quantity)


def _plain_amount(params: Params, quantity: int | None) -> Body:
    if quantity is not None:
        raise bad_parameter(
            "Send quantity with a unit amount, not with amount", code="parameters_exclusive", param="quantity"
        )
    amount = params.amount("amount")
    if amount is None:
        raise bad_parameter("Empty value for amount", code="parameter_invalid_empty", param="amount")
    unit = catalog.unit_amount_fields(Decimal(amount))
    return {"amount": amount, "quantity": 1, "price": None, "currency": None, **unit}


def _by_unit(price: Body | None, unit_amount: Decimal, quantity: int) -> Body:
    amount = catalog.extended(unit_amount, quantity)
    if abs(amount) > MAX_AMOUNT:
        raise amount_too_large("quantity")
    unit = catalog.unit_amount_fields(unit_amount)
    return {
        "amount": amount,
        "quantity": quantity,
        "price": price,
        "currency": price["currency"] if price else None,
        **unit,
    }


def _price(call: Call, source: str) -> Body | None:
    params = call.params
    if source == "price_data":
        data = params.child("price_data")
        data.refuse_unknown(catalog.PRICE_DATA_FIELDS)
        return call.account.save({**catalog.price_from(call, data), "active": False})
    if source == "price":
        return call.account.require("price", params.required("price"), "price")
    if source == "pricing":
        pricing = params.child("pricing")
        pricing.refuse_unknown(("price",))
        return call.account.require("price", pricing.required("price"), "pricing[price]")
    return None


def _check_currency(sent: str | None, of_price: str | None, invoice: Body | None) -> None:
    if sent and of_price and sent != of_price:
        raise StripeError(f"The price is in {of_price}, the item in {sent}", param="currency")
    currency = sent or of_price
    if invoice and currency and currency != invoice["currency"]:
        raise StripeError(
            f"The currency of an item ({currency}) must match its invoice's ({invoice['currency']}).",
            param="currency",
        )


def _period(params: Params, created: int) -> Body:
    if not params.has("period"):
        return {"start": created, "end": created}
    period = params.child("period")
    start, end = period.integer("start"), period.integer("end")
    if start is None or end is None:
        raise parameter_missing(f"period[{'start' if start is None else 'end'}]")
    if end < start:
        raise bad_parameter("The period ends before it starts", param="period[end]")
    return {"start": start, "end": end}
