"""AvaTax by hand: a document for tax calculation, and the engine's answer."""

from typing import Any

from bench.handwritten.values import (
    Record,
    amount,
    at_most,
    country,
    currency,
    day,
    money,
    number,
    one_line,
    optional_text,
    table,
    text,
)
from canonical_model.money import Money
from canonical_model.tax import JurisdictionTax, TaxQuote, TaxQuoteLine

_COMPANIES = table("avatax_company")
_RETURNS = frozenset(["ReturnOrder", "ReturnInvoice"])


def transaction(record: Record) -> dict[str, Any]:
    """What `avatax/transaction` gives."""
    invoice = record["invoice"]
    is_credit_note = invoice["document_type"] == "381"
    buyer, seller = invoice["buyer"], invoice["seller"]
    payload = {
        "code": at_most(invoice["number"] or invoice["invoice_id"], 50),
        "companyCode": _COMPANIES[invoice["legal_entity"]],
        "date": day(invoice["tax_point_date"]),
        "customerCode": at_most(buyer["party_id"], 50),
        "referenceCode": text(invoice["invoice_id"]),
        "currencyCode": currency(invoice["currency"]),
        "addresses": {"shipFrom": _address(seller["address"]), "shipTo": _address(buyer["address"])},
        "lines": [_line(line, is_credit_note) for line in invoice["lines"]],
    }
    if is_credit_note:
        payload["type"] = "ReturnInvoice"
    if invoice.get("purchase_order"):
        payload["purchaseOrderNo"] = at_most(invoice["purchase_order"], 50)
    if buyer.get("tax_id"):
        payload["businessIdentificationNo"] = at_most(buyer["tax_id"], 25)
    if invoice.get("tax_subtotals"):
        tax = amount(invoice["totals"]["tax"])
        payload["expectedTax"] = -tax if is_credit_note else tax
    return payload


def _address(address: Record) -> dict[str, Any]:
    payload = {"country": country(address["country"])}
    if line1 := optional_text(address.get("line1")):
        payload["line1"] = line1[:100].rstrip()
    if address.get("city"):
        payload["city"] = at_most(address["city"], 50)
    if region := optional_text(address.get("region")):
        payload["region"] = region
    if address.get("postal_code"):
        payload["postalCode"] = at_most(address["postal_code"], 11)
    return payload


def _line(line: Record, is_credit_note: bool) -> dict[str, Any]:
    net = amount(line["net"])
    payload = {
        "number": at_most(line["line_id"], 50),
        "quantity": abs(number(line["quantity"])),
        "amount": -net if is_credit_note else net,
        "itemCode": at_most(line["product_code"], 50),
        "description": one_line(line["description"])[:2096].rstrip(),
    }
    if line.get("tax_code"):
        payload["taxCode"] = at_most(line["tax_code"], 25)
    return payload


def tax_quote(record: Record) -> TaxQuote:
    """What `avatax/tax_quote` gives."""
    is_return, code = record["type"] in _RETURNS, record["currencyCode"]
    return TaxQuote(
        document_id=text(record["code"]),
        engine="avatax",
        total_tax=_money(record["totalTax"], is_return, code),
        reference=str(record["id"]),
        lines=tuple([_quote_line(line, is_return, code) for line in record["lines"]]),
    )


def _money(value: Any, is_return: bool, code: str) -> Money:
    amount_ = number(value)
    return money(-amount_ if is_return else amount_, code)


def _quote_line(line: Record, is_return: bool, code: str) -> TaxQuoteLine:
    return TaxQuoteLine(
        line_id=text(line["lineNumber"]),
        taxable=_money(line["taxableAmount"], is_return, code),
        tax=_money(line["tax"], is_return, code),
        jurisdictions=tuple([_jurisdiction(detail, is_return, code) for detail in line.get("details") or ()]),
    )


def _jurisdiction(detail: Record, is_return: bool, code: str) -> JurisdictionTax:
    return JurisdictionTax(
        jurisdiction=text(detail["jurisName"]),
        kind=text(detail["jurisdictionType"]).lower(),
        name=text(detail["taxName"]),
        rate=number(detail["rate"]),
        taxable=_money(detail["taxableAmount"], is_return, code),
        tax=_money(detail["tax"], is_return, code),
    )
