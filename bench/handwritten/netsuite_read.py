"""NetSuite by hand, what is read: sales orders, customers and payments."""

from datetime import date
from operator import itemgetter
from typing import Any

from bench.handwritten.values import Record, boolean, number, one_line, optional_text, table, tax_id, text
from canonical_model.contracts import ErpContract
from canonical_model.money import Money
from canonical_model.parties import Address, CustomerRecord, RecordAddress
from canonical_model.payments import Allocation, Payment

_CURRENCIES = table("netsuite_currency", 0)
_COUNTRIES = table("netsuite_country_code")
_METHODS = table("netsuite_payment_method")
_STATUSES = {
    "Deposited": "received",
    "Not Deposited": "received",
    "Unapproved Payment": "pending",
    "Cancelled": "cancelled",
}
_HAS_COME = ("Deposited", "Not Deposited")


def sales_order(record: Record) -> ErpContract:
    """What `netsuite/sales_order` gives."""
    return ErpContract(
        contract_id=text(record["externalId"]),
        customer_id=text(record["entity"]["externalId"]),
        annual_value=Money(number(record["total"]), _currency(record["currency"])),
        purchase_order=optional_text(record.get("otherRefNum")),
    )


def _currency(reference: Record) -> str:
    code: str = _CURRENCIES[reference.get("internalId") or reference["name"]]
    return code


def customer_record(record: Record) -> CustomerRecord:
    """What `netsuite/customer_record` gives."""
    currency, registration = record.get("currency"), optional_text(record.get("vatRegNumber"))
    entries = (record.get("addressbookList") or {}).get("addressbook") or ()
    return CustomerRecord(
        record_id=f"netsuite/{text(record['internalId'])}",
        customer_id=optional_text(record.get("externalId")),
        name=_name(record),
        status="inactive" if record.get("isInactive") is True else "active",
        tax_id=tax_id(registration) if registration else None,
        currency=_currency(currency) if currency else None,
        email=optional_text(record.get("email")),
        addresses=tuple([_record_address(entry) for entry in entries]),
    )


def _name(record: Record) -> str:
    if record.get("isPerson") is not True:
        return text(record["companyName"])
    first, last = optional_text(record.get("firstName")), text(record["lastName"])
    return f"{first} {last}" if first else last


def _record_address(entry: Record) -> RecordAddress:
    address, billing = entry["addressbookAddress"], entry.get("defaultBilling")
    return RecordAddress(
        address=Address(
            line1=_lines(address.get("addr1"), address.get("addr2")),
            city=optional_text(address.get("city")),
            region=optional_text(address.get("state")),
            postal_code=optional_text(address.get("zip")),
            country=_COUNTRIES[address["country"]],
        ),
        billing=False if billing is None else boolean(billing),
        label=optional_text(entry.get("label")),
    )


def _lines(*lines: str | None) -> str | None:
    return ", ".join([one_line(line) for line in lines if line]) or None


def payment(record: Record) -> Payment:
    """What `netsuite/payment` gives."""
    status, currency = record["status"], _currency(record["currency"])
    customer, method = record.get("customer"), (record.get("paymentMethod") or {}).get("name")
    applied = (record.get("applyList") or {}).get("apply") or ()
    return Payment(
        payment_id=f"netsuite/{text(record['internalId'])}",
        status=_STATUSES[status],
        amount=Money(number(record["payment"]), currency),
        customer_id=optional_text(customer.get("externalId")) if customer else None,
        received_date=date.fromisoformat(record["tranDate"]) if status in _HAS_COME else None,
        method=_METHODS[method] if method else None,
        reference=optional_text(record.get("pnRefNum")) or optional_text(record.get("checkNum")),
        allocations=tuple([_allocation(each, currency) for each in sorted(applied, key=itemgetter("refNum"))]),
    )


def _allocation(applied: dict[str, Any], currency: str) -> Allocation:
    return Allocation(invoice_number=text(applied["refNum"]), amount=Money(number(applied["amount"]), currency))
