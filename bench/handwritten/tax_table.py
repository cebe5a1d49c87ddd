"""The rate table by hand: what it needs to know of a document, and its answer."""

from typing import Any

from bench.handwritten.values import Record, amount, country, currency, day, money, number, optional_text, text
from canonical_model.tax import JurisdictionTax, TaxQuote, TaxQuoteLine

_CATEGORIES = {code: code for code in ("S", "Z", "E", "AE", "K", "G", "O")}


def transaction(record: Record) -> dict[str, Any]:
    """What `tax_table/transaction` gives."""
    invoice = record["invoice"]
    buyer = invoice["buyer"]
    payload = {
        "document_id": text(invoice["invoice_id"]),
        "tax_date": day(invoice["tax_point_date"]),
        "seller_country": country(invoice["seller"]["address"]["country"]),
        "currency": currency(invoice["currency"]),
        "lines": [{"line_id": text(line["line_id"]), "net": amount(line["net"])} for line in invoice["lines"]],
    }
    if buyer["address"].get("country"):
        payload["buyer_country"] = country(buyer["address"]["country"])
    if tax_id := optional_text(buyer.get("tax_id")):
        payload["buyer_tax_id"] = tax_id
    return payload


def tax_quote(record: Record) -> TaxQuote:
    """What `tax_table/tax_quote` gives."""
    code = record["currency"]
    return TaxQuote(
        document_id=text(record["document_id"]),
        engine="tax_table",
        total_tax=money(record["total_tax"], code),
        lines=tuple([_line(line, code) for line in record["lines"]]),
    )


def _line(line: Record, code: str) -> TaxQuoteLine:
    taxable, tax = money(line["taxable"], code), money(line["tax"], code)
    jurisdiction = JurisdictionTax(
        jurisdiction=text(line["jurisdiction"]),
        kind="country",
        name=text(line["name"]),
        rate=number(line["rate"]).scaleb(-2),
        taxable=taxable,
        tax=tax,
    )
    return TaxQuoteLine(
        line_id=text(line["line_id"]),
        taxable=taxable,
        tax=tax,
        category=_CATEGORIES[line["category"]],
        jurisdictions=(jurisdiction,),
    )
