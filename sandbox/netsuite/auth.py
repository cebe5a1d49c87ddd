"""Token-based authentication: the `tokenPassport` header, really verified.

Source: NetSuite help, "TokenPassport Complex Type" and "TokenPassportSignature" (section_4395630653,
read for 2023.2): the base string is account, consumer key, token, nonce and timestamp joined by "&";
the key is consumer secret "&" token secret; the signature is the Base64 of the HMAC-SHA256. A nonce
has 6 to 64 letters and digits and serves once; a timestamp is in Unix seconds. What is refused, and
why an application id beside the passport is: "Token-Based Authentication Errors in SOAP Web Services"
(section_1509544929). The vendor does not publish how far a timestamp may be off; here it is 15 minutes.
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from sandbox.netsuite.soap import CORE, SoapFaultError

WINDOW_SECONDS = 15 * 60
ALGORITHM = "HMAC-SHA256"


@dataclass(frozen=True)
class Credential:
    """An integration's consumer key and a user's token, with their secrets."""

    account: str
    consumer_key: str
    consumer_secret: str
    token: str
    token_secret: str


DEFAULT_CREDENTIAL = Credential(
    account="TSTDRV1234567",
    consumer_key="sandbox-consumer-key",
    consumer_secret="sandbox-consumer-secret",  # noqa: S106 - the stand-in's own, guards nothing
    token="sandbox-token",  # noqa: S106
    token_secret="sandbox-token-secret",  # noqa: S106
)


def invalid_login() -> SoapFaultError:
    """Return the fault of every failure: only the vendor's audit trail tells them apart."""
    return SoapFaultError("InvalidCredentialsFault", "INVALID_LOGIN_CREDENTIALS", "Invalid login attempt.")


def credentials_from(rows: Iterable[Mapping[str, str]]) -> list[Credential]:
    """Read the rows of Credential.csv; without rows there is `DEFAULT_CREDENTIAL`."""
    return [Credential(**row) for row in rows] or [DEFAULT_CREDENTIAL]


class Gate:
    """Lets requests in whose passport is genuine, fresh and used for the first time."""

    def __init__(self, credentials: Iterable[Credential], clock: Callable[[], float] = time.time) -> None:
        """Keep the credentials; `clock` gives Unix seconds (clients sign with the real time)."""
        self._credentials = {(one.account, one.consumer_key, one.token): one for one in credentials}
        self._clock = clock
        self._used: dict[tuple[str, str], float] = {}

    def check(self, headers: Mapping[str, etree._Element]) -> None:
        """Verify the passport among a request's headers.

        Raises:
            SoapFaultError: It is missing, unknown, wrongly signed, more than 15 minutes off, or
                replayed; or an application id stands beside it.
        """
        passport = headers.get("tokenPassport")
        if passport is None:
            raise invalid_login()
        if "applicationInfo" in headers:
            raise SoapFaultError("InvalidCredentialsFault", "USER_ERROR", "Ambiguous authentication")
        given = {etree.QName(node).localname: node.text or "" for node in passport}
        credential = self._credentials.get((given["account"], given["consumerKey"], given["token"]))
        if credential is None or not _is_genuine(credential, given, passport):
            raise invalid_login()
        now, nonce = self._clock(), given["nonce"]
        if abs(now - int(given["timestamp"])) > WINDOW_SECONDS or not re.fullmatch("[0-9A-Za-z]{6,64}", nonce):
            raise invalid_login()
        self._use_once((given["token"], nonce), now)

    def _use_once(self, key: tuple[str, str], now: float) -> None:
        # A nonce older than twice the window cannot come with an acceptable timestamp any more. The
        # dictionary keeps insertion order, so the oldest stand first.
        while self._used and now - next(iter(self._used.values())) > 2 * WINDOW_SECONDS:
            del self._used[next(iter(self._used))]
        if key in self._used:
            raise invalid_login()
        self._used[key] = now


def sign(credential: Credential, nonce: str, timestamp: str) -> str:
    """Return the Base64 signature of a passport of this credential."""
    base = "&".join((credential.account, credential.consumer_key, credential.token, nonce, timestamp))
    key = f"{credential.consumer_secret}&{credential.token_secret}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()


def _is_genuine(credential: Credential, given: Mapping[str, str], passport: etree._Element) -> bool:
    signature = passport.find(f"{{{CORE}}}signature")
    if signature is None or signature.get("algorithm", "").upper() != ALGORITHM:
        return False
    expected = sign(credential, given["nonce"], given["timestamp"])
    return hmac.compare_digest(expected.encode(), given["signature"].strip().encode())
