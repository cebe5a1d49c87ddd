"""The vendor's answer to a taxed document: TransactionModel of the AvaTax REST v2 OpenAPI document."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sandbox.avatax.account import COMPANIES
from sandbox.avatax.calculation import Detail, TaxedDocument, TaxedLine
from sandbox.avatax.jurisdictions import Address, Jurisdiction
from sandbox.storage import Body

SHORT_TYPES = {"Country": "CNT", "State": "STA", "County": "CTY", "City": "CIT", "Special": "STJ"}
"""JurisTypeId of a line's detail by the JurisdictionType of a summary row."""


def transaction_model(taxed: TaxedDocument, header: Body) -> Body:
    """Build the answer.

    Args:
        taxed: The document and its tax.
        header: What recording adds: id, code, status, version, modifiedDate, adjustmentReason.
    """
    document = taxed.document
    addresses = _addresses(taxed, header["id"])
    return {
        **header,
        "companyId": COMPANIES[document.company][0],
        "type": document.type,
        "date": document.day.isoformat(),
        "taxDate": f"{document.day.isoformat()}T00:00:00",
        "currencyCode": document.currency,
        "customerCode": document.customer,
        "customerVendorCode": document.customer,
        "purchaseOrderNo": document.purchase_order,
        "businessIdentificationNo": document.vat_id,
        "reconciled": False,
        "locked": False,
        "exchangeRate": 1,
        **_totals(taxed),
        "lines": [_line(line, header["id"] * 1000 + n, addresses) for n, line in enumerate(taxed.lines, start=1)],
        "addresses": [dict(address) for address in addresses.values()],
        "summary": _summary(detail for line in taxed.lines for detail in line.details),
    }


def _totals(taxed: TaxedDocument) -> Body:
    amount = sum((line.line.amount for line in taxed.lines), Decimal(0))
    taxable = sum((line.taxable for line in taxed.lines), Decimal(0))
    return {
        "totalAmount": amount,
        "totalTaxable": taxable,
        "totalExempt": amount - taxable,
        "totalDiscount": 0,
        "totalTax": taxed.tax,
        "totalTaxCalculated": taxed.tax,
    }


def _addresses(taxed: TaxedDocument, transaction_id: int) -> dict[Address, Body]:
    places = (place for line in taxed.lines for place in (line.line.origin, line.line.destination) if place)
    return {
        place: {
            "id": transaction_id * 1000 + number,
            "transactionId": transaction_id,
            "boundaryLevel": "Zip5",
            "line1": place.line1,
            "city": place.city,
            "region": place.region,
            "postalCode": place.postal_code,
            "country": place.country,
        }
        for number, place in enumerate(dict.fromkeys(places), start=1)
    }


def _line(taxed: TaxedLine, line_id: int, addresses: dict[Address, Body]) -> Body:
    line, transaction_id = taxed.line, line_id // 1000
    body: dict[str, Any] = {
        "id": line_id,
        "transactionId": transaction_id,
        "lineNumber": line.number,
        "itemCode": line.item_code,
        "description": line.description,
        "taxCode": line.tax_code,
        "quantity": line.quantity,
        "lineAmount": line.amount,
        "discountAmount": 0,
        "exemptAmount": line.amount - taxed.taxable,
        "isItemTaxable": taxed.taxable != 0,
        "taxableAmount": taxed.taxable,
        "tax": taxed.tax,
        "taxCalculated": taxed.tax,
        "taxIncluded": False,
        "businessIdentificationNo": line.vat_id,
        "destinationAddressId": addresses[line.destination]["id"],
        "details": [_detail(d, line_id * 100 + n, line_id) for n, d in enumerate(taxed.details, start=1)],
    }
    if line.origin:
        body["originAddressId"] = addresses[line.origin]["id"]
    return body


def _detail(detail: Detail, detail_id: int, line_id: int) -> Body:
    place = detail.jurisdiction
    return {
        "id": detail_id,
        "transactionLineId": line_id,
        "transactionId": line_id // 1000,
        "country": place.country,
        "region": place.region or place.country,
        "jurisCode": place.juris_code,
        "jurisName": place.juris_name,
        "jurisType": SHORT_TYPES[place.juris_type],
        "jurisdictionType": place.juris_type,
        "taxName": place.tax_name,
        "taxType": _tax_type(place),
        "rate": detail.rate,
        "taxableAmount": detail.taxable,
        "nonTaxableAmount": detail.non_taxable,
        "exemptAmount": detail.exempt,
        "tax": detail.tax,
        "taxCalculated": detail.tax,
    }


def _tax_type(place: Jurisdiction) -> str:
    return "Sales" if place.country == "US" else "Output"


def _summary(details: Iterable[Detail]) -> list[Body]:
    rows: dict[tuple[Jurisdiction, Decimal], Body] = {}
    for detail in details:
        row = rows.setdefault((detail.jurisdiction, detail.rate), _empty_summary(detail))
        row["taxable"] += detail.taxable
        row["nonTaxable"] += detail.non_taxable
        row["exemption"] += detail.exempt
        row["tax"] += detail.tax
        row["taxCalculated"] += detail.tax
    return list(rows.values())


def _empty_summary(detail: Detail) -> Body:
    place = detail.jurisdiction
    amounts = dict.fromkeys(("taxable", "nonTaxable", "exemption", "tax", "taxCalculated"), Decimal(0))
    return {
        "country": place.country,
        "region": place.region or place.country,
        "jurisType": place.juris_type,
        "jurisCode": place.juris_code,
        "jurisName": place.juris_name,
        "taxName": place.tax_name,
        "taxType": _tax_type(place),
        "rate": detail.rate,
        **amounts,
    }


def include(model: Body, names: str) -> Body:
    """Leave out what the `$include` parameter does not ask for.

    Args:
        model: A whole TransactionModel.
        names: Comma-separated names, e.g. "Lines" or "SummaryOnly"; empty means the vendor's default,
            "Summary,Addresses", where Summary implies details and these imply lines.
    """
    asked = {name.strip().lower() for name in (names or "Summary,Addresses").split(",")}
    wanted = dict(model)
    if not asked & {"summary", "summaryonly"}:
        del wanted["summary"]
    if "addresses" not in asked:
        del wanted["addresses"]
    if not asked & {"lines", "linesonly", "details", "summary"}:
        del wanted["lines"]
    elif not asked & {"details", "summary"}:
        wanted["lines"] = [{k: v for k, v in line.items() if k != "details"} for line in model["lines"]]
    return wanted
