"""An invoice at Stripe: a draft under our key, its items one by one, a check of the total, and only then the final invoice."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.contract import WriteRequest
from connectors.errors import RejectedError, UnsupportedError
from connectors.stripe.client import Object, StripeClient
from connectors.stripe.customers import Customers
from connectors.stripe.steps import once

KEY = "hub_key"
_ITEM = "hub_item"
_MOST_ITEMS = 250  # docs.stripe.com/api/invoiceitems/create, parameter `invoice` (read 2026-11)


class Invoices:
    """The steps of writing an invoice; each may be repeated without a second effect."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client
        self._customers = Customers(client)

    def begin(self, request: WriteRequest) -> Object:
        """The invoice of a request as far as it has come, or a new draft.

        Stripe is asked first: an idempotency key only protects for a day, the list of the customer's invoices for ever.

        Raises:
            UnsupportedError: Stripe cannot take such an invoice.
            ConnectorError: It cannot be found or created.
        """
        _check(request.payload)
        customer = self._customers.identifier(request.payload["customer"])
        return self._existing(customer, request.key) or once(
            request.key,
            "invoice",
            attempt=lambda key: self._client.create("invoices", _params(request, customer), key),
            look=lambda: self._existing(customer, request.key),
        )

    def complete(self, invoice: Object, request: WriteRequest) -> Object:
        """The final invoice; adds the items that are missing, and finalizes when the total is right.

        Raises:
            RejectedError: What stands at Stripe under this key is something else; nothing was finalized.
            ConnectorError: A step failed.
        """
        if invoice["status"] == "draft":
            self._add_items(invoice, request)
            invoice = self._client.retrieve("invoices", invoice["id"])
            _compare(invoice, request.payload)
            invoice = self._finalize(invoice["id"], request.key)
        _compare(invoice, request.payload)
        return invoice

    def items(self, invoice: str) -> list[Object]:
        """The items of an invoice, in the order in which we counted them.

        Raises:
            ConnectorError: They cannot be read.
        """
        items = self._client.list_all("invoice_items", {"invoice": invoice})
        return sorted(items, key=lambda item: int(item["metadata"].get(_ITEM, 0)))

    def _existing(self, customer: str, key: str) -> Object | None:
        invoices = self._client.list_all("invoices", {"customer": customer})
        return next((invoice for invoice in invoices if invoice["metadata"].get(KEY) == key), None)

    def _add_items(self, invoice: Object, request: WriteRequest) -> None:
        present = (
            {item["metadata"].get(_ITEM): item for item in self.items(invoice["id"])}
            if invoice["lines"]["data"]
            else {}
        )
        for number, wanted in enumerate(request.payload["items"], start=1):
            item = present.get(str(number)) or self._add_item(invoice, number, wanted, request.key)
            if item["amount"] != wanted["amount"]:
                raise _differs(f"item {number}", item["amount"], wanted["amount"])

    def _add_item(self, invoice: Object, number: int, wanted: Mapping[str, Any], key: str) -> Object:
        params = {
            "customer": invoice["customer"],
            "invoice": invoice["id"],
            "currency": invoice["currency"],
            "amount": wanted["amount"],
            "description": wanted.get("description") or "",
            "metadata": {**wanted.get("metadata", {}), _ITEM: str(number)},
        }
        return once(
            # Bound to the draft: should that one be deleted by hand, the next draft's items are new ones.
            f"{key}/{invoice['id']}",
            f"item-{number}",
            attempt=lambda idempotency_key: self._client.create("invoice_items", params, idempotency_key),
            look=lambda: next((i for i in self.items(invoice["id"]) if i["metadata"].get(_ITEM) == str(number)), None),
        )

    def _finalize(self, invoice: str, key: str) -> Object:
        return once(
            f"{key}/{invoice}",
            "finalize",
            attempt=lambda idempotency_key: self._client.finalize(invoice, idempotency_key),
            look=lambda: self._final(invoice),
        )

    def _final(self, invoice: str) -> Object | None:
        found = self._client.retrieve("invoices", invoice)
        return None if found["status"] == "draft" else found


def payload_of(invoice: Object, items: Sequence[Object]) -> dict[str, Any]:
    """An invoice in the shape we write, limited to what Stripe gives back; the buyer is left out, it may change."""
    return {
        "currency": invoice["currency"],
        "number": invoice["number"],
        "description": invoice["description"],
        "metadata": _without(invoice["metadata"], KEY),
        "items": [
            {
                "amount": item["amount"],
                "description": item["description"],
                "metadata": _without(item["metadata"], _ITEM),
            }
            for item in items
        ],
    }


def answer_of(invoice: Object) -> dict[str, Any]:
    """What is worth keeping of Stripe's answer; `total` in minor units."""
    return {
        "payment_url": invoice.get("hosted_invoice_url"),
        "status": invoice["status"],
        "total": invoice["total"],
        "number": invoice.get("number"),
    }


def _without(metadata: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if key != name}


def _params(request: WriteRequest, customer: str) -> dict[str, Any]:
    payload = request.payload
    optional = {name: payload[name] for name in ("number", "description") if payload.get(name)}
    return {
        **optional,
        "customer": customer,
        "currency": payload["currency"],
        "collection_method": "send_invoice",
        "days_until_due": payload.get("days_until_due", 30),
        "auto_advance": False,
        "pending_invoice_items_behavior": "exclude",
        "metadata": {**payload.get("metadata", {}), KEY: request.key},
    }


def _check(payload: Mapping[str, Any]) -> None:
    missing = next(
        (name for name in ("customer", "currency", "items") if payload.get(name) is None or payload[name] == ""), None
    )
    if missing:
        raise _rejected("missing_field", f"{missing} is missing", missing)
    items = payload["items"]
    if not all(isinstance(item.get("amount"), int) for item in items):
        raise _rejected("invalid_amount", "every item needs an amount, a whole number of minor units", "items")
    reason = _unsupported(items)
    if reason:
        raise UnsupportedError(reason, connector="stripe", operation="write invoice")


def _unsupported(items: Sequence[Mapping[str, Any]]) -> str | None:
    if not items:
        return "an invoice without items"
    if len(items) > _MOST_ITEMS:
        return f"{len(items)} items, at most {_MOST_ITEMS} fit"
    if sum(item["amount"] for item in items) < 0:
        return "a negative total; it would become credit of the customer. Write a credit note"
    return None


def _total(payload: Mapping[str, Any]) -> int:
    return sum(item["amount"] for item in payload["items"])


def _compare(invoice: Object, payload: Mapping[str, Any]) -> None:
    if invoice["status"] == "void":
        raise _rejected(
            "already_void", f"invoice {invoice['id']} of this key was voided at Stripe; write it under a new key"
        )
    wanted = {
        "total": _total(payload),
        "currency": payload["currency"],
        "number": payload.get("number") or invoice["number"],
    }
    for name, value in wanted.items():
        if invoice[name] != value:
            raise _differs(name, invoice[name], value)


def _differs(name: str, found: object, wanted: object) -> RejectedError:
    return _rejected(
        "content_differs", f"{name} is {found!r} at Stripe and {wanted!r} here; the draft stays unfinished", name
    )


def _rejected(code: str, message: str, field: str | None = None) -> RejectedError:
    return RejectedError(message, connector="stripe", operation="write invoice", code=code, field=field)
