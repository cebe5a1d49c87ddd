"""The tax breakdown: by category and rate, and within these by jurisdiction."""

from decimal import Decimal

import msgspec

from billhub.rendering.wording import Wording
from canonical_model.invoices import Invoice, TaxSubtotal
from canonical_model.money import Money, total
from canonical_model.tax import JurisdictionTax

_PLACE_KINDS = frozenset({"state", "county", "city"})

Place = tuple[str, Decimal]
"""Name of a jurisdiction and its rate, a fraction 0-1."""


class TaxRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the breakdown.

    Attributes:
        name: Category, or jurisdiction.
        rate: As a percentage.
        taxable: What was taxed.
        tax: What is due.
        reason: Why no tax is due; empty where there is nothing to say.
        jurisdictions: What the tax is made of, if it is more than one.
    """

    name: str
    rate: str
    taxable: str
    tax: str
    reason: str = ""
    jurisdictions: tuple["TaxRow", ...] = ()


def tax_rows(invoice: Invoice, wording: Wording) -> tuple[TaxRow, ...]:
    """The breakdown of a document; none until it is taxed."""
    return tuple(_row(subtotal, _places(invoice, subtotal), wording) for subtotal in invoice.tax_subtotals)


def _row(subtotal: TaxSubtotal, places: dict[Place, list[JurisdictionTax]], wording: Wording) -> TaxRow:
    category = wording.labels.categories[subtotal.category]
    reason = subtotal.exemption_reason or ""
    jurisdictions = tuple(_jurisdiction(place, taxes, wording) for place, taxes in places.items())
    only = f" – {jurisdictions[0].name}" if len(jurisdictions) == 1 else ""
    return TaxRow(
        name=category + only,
        rate=wording.percent(subtotal.rate),
        taxable=wording.amount(subtotal.taxable),
        tax=wording.amount(subtotal.tax),
        reason="" if reason == category else reason,
        jurisdictions=() if only else jurisdictions,
    )


def _places(invoice: Invoice, subtotal: TaxSubtotal) -> dict[Place, list[JurisdictionTax]]:
    """The taxes of the lines of one category and rate, in the order of the engine."""
    places: dict[Place, list[JurisdictionTax]] = {}
    for line in invoice.lines:
        if (line.tax_category, line.tax_rate) == (subtotal.category, subtotal.rate):
            for tax in line.taxes:
                places.setdefault((_name(tax), tax.rate), []).append(tax)
    return places


def _jurisdiction(place: Place, taxes: list[JurisdictionTax], wording: Wording) -> TaxRow:
    name, rate = place
    taxable, tax = _sum([each.taxable for each in taxes]), _sum([each.tax for each in taxes])
    return TaxRow(name=name, rate=wording.percent(rate * 100), taxable=wording.amount(taxable), tax=wording.amount(tax))


def _name(tax: JurisdictionTax) -> str:
    """`NEW YORK STATE`: engines name a state, a county and its seat alike."""
    if tax.kind not in _PLACE_KINDS or tax.jurisdiction.casefold().endswith(tax.kind):
        return tax.jurisdiction
    return f"{tax.jurisdiction} {tax.kind.upper()}"


def _sum(amounts: list[Money]) -> Money:
    return total(amounts, amounts[0].currency)
