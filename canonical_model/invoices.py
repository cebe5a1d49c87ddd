"""Invoices and credit notes: the superset of EN 16931 that every target is served from."""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from canonical_model.money import Money
from canonical_model.parties import Party
from canonical_model.tax import JurisdictionTax, TaxCategory

INVOICE: Literal["380"] = "380"
CREDIT_NOTE: Literal["381"] = "381"
DocumentType = Literal["380", "381"]
"""UNCL 1001: commercial invoice, credit note (BT-3)."""


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """A reduction of a line (BG-27).

    Attributes:
        amount: Not negative on an invoice (BT-136).
        reason: BT-139.
        percent: 0-100, where the amount comes from a percentage (BT-138).
    """

    amount: Money
    reason: str
    percent: Decimal | None = None


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line (BG-25).

    `net = quantity x unit_price / price_base_quantity - allowances + rounding`, exactly.

    Attributes:
        line_id: BT-126.
        product_code: BT-155.
        description: BT-153.
        quantity: BT-129.
        unit: UN/ECE Recommendation 20 code (BT-130).
        unit_price: BT-146; may have more decimals than the currency.
        price_base_quantity: Units the price is for (BT-149).
        allowances: BG-27.
        rounding: What was added to reach a whole minor unit; a named residual, shown and summed.
        net: BT-131.
        tax_code: The tax engine's product class, if known.
        tax_category: BT-151; None until taxed.
        tax_rate: Percent 0-100, all jurisdictions together (BT-152); None until taxed.
        taxes: The tax by jurisdiction.
        period_start: First day billed (BT-134).
        period_end: Last day billed (BT-135).
    """

    line_id: str
    product_code: str
    description: str
    quantity: Decimal
    unit_price: Money
    net: Money
    rounding: Money
    unit: str = "C62"
    price_base_quantity: Decimal = Decimal(1)
    allowances: tuple[Allowance, ...] = ()
    tax_code: str | None = None
    tax_category: TaxCategory | None = None
    tax_rate: Decimal | None = None
    taxes: tuple[JurisdictionTax, ...] = ()
    period_start: date | None = None
    period_end: date | None = None


class TaxSubtotal(msgspec.Struct, frozen=True, kw_only=True):
    """Tax of one category and rate (BG-23).

    Attributes:
        category: UNCL 5305 (BT-118).
        rate: Percent 0-100 (BT-119).
        taxable: BT-116.
        tax: BT-117.
        exemption_reason: Why no tax is due (BT-120).
    """

    category: TaxCategory
    rate: Decimal
    taxable: Money
    tax: Money
    exemption_reason: str | None = None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Document totals (BG-22).

    Attributes:
        net: Sum of line nets, tax exclusive (BT-106, BT-109).
        tax: BT-110.
        gross: Tax inclusive (BT-112).
        payable: Amount due (BT-115).
    """

    net: Money
    tax: Money
    gross: Money
    payable: Money


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or credit note, from draft to released.

    Attributes:
        invoice_id: Canonical identifier, made of what is billed (contract and period, or order), never of time or run.
        document_type: BT-3.
        legal_entity: Code of the selling legal entity.
        seller: BG-4.
        buyer: BG-7.
        currency: ISO 4217 (BT-5).
        issue_date: BT-2.
        due_date: BT-9.
        tax_point_date: BT-7.
        lines: BG-25, at least one.
        totals: BG-22.
        tax_subtotals: BG-23; empty until taxed.
        number: BT-1; None until released.
        purchase_order: BT-13.
        contract_id: BT-12.
        order_id: Seller's or source's order reference (BT-14).
        period_start: BT-73.
        period_end: BT-74.
        payment_terms: BT-20.
        billing_timing: Whether a contract period is billed before or after service; decides deferral of revenue.
        tax_reference: The tax engine's identifier of its answer.
    """

    invoice_id: str
    document_type: DocumentType
    legal_entity: str
    seller: Party
    buyer: Party
    currency: str
    issue_date: date
    due_date: date
    tax_point_date: date
    lines: tuple[InvoiceLine, ...]
    totals: Totals
    tax_subtotals: tuple[TaxSubtotal, ...] = ()
    number: str | None = None
    purchase_order: str | None = None
    contract_id: str | None = None
    order_id: str | None = None
    period_start: date | None = None
    period_end: date | None = None
    payment_terms: str | None = None
    billing_timing: Literal["in_advance", "in_arrears"] | None = None
    tax_reference: str | None = None
