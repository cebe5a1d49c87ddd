"""The worked example as canonical documents: contract C-000001 of Northwind Analytics Corp, its first invoice and what goes with it."""

from datetime import date
from decimal import Decimal

import pytest

from canonical_model.contracts import Amendment, Contract, ContractLine, ErpContract, PriceBookEntry
from canonical_model.invoices import INVOICE, Allowance, Invoice, InvoiceLine
from canonical_model.journal import JournalEntry, JournalLine
from canonical_model.money import Money
from canonical_model.orders import Order, OrderLine
from canonical_model.parties import Address, Contact, Customer, CustomerRecord, Party, RecordAddress
from canonical_model.payments import Allocation, Payment
from canonical_model.products import Product
from canonical_model.sales import Opportunity, OpportunityLine, SalesOrder, SalesOrderLine
from canonical_model.tax import JurisdictionTax, TaxQuote, TaxQuoteLine
from canonical_model.totals import net_totals, with_tax

ROCHESTER = Address(line1="85 East Main Street", city="Rochester", region="NY", postal_code="14604", country="US")


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


@pytest.fixture(scope="session")
def contract() -> Contract:
    line = ContractLine(
        line_id="1",
        product_code="PLAT-ENT",
        description="Platform, Enterprise",
        quantity=Decimal(1),
        unit_price=usd("480000.00"),
    )
    return Contract(
        contract_id="C-000001",
        customer_id="A-0001",
        legal_entity="US",
        status="active",
        currency="USD",
        start_date=date(2026, 1, 1),
        term_months=12,
        billing_frequency="quarterly",
        billing_timing="in_advance",
        price_book="US 2026",
        lines=(line,),
        purchase_order="PO-7781",
        amendments=(Amendment(amendment_id="AM-1", status="approved", effective_date=date(2026, 1, 1)),),
    )


@pytest.fixture(scope="session")
def draft() -> Invoice:
    line = InvoiceLine(
        line_id="1",
        product_code="PLAT-ENT",
        description="Platform, Enterprise",
        quantity=Decimal(1),
        unit_price=usd("125000.00"),
        allowances=(Allowance(amount=usd("5000.00"), reason="Contract discount", percent=Decimal(4)),),
        rounding=usd("0.00"),
        net=usd("120000.00"),
        period_start=date(2026, 1, 1),
        period_end=date(2026, 3, 31),
    )
    return Invoice(
        invoice_id="C-000001_2026-01-01",
        document_type=INVOICE,
        legal_entity="US",
        seller=Party(party_id="US", name="Meridian Software Inc.", address=Address(country="US")),
        buyer=Party(party_id="A-0001", name="Northwind Analytics Corp", address=ROCHESTER),
        currency="USD",
        issue_date=date(2026, 1, 15),
        due_date=date(2026, 2, 14),
        tax_point_date=date(2026, 1, 1),
        lines=(line,),
        totals=net_totals((line,), "USD"),
        period_start=date(2026, 1, 1),
        period_end=date(2026, 3, 31),
        contract_id="C-000001",
        billing_timing="in_advance",
    )


@pytest.fixture(scope="session")
def quote() -> TaxQuote:
    halves = tuple(
        JurisdictionTax(
            jurisdiction=name,
            kind=kind,
            name=f"{name} tax",
            rate=Decimal("0.04"),
            taxable=usd("120000.00"),
            tax=usd("4800.00"),
        )
        for name, kind in (("NEW YORK", "state"), ("MONROE", "county"))
    )
    line = TaxQuoteLine(line_id="1", taxable=usd("120000.00"), tax=usd("9600.00"), jurisdictions=halves)
    return TaxQuote(
        document_id="C-000001_2026-01-01", engine="avatax", total_tax=usd("9600.00"), lines=(line,), reference="8871"
    )


@pytest.fixture(scope="session")
def invoice(draft, quote) -> Invoice:
    return with_tax(draft, quote)


@pytest.fixture(scope="session")
def entry() -> JournalEntry:
    sides = (
        JournalLine(account="2400", debit=usd("120000.00"), credit=usd("0.00"), memo="Deferred"),
        JournalLine(account="4000", debit=usd("0.00"), credit=usd("120000.00"), memo="Earned"),
    )
    return JournalEntry(
        entry_id="C-000001_2026-01-01/deferral",
        legal_entity="US",
        customer_id="A-0001",
        posting_date=date(2026, 1, 15),
        currency="USD",
        memo="Deferral of C-000001",
        lines=sides,
    )


@pytest.fixture(scope="session")
def opportunity() -> Opportunity:
    line = OpportunityLine(
        line_id="00k000000000001AAA",
        product_code="PLAT-ENT",
        description="Platform, Enterprise",
        quantity=Decimal(1),
        unit_price=usd("480000.00"),
        service_date=date(2026, 1, 1),
    )
    return Opportunity(
        opportunity_id="006000000000001AAA",
        name="Northwind platform",
        stage="won",
        stage_name="Closed Won",
        currency="USD",
        close_date=date(2025, 12, 12),
        probability_percent=Decimal(100),
        amount=usd("480000.00"),
        customer_id="A-0001",
        contract_id="C-000001",
        lines=(line,),
    )


@pytest.fixture(scope="session")
def sales_order() -> SalesOrder:
    line = SalesOrderLine(
        line_id="0000000001",
        product_code="PLAT-ENT",
        description="Platform, Enterprise",
        quantity=Decimal(1),
        unit_price=usd("480000.00"),
        list_price=usd("480000.00"),
        service_start=date(2026, 1, 1),
        service_end=date(2026, 12, 31),
    )
    return SalesOrder(
        order_id="00000101",
        customer_id="A-0001",
        status="activated",
        currency="USD",
        effective_date=date(2026, 1, 1),
        contract_id="C-000001",
        lines=(line,),
    )


@pytest.fixture(scope="session")
def payment() -> Payment:
    return Payment(
        payment_id="netsuite/10045",
        status="received",
        amount=usd("129600.00"),
        customer_id="A-0001",
        received_date=date(2026, 2, 10),
        method="credit_transfer",
        allocations=(Allocation(invoice_number="US-000001", amount=usd("129600.00")),),
    )


@pytest.fixture(scope="session")
def documents(contract, invoice, quote, entry, opportunity, sales_order, payment):
    """One of each document, by its name in the catalogue."""
    order_line = OrderLine(
        line_id="1", product_code="85123A", quantity=Decimal(6), unit_price=Money(Decimal("2.55"), "GBP")
    )
    return {
        "customer": Customer(
            customer_id="A-0001", name="Northwind Analytics Corp", address=ROCHESTER, purchase_order_required=True
        ),
        "contact": Contact(
            contact_id="003000000000001AAA",
            customer_id="A-0001",
            name="Ms. Ada Okafor",
            role="billing",
            phone="+1 585 555 0100",
        ),
        "customer_record": CustomerRecord(
            record_id="netsuite/1024",
            customer_id="A-0001",
            name="Northwind Analytics Corp",
            status="active",
            addresses=(RecordAddress(address=ROCHESTER, billing=True, label="Billing"),),
        ),
        "product": Product(product_code="PLAT-ENT", name="Platform, Enterprise", family="Platform"),
        "opportunity": opportunity,
        "sales_order": sales_order,
        "payment": payment,
        "price_book_entry": PriceBookEntry(
            entry_id="US 2026/PLAT-ENT/USD",
            price_book="US 2026",
            product_code="PLAT-ENT",
            product_name="Platform, Enterprise",
            unit_price=usd("480000.00"),
        ),
        "contract": contract,
        "erp_contract": ErpContract(
            contract_id="C-000001", customer_id="A-0001", annual_value=usd("480000.00"), purchase_order="PO-7781"
        ),
        "order": Order(
            order_id="536365",
            kind="order",
            legal_entity="UK",
            order_date=date(2010, 12, 1),
            currency="GBP",
            lines=(order_line,),
            customer_id="17850",
            buyer_country="GB",
        ),
        "invoice": invoice,
        "journal_entry": entry,
        "tax_quote": quote,
    }
