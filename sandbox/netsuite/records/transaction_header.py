"""What the headers of all transactions with a customer share: who, where, in which currency, when."""

from dataclasses import dataclass
from datetime import date

from sandbox.netsuite.books import Books, as_date_time
from sandbox.netsuite.money import places
from sandbox.netsuite.plan import Body
from sandbox.netsuite.reference import Ref, as_ref, invalid_reference
from sandbox.netsuite.refusal import RefusedError, missing


@dataclass(frozen=True)
class Header:
    """A checked header. `currency` is the ISO 4217 code, `decimals` its precision."""

    customer: Body
    subsidiary: Body
    currency_entry: Body
    day: date

    @property
    def currency(self) -> str:
        """The ISO 4217 code."""
        symbol: str = self.currency_entry["symbol"]
        return symbol

    @property
    def decimals(self) -> int:
        """The currency's precision."""
        return places(self.currency)

    def fields(self, entity_field: str) -> Body:
        """Return the header's fields as they are stored; `entity_field` names the customer's."""
        return {
            entity_field: as_ref(self.customer, "entityId"),
            "subsidiary": as_ref(self.subsidiary),
            "currency": as_ref(self.currency_entry),
            "currencyName": self.currency_entry["name"],
            "tranDate": as_date_time(self.day),
        }


def check_header(books: Books, body: Body, entity_field: str) -> Header:
    """Check the header of a transaction.

    Raises:
        RefusedError: The customer is missing, unknown or inactive; the subsidiary is not the customer's;
            the customer does not trade in the currency; or the day is in a closed period.
    """
    if entity_field not in body:
        raise missing("Customer")
    customer = books.resolve("customer", body[entity_field], "entity")
    check_not_refused(customer)
    if customer.get("isInactive"):
        raise invalid_reference("entity", body[entity_field])
    subsidiary = books.reference.subsidiaries.find(body.get("subsidiary") or customer["subsidiary"])
    if subsidiary["internalId"] != customer["subsidiary"]["internalId"]:
        names = f"{subsidiary['name']} is not that of customer {customer['entityId']}"
        raise RefusedError("SUBSIDIARY_MISMATCH", f"The subsidiary {names}, {customer['subsidiary']['name']}.")
    currency = books.reference.currencies.find(body.get("currency") or customer["currency"])
    if currency["internalId"] not in _currency_ids(customer):
        raise invalid_reference(
            "currency", {"internalId": f"{currency['internalId']} for customer {customer['entityId']}"}
        )
    return Header(customer, subsidiary, currency, books.open_day(body.get("tranDate")))


def check_not_refused(customer: Body) -> None:
    """Refuse every write that concerns a customer the seed marks so, with the seed's code and words.

    Raises:
        RefusedError: The customer is marked.
    """
    if "_refuseCode" in customer:
        raise RefusedError(customer["_refuseCode"], customer["_refuseMessage"])


def _currency_ids(customer: Body) -> set[str]:
    rows = customer.get("currencyList", {}).get("currency", ())
    return {customer["currency"]["internalId"], *(row["currency"]["internalId"] for row in rows)}


def account_number(books: Books, body: Body, field: str, default: str) -> tuple[str, Ref]:
    """Return number and reference of the account a field names, or of the default account."""
    account = books.reference.accounts.find(body.get(field) or {"externalId": default})
    return account["externalId"], as_ref(account)
