"""Tax: what a tax engine answers, in our words."""

from decimal import Decimal
from typing import Literal

import msgspec

from canonical_model.money import Money

TaxCategory = Literal["S", "Z", "E", "AE", "K", "G", "O"]
"""UNCL 5305: standard, zero, exempt, reverse charge, intra-community, export, outside scope."""


class JurisdictionTax(msgspec.Struct, frozen=True, kw_only=True):
    """The tax of one jurisdiction on one line.

    Attributes:
        jurisdiction: Name, for example `NEW YORK`.
        kind: `country`, `state`, `county`, `city` or `special`, as the engine says it in lower case.
        name: Name of the tax.
        rate: Fraction 0-1.
        taxable: Amount the rate was applied to.
        tax: Amount of tax.
    """

    jurisdiction: str
    kind: str
    name: str
    rate: Decimal
    taxable: Money
    tax: Money


class TaxQuoteLine(msgspec.Struct, frozen=True, kw_only=True):
    """The engine's answer for one line.

    Attributes:
        line_id: As asked.
        taxable: Amount that was taxed.
        tax: All tax on the line.
        jurisdictions: How it comes about; may be empty when nothing is due.
        category: UNCL 5305 category where the engine states one; else None.
    """

    line_id: str
    taxable: Money
    tax: Money
    jurisdictions: tuple[JurisdictionTax, ...] = ()
    category: TaxCategory | None = None


class TaxQuote(msgspec.Struct, frozen=True, kw_only=True):
    """The engine's answer for a document, exactly as it was given; whether it adds up is for our rules to say.

    Attributes:
        document_id: As asked.
        engine: Name of the connector that answered.
        total_tax: The engine's own total.
        lines: In the order asked.
        reference: The engine's own identifier of the answer, if any.
    """

    document_id: str
    engine: str
    total_tax: Money
    lines: tuple[TaxQuoteLine, ...]
    reference: str | None = None


class AddressCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an address exists, as the address service says.

    Attributes:
        valid: True when it was resolved.
        message: The service's own words when it was not.
    """

    valid: bool
    message: str | None = None
