"""The tax of a document, jurisdiction by jurisdiction.

A line's tax is the sum of its details, each rounded half up to the currency's own decimals; the
document's tax is the sum of its lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sandbox.avatax.account import COMPANIES
from sandbox.avatax.documents import Document, Line
from sandbox.avatax.errors import VendorError
from sandbox.avatax.jurisdictions import EU, Jurisdiction, covering

EXPONENTS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""ISO 4217 decimals of the currencies that do not have two."""

NONTAXABLE_TAX_CODE = "NT"
"""Avalara's system tax code for what is not taxable anywhere."""


@dataclass(frozen=True)
class Detail:
    """What one jurisdiction takes of one line; amounts in the document's currency, rate as a fraction."""

    jurisdiction: Jurisdiction
    rate: Decimal
    taxable: Decimal
    non_taxable: Decimal
    exempt: Decimal
    tax: Decimal


@dataclass(frozen=True)
class TaxedLine:
    """A line and its tax."""

    line: Line
    taxable: Decimal
    tax: Decimal
    details: Sequence[Detail]


@dataclass(frozen=True)
class TaxedDocument:
    """A document and its tax."""

    document: Document
    tax: Decimal
    lines: Sequence[TaxedLine]


def unit_of(currency: str) -> Decimal:
    """Return the smallest amount of a currency: 0.01 for USD, 1 for JPY."""
    return Decimal(1).scaleb(-EXPONENTS.get(currency, 2))


def calculate(document: Document, jurisdictions: Sequence[Jurisdiction]) -> TaxedDocument:
    """Compute the tax of a document.

    Raises:
        VendorError: A taxed delivery goes to an address that no jurisdiction covers.
    """
    lines = tuple(_tax_line(line, document, jurisdictions) for line in document.lines)
    return TaxedDocument(document, sum((line.tax for line in lines), Decimal(0)), lines)


def _tax_line(line: Line, document: Document, jurisdictions: Sequence[Jurisdiction]) -> TaxedLine:
    origin = line.origin.country if line.origin else COMPANIES[document.company][1]
    if not _has_nexus(origin, line.destination.country):
        return TaxedLine(line, Decimal(0), Decimal(0), ())
    taxing = tuple(covering(jurisdictions, line.destination, document.day))
    untaxed = _is_nontaxable(line, origin)
    if not taxing and not untaxed:
        message = "Unable to determine the taxing jurisdictions."
        raise VendorError(400, "GetTaxError", message, sub_code="JurisdictionNotFoundError", refers_to="Addresses")
    unit = unit_of(document.currency)
    details = tuple(_detail(line, jurisdiction, untaxed=untaxed, unit=unit) for jurisdiction in taxing)
    taxable = line.amount if details and not (untaxed or line.exempt) else Decimal(0)
    return TaxedLine(line, taxable, sum((detail.tax for detail in details), Decimal(0)), details)


def _has_nexus(origin: str, destination: str) -> bool:
    # Within a country, and from one EU state to another; all else is an export.
    return origin == destination or {origin, destination} <= EU


def _is_nontaxable(line: Line, origin: str) -> bool:
    # Between two EU states a buyer with a VAT number owes the tax himself (reverse charge).
    reverse_charge = origin != line.destination.country and bool(line.vat_id)
    return reverse_charge or line.tax_code == NONTAXABLE_TAX_CODE


def _detail(line: Line, jurisdiction: Jurisdiction, *, untaxed: bool, unit: Decimal) -> Detail:
    nothing = Decimal(0)
    if untaxed:
        return Detail(jurisdiction, nothing, nothing, line.amount, nothing, nothing)
    if line.exempt:
        return Detail(jurisdiction, jurisdiction.rate, nothing, nothing, line.amount, nothing)
    tax = (line.amount * jurisdiction.rate).quantize(unit, ROUND_HALF_UP)
    return Detail(jurisdiction, jurisdiction.rate, line.amount, nothing, nothing, tax)
