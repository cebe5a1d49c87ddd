"""What sales works with before and beside a contract: deals, and orders placed in the CRM.

None of them is billed by itself. What a contract sells stands in the contract's own lines, and those are billed; the orders placed under it are kept
to tell what was ordered. Orders that are billed, because they were priced elsewhere, are in `canonical_model.orders`.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from canonical_model.money import Money


class OpportunityLine(msgspec.Struct, frozen=True, kw_only=True):
    """One thing offered in a deal.

    Attributes:
        line_id: Identifier in the source.
        product_code: BT-155.
        description: BT-153.
        quantity: Units offered.
        unit_price: Price of one unit, before the line's discount.
        unit: UN/ECE Recommendation 20 code (BT-130).
        list_price: Price of one unit in the price book, if the source knows it.
        discount_percent: 0-100, on this line.
        term_months: How long the line is to run, if that was agreed.
        service_date: First day of service, if that was agreed.
    """

    line_id: str
    product_code: str
    description: str
    quantity: Decimal
    unit_price: Money
    unit: str = "C62"
    list_price: Money | None = None
    discount_percent: Decimal = Decimal(0)
    term_months: int | None = None
    service_date: date | None = None


class Opportunity(msgspec.Struct, frozen=True, kw_only=True):
    """A deal that sales works on, or has won or lost.

    Attributes:
        opportunity_id: Identifier in the source.
        name: What sales calls it.
        stage: Whether it is still open, and if not, how it ended.
        stage_name: The stage in the words of the source.
        currency: ISO 4217; all its amounts are in it.
        close_date: Day it was closed, or is expected to be.
        probability_percent: 0-100; how sure sales is to win it.
        amount: What it is worth, if that is known.
        customer_id: The buyer; None for a prospect without a customer number.
        legal_entity: Code of the selling legal entity; None while that is open.
        price_book: Name of the price book it is offered from, if there is one.
        contract_id: The contract it became or extends, if any (BT-12).
        lines: What is offered, in the order of the offer; empty while that is open.
    """

    opportunity_id: str
    name: str
    stage: Literal["open", "won", "lost"]
    stage_name: str
    currency: str
    close_date: date
    probability_percent: Decimal
    amount: Money | None = None
    customer_id: str | None = None
    legal_entity: str | None = None
    price_book: str | None = None
    contract_id: str | None = None
    lines: tuple[OpportunityLine, ...] = ()


class SalesOrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order placed in the CRM.

    Attributes:
        line_id: Its number in the source.
        product_code: BT-155.
        description: BT-153.
        quantity: Units ordered; negative in an order that takes back (BT-129).
        unit_price: Price of one unit as ordered.
        unit: UN/ECE Recommendation 20 code (BT-130).
        list_price: Price of one unit in the price book, if the source knows it.
        service_start: First day of service, if the line has one (BT-134).
        service_end: Last day of service, if the line has one (BT-135).
        cost_center: The buyer's accounting reference (BT-133).
    """

    line_id: str
    product_code: str
    description: str
    quantity: Decimal
    unit_price: Money
    unit: str = "C62"
    list_price: Money | None = None
    service_start: date | None = None
    service_end: date | None = None
    cost_center: str | None = None


class SalesOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order placed in the CRM, mostly under a contract; never billed by itself.

    Attributes:
        order_id: The seller's order number (BT-14).
        customer_id: The buyer.
        status: A draft binds nobody yet.
        currency: ISO 4217; all its prices are in it.
        effective_date: First day it counts.
        end_date: Last day it counts, if it ends.
        contract_id: The contract it was placed under, if any (BT-12).
        legal_entity: Code of the selling legal entity; None where only the contract says it.
        price_book: Name of the price book it was sold from, if there is one.
        purchase_order: The buyer's order reference (BT-13).
        bill_to_contact: The contact that its invoices go to, if one was chosen.
        lines: What was ordered, in the order of their numbers; empty while nothing was.
    """

    order_id: str
    customer_id: str
    status: Literal["draft", "activated"]
    currency: str
    effective_date: date
    end_date: date | None = None
    contract_id: str | None = None
    legal_entity: str | None = None
    price_book: str | None = None
    purchase_order: str | None = None
    bill_to_contact: str | None = None
    lines: tuple[SalesOrderLine, ...] = ()
