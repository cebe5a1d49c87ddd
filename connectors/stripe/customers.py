"""The buyer's customer object at Stripe: found by our key, created once, kept up to date."""

from collections.abc import Mapping
from typing import Any

from connectors.stripe.client import Object, StripeClient
from connectors.stripe.steps import once

KEY = "hub_customer_id"
_FIELDS = ("name", "email", "address")


class Customers:
    """Stripe's identifiers of our buyers; remembers those of this process."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client
        self._known: dict[str, tuple[Mapping[str, Any], str]] = {}

    def identifier(self, buyer: Mapping[str, Any]) -> str:
        """The customer of a buyer, created or corrected where needed.

        Args:
            buyer: `key` (ours), `name`, `email`, `address`, `metadata`.

        Raises:
            ConnectorError: It cannot be found or created.
        """
        key = str(buyer["key"])
        known = self._known.get(key)
        if known and known[0] == buyer:
            return known[1]
        customer = self._find(buyer) or self._create(buyer)
        if not _same(customer, buyer):
            customer = self._client.update("customers", customer["id"], _params(buyer))
        self._known[key] = (buyer, customer["id"])
        return str(customer["id"])

    def _find(self, buyer: Mapping[str, Any]) -> Object | None:
        """The list by address is always up to date; the search also finds a customer whose address has changed."""
        key = str(buyer["key"])
        same_address = self._client.list_all("customers", {"email": buyer["email"]}) if buyer.get("email") else ()
        listed = next((customer for customer in same_address if customer["metadata"].get(KEY) == key), None)
        return listed or next(iter(self._client.search("customers", metadata_query(KEY, [key]))), None)

    def _create(self, buyer: Mapping[str, Any]) -> Object:
        return once(
            f"customer/{buyer['key']}",
            "create",
            attempt=lambda key: self._client.create("customers", _params(buyer), key),
            look=lambda: self._find(buyer),
        )


def metadata_query(name: str, values: list[str]) -> str:
    """A search for any of some metadata values; Stripe takes ten clauses (docs.stripe.com/search, read 2026-11)."""
    return " OR ".join(f"metadata['{name}']:'{_escaped(value)}'" for value in values)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _params(buyer: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: buyer[name] for name in _FIELDS if buyer.get(name)}
    return {**fields, "metadata": {**buyer.get("metadata", {}), KEY: str(buyer["key"])}}


def _same(customer: Object, buyer: Mapping[str, Any]) -> bool:
    address = customer.get("address") or {}
    wanted = buyer.get("address") or {}
    return all(customer.get(name) == buyer.get(name) for name in ("name", "email") if buyer.get(name)) and all(
        address.get(name) == value for name, value in wanted.items() if value
    )
