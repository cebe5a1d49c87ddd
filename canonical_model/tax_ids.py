"""Tax registrations: their form and check digits, through python-stdnum."""

from importlib import import_module
from typing import Protocol, cast

from stdnum import get_cc_module


class _NumberFormat(Protocol):
    def is_valid(self, number: str) -> bool: ...


def is_valid_tax_id(tax_id: str, country: str) -> bool:
    """Whether a registration has the form and check digits its country prescribes.

    European numbers are checked with or without their country prefix. A country whose format python-stdnum does not know is
    accepted on the presence of a number alone.

    Args:
        tax_id: As given by the buyer.
        country: ISO 3166-1 alpha-2.
    """
    number_format = _format_of(country)
    return bool(tax_id.strip()) if number_format is None else number_format.is_valid(tax_id)


def _format_of(country: str) -> _NumberFormat | None:
    if country == "CH":
        return cast(_NumberFormat, import_module("stdnum.ch.uid"))
    return cast("_NumberFormat | None", get_cc_module(country.lower(), "vat"))
