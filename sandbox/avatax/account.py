"""The one account of the stand-in: its credentials and its companies."""

import base64
import binascii
from types import MappingProxyType

ACCOUNT_ID = "2000134479"
LICENSE = "MERIDIAN-0123456789AB"
"""The licence key; with the account id it makes the HTTP Basic credentials."""

COMPANIES = MappingProxyType(
    {"MERIDIAN-US": (7001, "US"), "MERIDIAN-DE": (7002, "DE"), "MERIDIAN-JP": (7003, "JP"), "MERIDIAN-UK": (7004, "GB")}
)
"""Company id and home country (ISO 3166-1) by company code."""


def is_authenticated(authorization: str | None) -> bool:
    """Say whether an Authorization header carries the account's id and licence key."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        return base64.b64decode(token, validate=True).decode() == f"{ACCOUNT_ID}:{LICENSE}"
    except (binascii.Error, UnicodeDecodeError):
        return False
