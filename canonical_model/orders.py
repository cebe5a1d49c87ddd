"""Orders that were priced elsewhere and only need to be invoiced."""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from canonical_model.money import Money


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order, exactly as ordered.

    Attributes:
        line_id: Position in the source document, from 1.
        product_code: BT-155.
        description: BT-153; None where the source has none.
        quantity: Units; negative in a cancellation (BT-129).
        unit_price: Price of one unit; may have more decimals than the currency (BT-146).
    """

    line_id: str
    product_code: str
    quantity: Decimal
    unit_price: Money
    description: str | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A priced order or its cancellation.

    Attributes:
        order_id: Number in the source, for example `536365` or `C536379`.
        kind: An order becomes an invoice, a cancellation a credit note.
        legal_entity: Code of the selling legal entity.
        order_date: Day of supply; the tax point.
        currency: ISO 4217.
        lines: In source order.
        customer_id: The buyer; None where the source names none.
        buyer_country: ISO 3166-1 alpha-2 of the buyer; None where the source names none.
    """

    order_id: str
    kind: Literal["order", "cancellation"]
    legal_entity: str
    order_date: date
    currency: str
    lines: tuple[OrderLine, ...]
    customer_id: str | None = None
    buyer_country: str | None = None
