"""NetSuite by hand, what is written: documents, customers and journal entries."""

from decimal import Decimal
from typing import Any

from bench.handwritten.values import (
    Record,
    amount,
    at_most,
    day,
    number,
    one_line,
    optional_day,
    optional_text,
    table,
    text,
)

_SUBSIDIARIES = table("netsuite_subsidiary")
_CURRENCIES = table("netsuite_currency", 1)
_COUNTRIES = table("netsuite_country")
_INVOICE = {"380": "Invoice"}
_CREDIT_NOTE = {"381": "Credit note"}


def invoice(record: Record) -> dict[str, Any]:
    """What `netsuite/invoice` gives."""
    source = record["invoice"]
    payload = _document(record, _INVOICE)
    payload["dueDate"] = day(source["due_date"])
    if start := optional_day(source.get("period_start")):
        payload["startDate"] = start
    if end := optional_day(source.get("period_end")):
        payload["endDate"] = end
    return payload


def credit_note(record: Record) -> dict[str, Any]:
    """What `netsuite/credit_note` gives."""
    return _document(record, _CREDIT_NOTE)


def _document(record: Record, titles: dict[str, str]) -> dict[str, Any]:
    source = record["invoice"]
    is_retail, is_order = source["legal_entity"] == "UK", bool(source.get("order_id"))
    payload: dict[str, Any] = {
        "memo": f"{titles[source['document_type']]} {text(source['invoice_id'])}",
        "tranId": at_most(source["number"], 45),
        "tranDate": day(source["issue_date"]),
        "entity": {"externalId": text(source["buyer"]["party_id"])},
        "subsidiary": {"internalId": _SUBSIDIARIES[source["legal_entity"]]},
        "currency": {"internalId": _CURRENCIES[source["currency"]]},
        "account": {"externalId": text(record["context"]["accounts"]["receivable"])},
        "itemList": {
            "item": [_item(index, line, is_retail, is_order) for index, line in enumerate(source["lines"], 1)],
        },
    }
    if source.get("purchase_order"):
        payload["otherRefNum"] = at_most(source["purchase_order"], 45)
    return payload


def _item(index: int, line: Record, is_retail: bool, is_order: bool) -> dict[str, Any]:
    product, description = text(line["product_code"]), one_line(line["description"])[:900].rstrip()
    payload = {
        "line": index,
        "item": {"externalId": "RETAIL-GOODS" if is_retail else product},
        "description": f"{product} {description}" if is_retail else description,
        "quantity": number(line["quantity"]),
        "amount": amount(line["net"]),
        "taxRate1": number(line["tax_rate"]),
        "tax1Amt": sum([amount(each["tax"]) for each in line["taxes"]], Decimal(0)),
    }
    if is_order:
        payload["rate"] = amount(line["unit_price"])
    return payload


def customer(record: Record) -> dict[str, Any]:
    """What `netsuite/customer` gives."""
    source = record["customer"]
    payload = {
        "accountNumber": text(source["customer_id"]),
        "isPerson": False,
        "companyName": at_most(source["name"], 83),
        "isInactive": source["status"] == "inactive",
        "subsidiary": {"internalId": _SUBSIDIARIES[record["legal_entity"]]},
        "currency": {"internalId": _CURRENCIES[record["currency"]]},
        "addressbookList": {
            "addressbook": [
                {
                    "defaultBilling": True,
                    "defaultShipping": True,
                    "label": "Billing",
                    "addressbookAddress": _address(source["address"], text(source["name"])),
                }
            ]
        },
    }
    if email := optional_text(source.get("billing_email")):
        payload["email"] = email
    if tax_id := optional_text(source.get("tax_id")):
        payload["vatRegNumber"] = tax_id
    return payload


def _address(address: Record, name: str) -> dict[str, Any]:
    payload = {"country": _COUNTRIES[address["country"]], "addressee": name}
    if line1 := optional_text(address.get("line1")):
        payload["addr1"] = line1
    if city := optional_text(address.get("city")):
        payload["city"] = city
    if region := optional_text(address.get("region")):
        payload["state"] = region
    if postal_code := optional_text(address.get("postal_code")):
        payload["zip"] = postal_code
    return payload


def journal_entry(record: Record) -> dict[str, Any]:
    """What `netsuite/journal_entry` gives."""
    entry = record["entry"]
    customer_id = text(entry["customer_id"])
    return {
        "memo": f"{text(entry['entry_id'])} {one_line(entry['memo'])}",
        "tranDate": day(entry["posting_date"]),
        "subsidiary": {"internalId": _SUBSIDIARIES[entry["legal_entity"]]},
        "currency": {"internalId": _CURRENCIES[entry["currency"]]},
        "lineList": {"line": [_entry_line(line, customer_id) for line in entry["lines"]]},
    }


def _entry_line(line: Record, customer_id: str) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "account": {"externalId": text(line["account"])},
        "memo": one_line(line["memo"]),
        "entity": {"externalId": customer_id},
    }
    if debit := amount(line["debit"]):
        payload["debit"] = debit
    if credit := amount(line["credit"]):
        payload["credit"] = credit
    return payload
