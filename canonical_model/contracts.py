"""Contracts and the price book they were sold from."""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from canonical_model.money import Money

BillingFrequency = Literal["monthly", "quarterly", "annual"]
BillingTiming = Literal["in_advance", "in_arrears"]
AmendmentStatus = Literal["draft", "submitted", "approved", "rejected"]


class PriceBookEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The list price of one product in one price book.

    Attributes:
        entry_id: `price_book/product_code/currency`.
        price_book: Name of the price book; each legal entity has one.
        product_code: Seller's item identifier (BT-155).
        product_name: BT-153.
        unit_price: List price of one unit for one year.
        unit: UN/ECE Recommendation 20 code (BT-130).
        tax_code: The tax engine's product class, if known.
        active: Whether it may be sold.
    """

    entry_id: str
    price_book: str
    product_code: str
    product_name: str
    unit_price: Money
    unit: str = "C62"
    tax_code: str | None = None
    active: bool = True


class ContractLine(msgspec.Struct, frozen=True, kw_only=True):
    """One thing sold under a contract.

    Attributes:
        line_id: Identifier of the line in its contract.
        product_code: BT-155.
        description: BT-153.
        quantity: Units (BT-129).
        unit: UN/ECE Recommendation 20 code (BT-130).
        unit_price: Price of one unit for one year, before the contract's discount.
        tax_code: The tax engine's product class, if known.
    """

    line_id: str
    product_code: str
    description: str
    quantity: Decimal
    unit_price: Money
    unit: str = "C62"
    tax_code: str | None = None


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """A change order to a contract; the contract's lines already show it once it is approved.

    Attributes:
        amendment_id: Its name in the source.
        status: How far its approval has come.
        effective_date: First day it counts.
        description: What it changes.
    """

    amendment_id: str
    status: AmendmentStatus
    effective_date: date
    description: str | None = None


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """A signed contract with its billing terms (BT-12).

    Attributes:
        contract_id: Contract number, stable over all systems.
        customer_id: The buyer.
        legal_entity: Code of the selling legal entity.
        status: Only `active` contracts are billed.
        currency: ISO 4217; all prices of the contract are in it.
        start_date: First day of service.
        term_months: Length of the contract.
        billing_frequency: Length of one billing period.
        billing_timing: Whether a period is billed at its start or after its end.
        price_book: Name of the price book it was sold from.
        lines: What was sold, at least one.
        discount_percent: 0-100, on every line.
        purchase_order: Buyer's order reference (BT-13).
        amendments: Change orders, in order of their name.
    """

    contract_id: str
    customer_id: str
    legal_entity: str
    status: Literal["draft", "active", "ended"]
    currency: str
    start_date: date
    term_months: int
    billing_frequency: BillingFrequency
    billing_timing: BillingTiming
    price_book: str
    lines: tuple[ContractLine, ...]
    discount_percent: Decimal = Decimal(0)
    purchase_order: str | None = None
    amendments: tuple[Amendment, ...] = ()


class ErpContract(msgspec.Struct, frozen=True, kw_only=True):
    """What the ERP knows of a contract: its sales order.

    Attributes:
        contract_id: Contract number.
        customer_id: The customer the ERP has it under.
        annual_value: Value of one contract year, before tax.
        purchase_order: Buyer's order reference, if the ERP has one.
    """

    contract_id: str
    customer_id: str
    annual_value: Money
    purchase_order: str | None = None
