"""Parties: who sells and who buys."""

from typing import Literal

import msgspec


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A postal address (BG-5, BG-8).

    Attributes:
        line1: Street and number (BT-35, BT-50).
        city: BT-37, BT-52.
        region: ISO 3166-2 subdivision without the country prefix, for example `NY` (BT-39, BT-54).
        postal_code: BT-38, BT-53.
        country: ISO 3166-1 alpha-2 (BT-40, BT-55).
    """

    country: str
    line1: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer as master data (BG-7).

    Attributes:
        customer_id: Canonical identifier, stable over all systems (BT-46).
        name: Registered name (BT-44).
        status: Whether anything may still be sold to the customer.
        address: Billing address (BG-8).
        tax_id: VAT or other tax registration, without blanks (BT-48).
        currency: Preferred ISO 4217 currency.
        billing_email: Where invoices go (BT-58).
        payment_terms_days: Days from issue to due date.
        purchase_order_required: Whether an invoice must carry a purchase order reference.
    """

    customer_id: str
    name: str
    address: Address
    status: Literal["active", "inactive"] = "active"
    tax_id: str | None = None
    currency: str | None = None
    billing_email: str | None = None
    payment_terms_days: int = 30
    purchase_order_required: bool = False


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A person at a customer (BG-9).

    Attributes:
        contact_id: Identifier in the source.
        customer_id: The customer the person works for.
        name: As the person is addressed (BT-56).
        role: What the person is there for; invoices go to a `billing` contact.
        email: BT-58.
        phone: BT-57.
        title: Title of the job.
        department: Department at the customer.
        address: Where post reaches the person, if it is known.
        email_opt_out: Whether the person wants no mail beside what the contract asks for.
    """

    contact_id: str
    customer_id: str
    name: str
    role: Literal["billing", "purchasing", "technical", "other"] = "other"
    email: str | None = None
    phone: str | None = None
    title: str | None = None
    department: str | None = None
    address: Address | None = None
    email_opt_out: bool = False


class RecordAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One address of a customer in another system.

    Attributes:
        address: The address itself.
        billing: Whether that system sends invoices there.
        label: What that system calls it, if it does.
    """

    address: Address
    billing: bool
    label: str | None = None


class CustomerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What another system (the books, the payment gateway) holds of a customer, to be compared with the master data.

    Attributes:
        record_id: `system/its identifier there`, for example `netsuite/1024`.
        customer_id: The customer it is about (BT-46).
        name: Name there (BT-44).
        status: Whether it may be used there.
        tax_id: Tax registration there, without blanks (BT-48).
        currency: ISO 4217 currency it is kept in there, if it is kept in one.
        email: Where that system writes to (BT-58).
        addresses: All addresses there, in the order of that system.
    """

    record_id: str
    customer_id: str
    name: str
    status: Literal["active", "inactive"]
    tax_id: str | None = None
    currency: str | None = None
    email: str | None = None
    addresses: tuple[RecordAddress, ...] = ()


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A seller or buyer as printed on one document (BG-4, BG-7): a snapshot, not a reference.

    Attributes:
        party_id: Code of the legal entity, or customer_id.
        name: BT-27, BT-44.
        address: BG-5, BG-8.
        tax_id: BT-31, BT-48.
        email: BT-43, BT-58.
    """

    party_id: str
    name: str
    address: Address
    tax_id: str | None = None
    email: str | None = None
