"""Payments: what customers have paid, as a gateway or the books tell it."""

from datetime import date
from typing import Literal

import msgspec

from canonical_model.money import Money

PaymentMethod = Literal["card", "credit_transfer", "direct_debit", "cheque", "cash", "wallet"]


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a payment that settles one invoice.

    Attributes:
        invoice_number: Number of the invoice (BT-1).
        amount: How much of the payment goes to it.
    """

    invoice_number: str
    amount: Money


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment by a customer.

    What is not allocated stands to the customer's credit. One payment that two systems know is two documents with one `reference`.

    Attributes:
        payment_id: `system/its identifier there`, for example `netsuite/10045`.
        status: Whether the money is there; only `received` settles anything.
        amount: The whole payment; of a pending one what was asked for.
        customer_id: Who paid; None where the system does not say so in our numbers.
        received_date: Day the money came in; None until then.
        method: Means of payment (BT-81), if known.
        reference: What the gateway or the bank calls it, if known.
        allocations: Which invoices it settles, in the order of their numbers.
    """

    payment_id: str
    status: Literal["pending", "received", "cancelled"]
    amount: Money
    customer_id: str | None = None
    received_date: date | None = None
    method: PaymentMethod | None = None
    reference: str | None = None
    allocations: tuple[Allocation, ...] = ()
