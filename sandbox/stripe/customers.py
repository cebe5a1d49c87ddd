"""Customers. Source: docs.stripe.com/api/customers."""

import re

from sandbox.storage import Body
from sandbox.stripe.account import Account, Call
from sandbox.stripe.errors import bad_parameter
from sandbox.stripe.events import record_removal, save_and_record
from sandbox.stripe.listing import list_page
from sandbox.stripe.params import Params

ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")

TEXTS = ("name", "email", "description", "phone")
"""Plain texts; an empty one unsets the field."""

UPDATE_FIELDS = frozenset(
    {*TEXTS, "address", "balance", "invoice_prefix", "invoice_settings", "metadata", "preferred_locales", "tax_exempt"}
)
CREATE_FIELDS = UPDATE_FIELDS | {"tax_id_data"}

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")

DELETED = "deleted_customer"
"""Kind under which deleted customers are kept: Stripe still answers for their ids."""


def create(call: Call) -> Body:
    """POST /v1/customers."""
    account, params = call.account, call.params
    changes = _changes(account, params, _blank())
    number = account.storage.next_id("invoice_prefix")
    body = {
        **_blank(),
        "id": account.new_id("cus"),
        "created": account.now(),
        "invoice_prefix": f"SB{number:06d}",
        **changes,
        "_tax_ids": [_tax_id(tax_id) for tax_id in params.children("tax_id_data")],
    }
    return save_and_record(call, "customer.created", body)


def retrieve(call: Call) -> Body:
    """GET /v1/customers/{id}; a deleted customer is answered as such."""
    deleted = call.account.storage.get(DELETED, call.path["id"])
    return deleted or call.target("customer")


def update(call: Call) -> Body:
    """POST /v1/customers/{id}."""
    before = call.target("customer")
    body = {**before, **_changes(call.account, call.params, before)}
    return save_and_record(call, "customer.updated", body, before)


def delete(call: Call) -> Body:
    """DELETE /v1/customers/{id}."""
    deleted = record_removal(call, "customer.deleted", call.target("customer"))
    call.account.storage.put(DELETED, deleted["id"], deleted)
    return deleted


def list_customers(call: Call) -> Body:
    """GET /v1/customers, filtered by exact `email` (case matters, as at Stripe)."""
    return list_page(call, "customer", email=call.params.text("email"))


def _blank() -> Body:
    texts: Body = dict.fromkeys(TEXTS)
    return texts | {
        "object": "customer",
        "address": None,
        "balance": 0,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "discount": None,
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
        "_tax_ids": [],
    }


def _changes(account: Account, params: Params, before: Body) -> Body:
    _check_email(account, params.text("email"))
    changes: Body = {name: params.text(name) for name in TEXTS if params.has(name)}
    changes["metadata"] = params.metadata(before["metadata"])
    if params.has("address"):
        changes["address"] = params.plain("address", ADDRESS)
    if params.has("preferred_locales"):
        changes["preferred_locales"] = params.texts("preferred_locales")
    if params.has("invoice_settings"):
        changes["invoice_settings"] = _invoice_settings(params, before)
    optional = {
        "balance": params.amount("balance"),
        "tax_exempt": params.choice("tax_exempt", ("none", "exempt", "reverse")),
        "invoice_prefix": params.text("invoice_prefix"),
    }
    return changes | {name: value for name, value in optional.items() if value is not None}


def _invoice_settings(params: Params, before: Body) -> Body:
    settings = params.child("invoice_settings")
    settings.refuse_unknown(("default_payment_method", "footer"))
    return {**before["invoice_settings"], **{name: settings.text(name) for name in settings.tree}}


def _check_email(account: Account, email: str | None) -> None:
    if email is not None and (email in account.refused_emails or not EMAIL.fullmatch(email)):
        raise bad_parameter(f"Invalid email address: {email}", code="email_invalid", param="email")


def _tax_id(params: Params) -> Body:
    params.refuse_unknown(("type", "value"))
    return {"type": params.required("type"), "value": params.required("value")}
