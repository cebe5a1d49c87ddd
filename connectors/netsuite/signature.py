"""Token-based authentication: the TokenPassport header of each call.

Source: NetSuite Help, "The Signature for Web Services and RESTlets" and "TokenPassport Complex Type" (read 2026-11).
"""

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any
from urllib.parse import quote

from connectors.netsuite.settings import Settings

_ALGORITHM = "HMAC-SHA256"


def token_passport(settings: Settings, *, nonce: str | None = None, timestamp: int | None = None) -> dict[str, Any]:
    """The header that proves who we are, for one call; the defaults are a new nonce and the current time.

    Args:
        settings: Account, keys and secrets.
        nonce: 6-64 letters and digits, never used before.
        timestamp: Seconds since 1970.
    """
    nonce = nonce or secrets.token_hex(16)
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    return {
        "account": settings.account,
        "consumerKey": settings.consumer_key,
        "token": settings.token,
        "nonce": nonce,
        "timestamp": stamp,
        "signature": {"_value_1": _signature(settings, nonce, stamp), "algorithm": _ALGORITHM},
    }


def _signature(settings: Settings, nonce: str, timestamp: str) -> str:
    text = _joined(settings.account, settings.consumer_key, settings.token, nonce, timestamp)
    key = _joined(settings.consumer_secret, settings.token_secret)
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _joined(*values: str) -> str:
    return "&".join(quote(value, safe="~") for value in values)
