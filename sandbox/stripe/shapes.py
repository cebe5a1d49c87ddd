"""How stored objects are shown: private fields dropped, lists wrapped, later names added.

Clients that pin a version after 2025-03-31 look for taxes and prices under new names. These are
added beside the fields of 2023-08-16, whose schemas allow extra fields
(docs.stripe.com/changelog/basil).
"""

from sandbox.storage import Body
from sandbox.stripe.account import HIDDEN

LINES_SHOWN = 10
"""How many lines an invoice or a credit note carries itself; the rest is paged."""


def public(body: Body) -> Body:
    """Return an object as Stripe shows it; `_lines` becomes the list `lines`."""
    shown = {name: value for name, value in body.items() if not name.startswith(HIDDEN)}
    if "_lines" in body:
        shown["lines"] = _lines(body)
    return shown if "deleted" in shown else {**shown, **_later_names(shown)}


def list_of(url: str, data: list[Body], *, has_more: bool) -> Body:
    """Return Stripe's list object around objects that are already public."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _lines(body: Body) -> Body:
    lines: list[Body] = body["_lines"]
    url = f"/v1/{body['object']}s/{body['id']}/lines"
    return list_of(url, [public(line) for line in lines[:LINES_SHOWN]], has_more=len(lines) > LINES_SHOWN)


def _later_names(body: Body) -> Body:
    match body["object"]:
        case "invoice":
            return {"total_taxes": [_tax(amount) for amount in body["total_tax_amounts"]], "amount_overpaid": 0}
        case "credit_note":
            return {"total_taxes": [_tax(amount) for amount in body["tax_amounts"]]}
        case "credit_note_line_item":
            return {"taxes": [_tax(amount) for amount in body["tax_amounts"]]}
        case "line_item":
            taxes = [_tax(amount) for amount in body["tax_amounts"]]
            return {"taxes": taxes, "pricing": _pricing(body["price"]), "parent": _parent(body)}
        case "invoiceitem":
            return {"pricing": _pricing(body["price"])}
    return {}


def _tax(amount: Body) -> Body:
    return {
        "amount": amount["amount"],
        "tax_behavior": "inclusive" if amount["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": amount["tax_rate"]},
        "taxability_reason": amount["taxability_reason"] or "not_available",
        "taxable_amount": amount["taxable_amount"],
        "type": "tax_rate_details",
    }


def _pricing(price: Body | None) -> Body | None:
    if price is None:
        return None
    return {
        "type": "price_details",
        "price_details": {"price": price["id"], "product": price["product"]},
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def _parent(line: Body) -> Body:
    details = {"invoice_item": line["invoice_item"], "proration": False, "subscription": None}
    return {"type": "invoice_item_details", "invoice_item_details": details, "subscription_item_details": None}
