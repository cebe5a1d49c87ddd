"""Salesforce by hand: accounts, contacts and contracts, and the status written back."""

from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any

from bench.handwritten.values import (
    Record,
    amount,
    boolean,
    country,
    currency,
    day,
    money,
    number,
    one_line,
    optional_text,
    tax_id,
    text,
    whole,
)
from canonical_model.contracts import Amendment, Contract, ContractLine
from canonical_model.parties import Address, Contact, Customer

_STATUSES = {"Yes": "active", "No": "inactive"}
_ROLES = {"Accounts Payable": "billing", "Purchasing": "purchasing", "Technical": "technical", "Other": "other"}
_ENTITIES = {"US": "US", "DE": "DE", "JP": "JP"}
_CONTRACT_STATUSES = {"Draft": "draft", "In Approval Process": "draft", "Activated": "active"}
_FREQUENCIES = {"Monthly": "monthly", "Quarterly": "quarterly", "Annual": "annual"}
_TIMINGS = {"In Advance": "in_advance", "In Arrears": "in_arrears"}
_AMENDMENT_STATUSES = {"Draft": "draft", "Submitted": "submitted", "Approved": "approved", "Rejected": "rejected"}
_BILLING_STATUSES = {"380": "Invoiced", "381": "Credited"}


def account(record: Record) -> Customer:
    """What `salesforce/account` gives."""
    terms, needs_order = record.get("Payment_Terms_Days__c"), record.get("PO_Required__c")
    code, registration = optional_text(record.get("CurrencyIsoCode")), record.get("Tax_Registration__c")
    return Customer(
        customer_id=text(record["AccountNumber"]),
        name=text(record["Name"]),
        status="inactive" if record.get("IsDeleted") is True else _STATUSES[record["Active__c"]],
        address=_address(record, "Billing"),
        tax_id=tax_id(registration) if registration else None,
        currency=code and currency(code.upper()),
        billing_email=optional_text(record.get("Billing_Email__c")),
        payment_terms_days=30 if terms is None else whole(terms),
        purchase_order_required=False if needs_order is None else boolean(needs_order),
    )


def contact(record: Record) -> Contact:
    """What `salesforce/contact` gives."""
    salutation, first_name = optional_text(record.get("Salutation")), optional_text(record.get("FirstName"))
    names = [name for name in (salutation, first_name) if name]
    role, has_street = record.get("Billing_Role__c"), optional_text(record.get("MailingStreet"))
    return Contact(
        contact_id=text(record["Id"]),
        customer_id=text(record["Account"]["AccountNumber"]),
        name=" ".join([*names, text(record["LastName"])]),
        role=_ROLES[role] if role else "other",
        email=optional_text(record.get("Email")),
        phone=optional_text(record.get("Phone")),
        title=optional_text(record.get("Title")),
        department=optional_text(record.get("Department")),
        address=_address(record, "Mailing") if has_street else None,
        email_opt_out=boolean(record["HasOptedOutOfEmail"]),
    )


def _address(record: Record, kind: str) -> Address:
    street, region = record.get(f"{kind}Street"), optional_text(record.get(f"{kind}StateCode"))
    return Address(
        line1=one_line(street) if street else None,
        city=optional_text(record.get(f"{kind}City")),
        region=region and region.upper(),
        postal_code=optional_text(record.get(f"{kind}PostalCode")),
        country=country(record[f"{kind}CountryCode"].upper()),
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
        term_months=whole(record["ContractTerm"]),
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
