"""Drafts from contracts: one for each billing period that is due."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection

from billhub.billing.draft import Draft
from billhub.billing.soundness import sound
from billhub.checks.contract_rules import LONGEST_PAYMENT_TERMS
from billhub.hub import Hub
from billhub.store import documents
from canonical_model.contracts import Contract
from canonical_model.encoding import decode
from canonical_model.invoices import INVOICE, Allowance, Invoice, InvoiceLine
from canonical_model.money import zero
from canonical_model.parties import Address, Customer, Party
from canonical_model.schedule import BillingPeriod, LineInstalment, due_periods, instalments
from canonical_model.totals import net_totals


def drafts(connection: Connection, hub: Hub, stored: Sequence[documents.Stored]) -> list[Draft]:
    """One draft for every due period of these contracts; one that nothing can be computed from goes to the exception desk."""
    contracts = sound(connection, hub, "contract", [(each, decode(each.body, Contract)) for each in stored])
    buyers = documents.current(connection, "customer", [contract.customer_id for _, contract in contracts])
    return [
        _draft(hub, each, contract, period, buyers.get(contract.customer_id))
        for each, contract in contracts
        if contract.status == "active"
        for period in due_periods(contract, as_of=hub.as_of, since=hub.policy.entities[contract.legal_entity].go_live)
    ]


def _draft(
    hub: Hub,
    stored: documents.Stored,
    contract: Contract,
    period: BillingPeriod,
    buyer: documents.Stored | None,
) -> Draft:
    customer = decode(buyer.body, Customer) if buyer else None
    seller = hub.policy.seller(contract.legal_entity)
    invoice = invoice_for(contract, period, customer, seller=seller, issued=hub.as_of)
    return Draft(
        invoice=invoice,
        source_entity="contract",
        source_id=contract.contract_id,
        source_version=stored.version,
        raw_amount=invoice.totals.net.amount,
        made_from=(stored.document_id, buyer.document_id) if buyer else (stored.document_id,),
    )


def invoice_for(
    contract: Contract, period: BillingPeriod, customer: Customer | None, *, seller: Party, issued: date
) -> Invoice:
    """The untaxed invoice of one period of a contract.

    Args:
        contract: Its terms.
        period: One of its periods.
        customer: The buyer's master data; None while it is unknown, which the checks hold.
        seller: As printed.
        issued: Day of issue; it becomes due as many days later as the buyer's terms say.
    """
    lines = tuple(_line(contract, period, part) for part in instalments(contract, period))
    # Terms outside hold the draft (HUB-C23); until they are mended, its due date must at least be a date.
    terms = min(max(customer.payment_terms_days, 0), LONGEST_PAYMENT_TERMS) if customer else 30
    return Invoice(
        invoice_id=f"{contract.contract_id}_{period.start}",
        document_type=INVOICE,
        legal_entity=contract.legal_entity,
        seller=seller,
        buyer=_buyer(contract.customer_id, customer),
        currency=contract.currency,
        issue_date=issued,
        due_date=issued + timedelta(days=terms),
        tax_point_date=period.due_on,
        lines=lines,
        totals=net_totals(lines, contract.currency),
        purchase_order=contract.purchase_order,
        contract_id=contract.contract_id,
        period_start=period.start,
        period_end=period.end,
        payment_terms=f"{terms} days net",
        billing_timing=contract.billing_timing,
    )


def _line(contract: Contract, period: BillingPeriod, part: LineInstalment) -> InvoiceLine:
    line = part.line
    discount = Allowance(amount=part.discount, reason="Contract discount", percent=contract.discount_percent)
    return InvoiceLine(
        line_id=line.line_id,
        product_code=line.product_code,
        description=line.description,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=part.gross,
        price_base_quantity=line.quantity,  # the instalment is the price of all units: exact to the minor unit
        allowances=(discount,) if part.discount.amount else (),
        rounding=zero(contract.currency),
        net=part.net,
        tax_code=line.tax_code,
        period_start=period.start,
        period_end=period.end,
    )


def _buyer(customer_id: str, customer: Customer | None) -> Party:
    if customer is None:  # held by the checks until the customer is known
        return Party(party_id=customer_id, name="", address=Address(country=""))
    return Party(
        party_id=customer.customer_id,
        name=customer.name,
        address=customer.address,
        tax_id=customer.tax_id,
        email=customer.billing_email,
    )
