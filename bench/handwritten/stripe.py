"""Stripe by hand: an invoice to be paid by link."""

from datetime import date
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

_CURRENCIES = table("stripe_currency")
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
