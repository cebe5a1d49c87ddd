"""What a client asks to be taxed, checked as the vendor checks it.

Fields and limits are those of CreateTransactionModel and LineItemModel in the AvaTax REST v2 OpenAPI
document. What this stand-in cannot compute (tax-included prices, document discounts, tax overrides)
is refused, because ignoring it would give a wrong tax.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sandbox.avatax.account import COMPANIES
from sandbox.avatax.errors import VendorError, not_found, value_required
from sandbox.avatax.jurisdictions import Address

DOCUMENT_TYPES = ("SalesOrder", "SalesInvoice", "ReturnOrder", "ReturnInvoice")
RECORDED_TYPES = ("SalesInvoice", "ReturnInvoice")
"""Types that are stored; the others are estimates."""

DEFAULT_COMPANY = "MERIDIAN-US"
EXEMPTING_FIELDS = ("exemptionNo", "exemptionCode", "entityUseCode", "customerUsageType")
UNSUPPORTED_FIELDS = ("discount", "taxOverride", "taxIncluded")
MAX_LENGTHS = MappingProxyType({"code": 50, "companyCode": 50, "customerCode": 50, "businessIdentificationNo": 25})


@dataclass(frozen=True)
class Line:
    """One line: `amount` is its whole amount before tax, in the document's currency."""

    number: str
    amount: Decimal
    quantity: Decimal
    tax_code: str
    item_code: str
    description: str
    vat_id: str
    exempt: bool
    origin: Address | None
    destination: Address


@dataclass(frozen=True)
class Document:
    """A checked CreateTransactionModel."""

    type: str
    code: str
    company: str
    customer: str
    day: date
    currency: str
    vat_id: str
    purchase_order: str
    commit: bool
    lines: Sequence[Line]

    @property
    def is_recorded(self) -> bool:
        """Whether the document is stored; an estimate is not."""
        return self.type in RECORDED_TYPES


def parse_document(body: Any) -> Document:
    """Check a CreateTransactionModel.

    Raises:
        VendorError: The vendor refuses it, or this stand-in cannot compute it.
    """
    if not isinstance(body, dict):
        raise VendorError(400, "ModelStateInvalid", "The request body is not a JSON object.")
    _refuse_unsupported(body)
    for field, length in MAX_LENGTHS.items():
        if len(_text(body, field)) > length:
            raise VendorError(400, "StringLengthError", f"Field {field} is longer than {length}.", refers_to=field)
    return Document(
        type=_document_type(body),
        code=_text(body, "code"),
        company=known_company(_text(body, "companyCode") or DEFAULT_COMPANY),
        customer=_required_text(body, "customerCode"),
        day=_day(_required_text(body, "date")),
        currency=_currency(body),
        vat_id=_text(body, "businessIdentificationNo"),
        purchase_order=_text(body, "purchaseOrderNo"),
        commit=body.get("commit") is True,
        lines=_lines(body),
    )


def known_company(code: str) -> str:
    """Return the code of a company of this account.

    Raises:
        VendorError: There is no such company.
    """
    if code not in COMPANIES:
        raise not_found("Company", code)
    return code


def _refuse_unsupported(body: Mapping[str, Any]) -> None:
    for field in UNSUPPORTED_FIELDS:
        if body.get(field):
            raise VendorError(400, "InvalidParameterValue", f"This stand-in cannot compute {field}.", refers_to=field)


def _text(body: Mapping[str, Any], field: str) -> str:
    value = body.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise VendorError(400, "ModelStateInvalid", f"Field {field} must be a string.", refers_to=field)
    return value


def _required_text(body: Mapping[str, Any], field: str) -> str:
    if not (value := _text(body, field)):
        raise value_required(field)
    return value


def _document_type(body: Mapping[str, Any]) -> str:
    name = _text(body, "type") or "SalesOrder"
    if name not in DOCUMENT_TYPES:
        raise VendorError(400, "InvalidDocumentType", f"Document type {name} is not supported.", refers_to="type")
    return name


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise VendorError(400, "DateFormatError", f"{text} is not a date.", refers_to="date") from None


def _currency(body: Mapping[str, Any]) -> str:
    code = _text(body, "currencyCode") or "USD"
    if len(code) != 3 or not code.isalpha():
        raise VendorError(400, "InvalidParameterValue", f"{code} is not a currency.", refers_to="currencyCode")
    return code.upper()


def _lines(body: Mapping[str, Any]) -> Sequence[Line]:
    rows = body.get("lines")
    if not isinstance(rows, list) or not rows:
        raise VendorError(400, "MissingLine", "A transaction needs at least one line.", refers_to="lines")
    lines = tuple(_line(row, body, position) for position, row in enumerate(rows, start=1))
    numbers = [line.number for line in lines]
    if len(set(numbers)) < len(numbers):
        message = "Duplicate line number."
        raise VendorError(400, "GetTaxError", message, sub_code="DuplicateLineNoError", refers_to="lines")
    return lines


def _line(row: Any, body: Mapping[str, Any], position: int) -> Line:
    if not isinstance(row, dict):
        raise VendorError(400, "ModelStateInvalid", "A line is not a JSON object.", refers_to="lines")
    _refuse_unsupported(row)
    origin, destination = _places(row, body)
    return Line(
        number=_text(row, "number") or str(position),
        amount=_number(row, "amount", None),
        quantity=_number(row, "quantity", Decimal(1)),
        tax_code=_text(row, "taxCode"),
        item_code=_text(row, "itemCode"),
        description=_text(row, "description"),
        vat_id=_text(row, "businessIdentificationNo") or _text(body, "businessIdentificationNo"),
        exempt=any(_text(source, field) for source in (row, body) for field in EXEMPTING_FIELDS),
        origin=origin,
        destination=destination,
    )


def _number(row: Mapping[str, Any], field: str, default: Decimal | None) -> Decimal:
    value = row.get(field, default)
    if value is None:
        raise value_required(field)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise VendorError(400, "InvalidDecimalValue", f"Field {field} must be a number.", refers_to=field)
    return Decimal(value)


def _places(row: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[Address | None, Address]:
    # A line's addresses replace the document's as a whole: AddressesModel, "addresses" of LineItemModel.
    places = row.get("addresses") or body.get("addresses") or {}
    single = places.get("singleLocation")
    origin, destination = places.get("shipFrom") or single, places.get("shipTo") or single
    if not destination:
        raise VendorError(400, "MissingAddress", "A destination address is required.", refers_to="addresses")
    return (parse_address(origin) if origin else None), parse_address(destination)


def parse_address(body: Mapping[str, Any]) -> Address:
    """Read an AddressLocationInfo.

    Raises:
        VendorError: The country is missing.
    """
    return Address(
        line1=_text(body, "line1"),
        city=_text(body, "city"),
        region=_text(body, "region").upper(),
        country=_required_text(body, "country").upper(),
        postal_code=_text(body, "postalCode").strip(),
    )
