"""Stripe by hand: an invoice to be paid by link, customers and payments."""

from datetime import UTC, date, datetime
from typing import Any

from bench.handwritten.values import (
    Record,
    at_most,
    canonical_money,
    country,
    number,
    one_line,
    optional_day,
    optional_text,
    table,
    text,
)
from canonical_model.money import Money, from_minor
from canonical_model.parties import Address, CustomerRecord, RecordAddress
from canonical_model.payments import Allocation, Payment

_CURRENCIES = table("stripe_currency", 0)
_CODES = table("stripe_currency", 1)
_METHODS = table("stripe_payment_method")
_STATUSES = {"open": "pending", "paid": "received", "canceled": "cancelled"}
_TITLES = {"380": "Invoice"}


def invoice(record: Record) -> dict[str, Any]:
    """What `stripe/invoice` gives."""
    source = record["invoice"]
    issued, due = date.fromisoformat(source["issue_date"]), date.fromisoformat(source["due_date"])
    metadata = {"hub_invoice_id": text(source["invoice_id"]), "legal_entity": text(source["legal_entity"])}
    if contract := optional_text(source.get("contract_id")):
        metadata["contract"] = contract
    return {
        "customer": _customer(source["buyer"], record["customer"]),
        "currency": _CURRENCIES[source["currency"]],
        "days_until_due": (due - issued).days,
        "number": at_most(source["number"], 26),
        "description": _description(source, contract),
        "metadata": metadata,
        "items": [_item(line) for line in source["lines"]] + [_tax_item(each) for each in source["tax_subtotals"]],
    }


def _customer(buyer: Record, customer: Record) -> dict[str, Any]:
    key, address = text(buyer["party_id"]), _address(buyer["address"])
    payload: dict[str, Any] = {
        "key": key,
        "name": text(buyer["name"])[:256].rstrip(),
        "email": at_most(customer["billing_email"], 512),
        "metadata": {"hub_customer_id": key},
    }
    if address:
        payload["address"] = address
    return payload


def _address(address: Record) -> dict[str, Any]:
    payload = {}
    if line1 := optional_text(address.get("line1")):
        payload["line1"] = line1
    if city := optional_text(address.get("city")):
        payload["city"] = city
    if region := optional_text(address.get("region")):
        payload["state"] = region
    if postal_code := optional_text(address.get("postal_code")):
        payload["postal_code"] = postal_code
    if address.get("country"):
        payload["country"] = country(address["country"])
    return payload


def _description(source: Record, contract: str | None) -> str:
    words = [_TITLES[source["document_type"]], text(source["number"])]
    if contract:
        words.append(f"for contract {contract}")
    if order := optional_text(source.get("purchase_order")):
        words.append(f"(your order {order})")
    return " ".join(words)


def _item(line: Record) -> dict[str, Any]:
    words = [one_line(line["description"])[:400].rstrip()]
    if start := optional_day(line.get("period_start")):
        words.append(f"from {start}")
    if end := optional_day(line.get("period_end")):
        words.append(f"to {end}")
    return {
        "amount": canonical_money(line["net"]).minor,
        "description": " ".join(words),
        "metadata": {"line": text(line["line_id"])},
    }


def _tax_item(subtotal: Record) -> dict[str, Any]:
    taxable = canonical_money(subtotal["taxable"])
    return {
        "amount": canonical_money(subtotal["tax"]).minor,
        "description": f"Tax {number(subtotal['rate']):f} % on {taxable}",
        "metadata": {"tax_category": text(subtotal["category"])},
    }


def customer_record(record: Record) -> CustomerRecord:
    """What `stripe/customer_record` gives."""
    if record.get("deleted") is True:
        raise ValueError("the customer was deleted")
    currency, address = record.get("currency"), record.get("address")
    return CustomerRecord(
        record_id=f"stripe/{text(record['id'])}",
        customer_id=optional_text((record.get("metadata") or {}).get("hub_customer_id")),
        name=text(record["name"]),
        status="active",
        currency=_CODES[currency] if currency else None,
        email=optional_text(record.get("email")),
        addresses=(RecordAddress(address=_record_address(address), billing=True),) if address else (),
    )


def _record_address(address: Record) -> Address:
    lines = [one_line(line) for line in (address.get("line1"), address.get("line2")) if line]
    return Address(
        line1=", ".join(lines) or None,
        city=optional_text(address.get("city")),
        region=optional_text(address.get("state")),
        postal_code=optional_text(address.get("postal_code")),
        country=country(address["country"].upper()),
    )


def payment(record: Record) -> Payment:
    """What `stripe/payment` gives."""
    source, invoice_ = record["payment"], record.get("invoice") or {}
    if source["type"] == "payment_record":
        raise ValueError("it was paid outside Stripe")
    status, code = record["status"], _CODES[record["currency"]]
    amount = _minor(record["amount_paid" if status == "paid" else "amount_requested"], code)
    paid_at, (reference, method) = (record.get("status_transitions") or {}).get("paid_at"), _means(source)
    settles = (Allocation(invoice_number=text(invoice_["number"]), amount=amount),) if status == "paid" else ()
    customer = invoice_.get("customer") or {}
    return Payment(
        payment_id=f"stripe/{text(record['id'])}",
        status=_STATUSES[status],
        amount=amount,
        customer_id=optional_text((customer.get("metadata") or {}).get("hub_customer_id")),
        received_date=None if paid_at is None else datetime.fromtimestamp(paid_at, UTC).date(),
        method=_METHODS[method] if method else None,
        reference=reference,
        allocations=settles,
    )


def _minor(value: Any, code: str) -> Money:
    if type(value) is not int:
        raise TypeError(f"not a whole number: {value!r}")
    return from_minor(value, code)


def _means(source: Record) -> tuple[str, str | None]:
    """The reference of a payment, and how it was paid."""
    if source["type"] == "charge":
        charge = paid = source["charge"]
    else:
        paid = source["payment_intent"]
        charge = paid.get("latest_charge") or {}
    return text(paid["id"]), (charge.get("payment_method_details") or {}).get("type")
