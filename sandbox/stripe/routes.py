"""The endpoints: method, path, handler, and the parameters each of them takes.

A parameter that Stripe knows but this stand-in does not model is refused with
`parameter_unknown`, never silently ignored.
"""

from dataclasses import dataclass

from sandbox.stripe import (
    catalog,
    collection,
    credit_notes,
    customers,
    events,
    invoice_items,
    invoice_lines,
    invoices,
    payments,
    taxes,
    webhooks,
)
from sandbox.stripe.account import Handler
from sandbox.stripe.listing import PAGE_PARAMS
from sandbox.stripe.search import SEARCH_PARAMS, search_in

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Endpoint:
    """One endpoint; `fields` are its parameters without `expand`, which all of them take."""

    method: str
    path: str
    handler: Handler
    fields: frozenset[str] = NONE


def _paged(*filters: str) -> frozenset[str]:
    return PAGE_PARAMS | set(filters)


CUSTOMERS = (
    Endpoint("POST", "/v1/customers", customers.create, customers.CREATE_FIELDS),
    Endpoint("GET", "/v1/customers", customers.list_customers, _paged("created", "email")),
    Endpoint("GET", "/v1/customers/search", search_in("customer"), SEARCH_PARAMS),
    Endpoint("GET", "/v1/customers/{id}", customers.retrieve),
    Endpoint("POST", "/v1/customers/{id}", customers.update, customers.UPDATE_FIELDS),
    Endpoint("DELETE", "/v1/customers/{id}", customers.delete),
)

CATALOG = (
    Endpoint("POST", "/v1/products", catalog.create_product, catalog.PRODUCT_FIELDS),
    Endpoint("GET", "/v1/products", catalog.list_products, _paged("created", "active")),
    Endpoint("GET", "/v1/products/{id}", catalog.retrieve("product")),
    Endpoint("POST", "/v1/products/{id}", catalog.update_product, catalog.PRODUCT_UPDATE_FIELDS),
    Endpoint("POST", "/v1/prices", catalog.create_price, catalog.PRICE_FIELDS),
    Endpoint("GET", "/v1/prices", catalog.list_prices, _paged("created", "active", "product")),
    Endpoint("GET", "/v1/prices/{id}", catalog.retrieve("price")),
    Endpoint("POST", "/v1/tax_rates", taxes.create, taxes.FIELDS),
    Endpoint("GET", "/v1/tax_rates", taxes.list_rates, _paged("created", "active", "inclusive")),
    Endpoint("GET", "/v1/tax_rates/{id}", taxes.retrieve),
)

INVOICES = (
    Endpoint("POST", "/v1/invoiceitems", invoice_items.create, invoice_items.FIELDS),
    Endpoint("GET", "/v1/invoiceitems", invoice_items.list_items, _paged("created", "customer", "invoice", "pending")),
    Endpoint("GET", "/v1/invoiceitems/{id}", invoice_items.retrieve),
    Endpoint("DELETE", "/v1/invoiceitems/{id}", invoice_items.delete),
    Endpoint("POST", "/v1/invoices", invoices.create, invoices.CREATE_FIELDS),
    Endpoint(
        "GET",
        "/v1/invoices",
        invoices.list_invoices,
        _paged("created", "customer", "status", "collection_method", "due_date"),
    ),
    Endpoint("GET", "/v1/invoices/search", search_in("invoice"), SEARCH_PARAMS),
    Endpoint("GET", "/v1/invoices/{id}", invoices.retrieve),
    Endpoint("POST", "/v1/invoices/{id}", invoices.update, invoices.UPDATE_FIELDS),
    Endpoint("DELETE", "/v1/invoices/{id}", invoices.delete),
    Endpoint("GET", "/v1/invoices/{id}/lines", invoice_lines.list_lines, PAGE_PARAMS),
    Endpoint("POST", "/v1/invoices/{id}/lines/{line}", invoice_lines.update_line, invoice_lines.LINE_FIELDS),
    Endpoint("POST", "/v1/invoices/{id}/finalize", collection.finalize, collection.FINALIZE_FIELDS),
    Endpoint("POST", "/v1/invoices/{id}/send", collection.send),
    Endpoint("POST", "/v1/invoices/{id}/pay", collection.pay, collection.PAY_FIELDS),
    Endpoint("POST", "/v1/invoices/{id}/void", collection.void),
    Endpoint("POST", "/v1/invoices/{id}/mark_uncollectible", collection.mark_uncollectible),
)

CREDIT_NOTES = (
    Endpoint("POST", "/v1/credit_notes", credit_notes.create, credit_notes.FIELDS),
    Endpoint("GET", "/v1/credit_notes", credit_notes.list_notes, _paged("invoice", "customer")),
    Endpoint("GET", "/v1/credit_notes/preview", credit_notes.preview, credit_notes.FIELDS),
    Endpoint("GET", "/v1/credit_notes/{id}", credit_notes.retrieve),
    Endpoint("GET", "/v1/credit_notes/{id}/lines", credit_notes.list_lines, PAGE_PARAMS),
    Endpoint("POST", "/v1/credit_notes/{id}/void", credit_notes.void),
)

PAYMENTS = (
    Endpoint("GET", "/v1/payment_intents", payments.list_intents, _paged("created", "customer")),
    Endpoint("GET", "/v1/payment_intents/{id}", catalog.retrieve("payment_intent")),
    Endpoint("GET", "/v1/charges/{id}", catalog.retrieve("charge")),
    Endpoint("POST", "/v1/refunds", payments.create_refund, payments.REFUND_FIELDS),
    Endpoint("GET", "/v1/refunds", payments.list_refunds, _paged("created", "charge", "payment_intent")),
    Endpoint("GET", "/v1/refunds/{id}", catalog.retrieve("refund")),
)

EVENTS = (
    Endpoint("GET", "/v1/events", events.list_events, _paged("created", "type", "types")),
    Endpoint("GET", "/v1/events/{id}", events.retrieve),
    Endpoint("POST", "/v1/webhook_endpoints", webhooks.create, webhooks.FIELDS),
    Endpoint("GET", "/v1/webhook_endpoints", webhooks.list_endpoints, PAGE_PARAMS),
    Endpoint("GET", "/v1/webhook_endpoints/{id}", webhooks.retrieve),
    Endpoint("DELETE", "/v1/webhook_endpoints/{id}", webhooks.delete),
)

ENDPOINTS = (*CUSTOMERS, *CATALOG, *INVOICES, *CREDIT_NOTES, *PAYMENTS, *EVENTS)
"""All endpoints; a fixed path stands before one with a placeholder in its place."""
