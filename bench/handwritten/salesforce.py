"""Salesforce by hand: accounts, price book entries and contracts, and the status written back."""

import re
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any

from bench.handwritten.values import Record, amount, country, currency, day, money, number, one_line, optional_text, text
from canonical_model.contracts import Amendment, Contract, ContractLine, PriceBookEntry
from canonical_model.parties import Address, Customer

_STATUSES = {"Yes": "active", "No": "inactive"}
_VAT_ID = re.compile(r"[A-Z]{2}[0-9A-Z]", re.ASCII)
_NO_SEPARATORS = str.maketrans("", "", "./-")
_ENTITIES = {"US": "US", "DE": "DE", "JP": "JP"}
_CONTRACT_STATUSES = {"Draft": "draft", "In Approval Process": "draft", "Activated": "active"}
_FREQUENCIES = {"Monthly": "monthly", "Quarterly": "quarterly", "Annual": "annual"}
_TIMINGS = {"In Advance": "in_advance", "In Arrears": "in_arrears"}
_AMENDMENT_STATUSES = {"Draft": "draft", "Submitted": "submitted", "Approved": "approved", "Rejected": "rejected"}
_BILLING_STATUSES = {"380": "Invoiced", "381": "Credited"}


def account(record: Record) -> Customer:
    """What `salesforce/account` gives."""
    street, region = record.get("BillingStreet"), optional_text(record.get("BillingStateCode"))
    terms, needs_order = record.get("Payment_Terms_Days__c"), record.get("PO_Required__c")
    code = optional_text(record.get("CurrencyIsoCode"))
    return Customer(
        customer_id=text(record["AccountNumber"]),
        name=text(record["Name"]),
        status="inactive" if record.get("IsDeleted") is True else _STATUSES[record["Active__c"]],
        address=Address(
            line1=one_line(street) if street else None,
            city=optional_text(record.get("BillingCity")),
            region=region and region.upper(),
            postal_code=optional_text(record.get("BillingPostalCode")),
            country=country(record["BillingCountryCode"].upper()),
        ),
        tax_id=_tax_id(record.get("Tax_Registration__c")),
        currency=code and currency(code.upper()),
        billing_email=optional_text(record.get("Billing_Email__c")),
        payment_terms_days=30 if terms is None else _whole(terms),
        purchase_order_required=False if needs_order is None else _boolean(needs_order),
    )


def _tax_id(value: str | None) -> str | None:
    if not value:
        return None
    compact = "".join(value.split()).upper()
    return (compact.translate(_NO_SEPARATORS) if _VAT_ID.match(compact) else compact) or None


def _whole(value: Any) -> int:
    exact = number(value)
    whole = int(exact)
    if whole != exact:
        raise ValueError("not a whole number")
    return whole


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError("not a boolean")
    return value


def price_book_entry(record: Record) -> PriceBookEntry:
    """What `salesforce/price_book_entry` gives."""
    product = record["Product2"]
    price_book, product_code = text(record["Pricebook2"]["Name"]), text(product["ProductCode"])
    code = text(record["CurrencyIsoCode"])
    unit = optional_text(product.get("QuantityUnitOfMeasure"))
    return PriceBookEntry(
        entry_id=f"{price_book}/{product_code}/{code.upper()}",
        price_book=price_book,
        product_code=product_code,
        product_name=text(product["Name"]),
        unit_price=money(record["UnitPrice"], code),
        unit=unit.upper() if unit else "C62",
        tax_code=optional_text(product.get("Tax_Code__c")),
        active=_boolean(record["IsActive"]) and _boolean(product["IsActive"]),
    )


def contract(record: Record) -> Contract:
    """What `salesforce/contract` gives."""
    code, discount = text(record["CurrencyIsoCode"]), record.get("Discount_Percent__c")
    items = sorted(record["OrderItems"], key=itemgetter("OrderItemNumber"))
    amendments = sorted(record.get("Amendments") or (), key=itemgetter("Name"))
    return Contract(
        contract_id=text(record["ContractNumber"]),
        customer_id=text(record["Account"]["AccountNumber"]),
        legal_entity=_ENTITIES[record["Legal_Entity__c"]],
        status=_CONTRACT_STATUSES[record["Status"]],
        currency=currency(code.upper()),
        start_date=date.fromisoformat(record["StartDate"]),
        term_months=_whole(record["ContractTerm"]),
        billing_frequency=_FREQUENCIES[record["Billing_Frequency__c"]],
        billing_timing=_TIMINGS[record["Billing_Timing__c"]],
        price_book=text(record["Pricebook2"]["Name"]),
        discount_percent=Decimal(0) if discount is None else number(discount),
        purchase_order=optional_text(record.get("PO_Number__c")),
        lines=tuple([_line(item, code) for item in items]),
        amendments=tuple([_amendment(each) for each in amendments]),
    )


def _line(item: Record, code: str) -> ContractLine:
    product = item["Product2"]
    unit, description = optional_text(product.get("QuantityUnitOfMeasure")), optional_text(item.get("Description"))
    return ContractLine(
        line_id=text(item["OrderItemNumber"]),
        product_code=text(product["ProductCode"]),
        description=one_line(description) if description else text(product["Name"]),
        quantity=number(item["Quantity"]),
        unit=unit.upper() if unit else "C62",
        unit_price=money(item["UnitPrice"], code),
        tax_code=optional_text(product.get("Tax_Code__c")),
    )


def _amendment(amendment: Record) -> Amendment:
    return Amendment(
        amendment_id=text(amendment["Name"]),
        status=_AMENDMENT_STATUSES[amendment["Status__c"]],
        effective_date=date.fromisoformat(amendment["Effective_Date__c"]),
        description=optional_text(amendment.get("Description__c")),
    )


def contract_status(record: Record) -> dict[str, Any]:
    """What `salesforce/contract_status` gives."""
    invoice = record["invoice"]
    return {
        "ContractNumber": text(invoice["contract_id"]),
        "Billing_Status__c": _BILLING_STATUSES[invoice["document_type"]],
        "Last_Invoice_Number__c": text(invoice["number"]),
        "Last_Invoice_Total__c": amount(invoice["totals"]["payable"]),
        "Last_Invoice_Date__c": day(invoice["issue_date"]),
        "Billed_Through__c": day(invoice["period_end"]),
    }
