"""Address resolution: whether mail and taxes can find a place.

A US address is known if a seeded jurisdiction of its state lists its postal code; elsewhere the
postal code must have the country's form, and street and city must be there.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sandbox.avatax.jurisdictions import Address, Jurisdiction, covering
from sandbox.storage import Body

POSTAL_CODES = {
    "AT": r"\d{4}",
    "AU": r"\d{4}",
    "BE": r"\d{4}",
    "CA": r"[A-Z]\d[A-Z] ?\d[A-Z]\d",
    "CH": r"\d{4}",
    "DE": r"\d{5}",
    "DK": r"\d{4}",
    "ES": r"\d{5}",
    "FR": r"\d{5}",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
    "IE": r"[A-Z]\d[\dW] ?[A-Z\d]{4}",
    "IT": r"\d{5}",
    "JP": r"\d{3}-\d{4}",
    "NL": r"\d{4} ?[A-Z]{2}",
    "PL": r"\d{2}-\d{3}",
    "SE": r"\d{3} ?\d{2}",
    "US": r"\d{5}(-\d{4})?",
}
"""Form of a postal code by country (Universal Postal Union, addressing systems)."""


def resolve(request: Body, address: Address, jurisdictions: Sequence[Jurisdiction], day: date) -> Body:
    """Answer with an AddressResolutionModel.

    Args:
        request: The AddressValidationInfo as received; it is echoed.
        address: The same, checked.
        jurisdictions: All that are seeded.
        day: The day for which the tax authorities are listed.
    """
    messages = [_message(*problem) for problem in _problems(address, jurisdictions)]
    names = ("line1", "line2", "line3", "city", "region", "country", "postalCode")
    echo = {name: request[name] for name in names if request.get(name)}
    kind = "UnknownAddressType" if messages else "StreetOrResidentialAddress"
    answer: dict[str, Any] = {
        "address": echo,
        "validatedAddresses": [{"addressType": kind, **_cased(echo, request, address)}],
        "resolutionQuality": "NotCoded" if messages else "Interpolated",
        "taxAuthorities": [] if messages else [_authority(row) for row in covering(jurisdictions, address, day)],
    }
    return {**answer, "messages": messages} if messages else answer


def _problems(address: Address, jurisdictions: Sequence[Jurisdiction]) -> Iterator[tuple[str, str]]:
    if not address.line1:
        yield "Address.Line0", "The street is missing."
    if not address.city:
        yield "Address.City", "The city is missing."
    if not re.fullmatch(POSTAL_CODES.get(address.country, r".+"), address.postal_code.upper()):
        yield "Address.PostalCode", f"{address.postal_code!r} is not a postal code of {address.country}."
    elif address.country == "US" and not _is_seeded(address, jurisdictions):
        yield "Address.PostalCode", f"{address.postal_code!r} is not a postal code of {address.region or 'any state'}."


def _is_seeded(address: Address, jurisdictions: Sequence[Jurisdiction]) -> bool:
    of_state = [row for row in jurisdictions if row.country == "US" and row.region == address.region]
    # A state whose jurisdictions name no postal area is taken as a whole.
    areas = [row for row in of_state if row.postal_prefix] or of_state
    return bool(address.region) and any(address.postal_code.startswith(row.postal_prefix) for row in areas)


def _message(refers_to: str, details: str) -> Body:
    return {
        "summary": "The address is not deliverable.",
        "details": details,
        "refersTo": refers_to,
        "severity": "Error",
        "source": "Avalara.AvaTax.Services.Address",
    }


def _cased(echo: Body, request: Body, address: Address) -> Body:
    cased = {**echo, "region": address.region, "country": address.country}
    if request.get("textCase") == "Upper":
        return {name: value.upper() for name, value in cased.items()}
    return cased


def _authority(row: Jurisdiction) -> Body:
    return {
        "avalaraId": row.juris_code,
        "jurisdictionName": row.juris_name,
        "jurisdictionType": row.juris_type,
        "signatureCode": row.juris_code[:4],
    }
