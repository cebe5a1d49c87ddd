"""Drafts from orders that were priced elsewhere: an order becomes an invoice, a cancellation a credit note."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from billhub.billing.draft import Draft
from billhub.billing.soundness import sound
from billhub.hub import Hub
from billhub.store import documents
from canonical_model.encoding import decode
from canonical_model.invoices import CREDIT_NOTE, INVOICE, Invoice, InvoiceLine
from canonical_model.money import Money, total
from canonical_model.orders import Order, OrderLine
from canonical_model.parties import Address, Party
from canonical_model.totals import net_totals


def drafts(connection: Connection, hub: Hub, stored: Sequence[documents.Stored]) -> list[Draft]:
    """One draft for every order; one that nothing can be computed from goes to the exception desk."""
    orders = sound(connection, hub, "order", [(each, decode(each.body, Order)) for each in stored])
    return [_draft(hub, each, order) for each, order in orders]


def _draft(hub: Hub, stored: documents.Stored, order: Order) -> Draft:
    raw = total((line.unit_price * line.quantity for line in order.lines), order.currency).amount
    return Draft(
        invoice=invoice_for(order, seller=hub.policy.seller(order.legal_entity)),
        source_entity="order",
        source_id=order.order_id,
        source_version=stored.version,
        raw_amount=raw,
        made_from=(stored.document_id,),
    )


def invoice_for(order: Order, *, seller: Party) -> Invoice:
    """The untaxed invoice of an order, or the credit note of a cancellation.

    Args:
        order: What was ordered.
        seller: As printed.
    """
    sign = -1 if order.kind == "cancellation" else 1
    lines = tuple(_line(order, line, sign) for line in order.lines)
    name = f"Customer {order.customer_id}" if order.customer_id else ""
    return Invoice(
        invoice_id=f"order_{order.order_id}",
        document_type=CREDIT_NOTE if order.kind == "cancellation" else INVOICE,
        legal_entity=order.legal_entity,
        seller=seller,
        buyer=Party(party_id=order.customer_id or "", name=name, address=Address(country=order.buyer_country or "")),
        currency=order.currency,
        issue_date=order.order_date,
        due_date=order.order_date + timedelta(days=30),
        tax_point_date=order.order_date,
        lines=lines,
        totals=net_totals(lines, order.currency),
        order_id=order.order_id,
        payment_terms="30 days net",
    )


def _line(order: Order, line: OrderLine, sign: int) -> InvoiceLine:
    quantity = line.quantity * sign
    exact: Money = line.unit_price * quantity
    net = exact.rounded()
    return InvoiceLine(
        line_id=line.line_id,
        product_code=line.product_code,
        description=line.description or line.product_code,
        quantity=quantity,
        unit_price=line.unit_price,
        rounding=net - exact,
        net=net,
    )
