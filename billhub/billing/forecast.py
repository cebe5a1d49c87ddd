"""What a document would be billed with, without drafting anything."""

from collections.abc import Iterator
from datetime import date

import msgspec

from billhub.billing import contracts, orders
from billhub.billing.soundness import defects
from billhub.policy import Policy
from canonical_model.contracts import Contract
from canonical_model.invoices import Invoice
from canonical_model.money import Money
from canonical_model.orders import Order
from canonical_model.schedule import due_periods


def billed(policy: Policy, as_of: date, document: msgspec.Struct | None) -> dict[str, Money]:
    """Net amount of every invoice that is due for a contract or order, by the invoice's id; nothing for any other document.

    Args:
        policy: Since when the legal entities bill here.
        as_of: The business date.
        document: Any canonical document, or none.
    """
    if not isinstance(document, Contract | Order) or any(defects(policy, document)):
        return {}
    return {invoice.invoice_id: invoice.totals.net for invoice in _invoices(policy, as_of, document)}


def _invoices(policy: Policy, as_of: date, document: Contract | Order) -> Iterator[Invoice]:
    if isinstance(document, Order):
        yield orders.invoice_for(document, seller=policy.seller(document.legal_entity))
    elif document.status == "active":
        seller = policy.seller(document.legal_entity)
        for period in due_periods(document, as_of=as_of, since=policy.entities[document.legal_entity].go_live):
            yield contracts.invoice_for(document, period, None, seller=seller, issued=as_of)
