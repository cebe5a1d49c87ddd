"""AvaTax's REST v2 over HTTP, errors by Avalara's own codes.

Sources: AvaTax REST v2 OpenAPI 21.12 (operations and models); developer.avalara.com, Errors, and "What's a DocStatusError?".
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from connectors import http
from connectors.avatax.settings import Settings
from connectors.errors import ConnectorError, CredentialsError, RateLimitedError, RejectedError, UnavailableError

if TYPE_CHECKING:
    import requests

CONCURRENCY = 8
_NAME = "avatax"
_CLIENT_HEADER = "billing-hub; 0.1; Custom; 1.0"
_TAKEN = {"DocumentCodeConflict", "TransactionAlreadyExists", "TransactionIsCommitted"}
_THROTTLED = {"RequestLimitExceeded", "ConcurrentRequestLimitExceeded", "RateLimitExceededError"}
_BUSY = {"ServiceNotReady", "ServerUnreachable"}
_STRANGERS = {"AuthenticationException", "AuthenticationIncomplete", "BasicAuthIncorrect"}
# Characters that would change the path, in AvaTax's own spelling (notes of every operation with a code in its path).
_SPELLINGS = {"/": "_-ava2f-_", "+": "_-ava2b-_", "?": "_-ava3f-_", "%": "_-ava25-_", "#": "_-ava23-_"}


class CodeTakenError(RejectedError):
    """A committed or voided transaction has this code already; AvaTax reserves it for ever."""


class Detail(msgspec.Struct, frozen=True, rename="camel"):
    """One reason in an error answer (`ErrorDetail`)."""

    code: str = ""
    message: str = ""
    description: str = ""
    refers_to: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """An error answer."""

    code: str = ""
    message: str = ""
    details: tuple[Detail, ...] = ()


class Client:
    """One AvaTax account; may be used by up to `CONCURRENCY` threads."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.url
        self._session = http.new_session(settings.timeouts, connections=CONCURRENCY)
        self._session.auth = (settings.account_id, settings.license_key)
        self._session.headers["X-Avalara-Client"] = _CLIENT_HEADER

    def get(self, operation: str, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """The answer of a read."""
        return self._exchange(http.Call(_NAME, operation), "GET", path, params=parameters)

    def post(self, operation: str, path: str, body: Mapping[str, Any], *, writes: bool, include: str = "") -> Any:
        """The answer of a calculation or a write.

        Args:
            operation: For errors.
            path: Behind `/api/v2/`.
            body: Decimals are sent digit for digit.
            writes: Whether AvaTax records it.
            include: What the answer shall hold.
        """
        parameters = {"$include": include} if include else None
        content = {"data": http.json_bytes(body), "headers": {"Content-Type": "application/json"}}
        return self._exchange(http.Call(_NAME, operation, writes=writes), "POST", path, params=parameters, **content)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _exchange(self, call: http.Call, method: str, path: str, **options: Any) -> Any:
        response = http.send(self._session, call, method, f"{self._url}/api/v2/{path}", **options)
        if response.status_code >= 400:
            error = _translate(response, _refusal(response.content), call)
            if error is not None:
                raise error
        http.raise_for_status(response, call)
        return http.json_of(response, call)


def path_code(code: str) -> str:
    """A company or transaction code as a segment of a path."""
    return quote("".join(_SPELLINGS.get(character, character) for character in code), safe="")


def _refusal(content: bytes) -> Refusal:
    try:
        body = msgspec.json.decode(content, type=dict[str, Any])
        return msgspec.convert(body.get("error", body), Refusal)
    except msgspec.MsgspecError:
        return Refusal()


def _translate(response: "requests.Response", refusal: Refusal, call: http.Call) -> ConnectorError | None:
    """The error that Avalara's code means; None where the HTTP status has to decide."""
    codes = {refusal.code, *(detail.code for detail in refusal.details)}
    text = _text(refusal)
    names = {"connector": call.connector, "operation": call.operation}
    if codes & _THROTTLED:
        return RateLimitedError(text, retry_after=http.retry_after(response.headers), **names)
    if codes & _BUSY:
        return UnavailableError(text, **names)
    if codes & _STRANGERS:
        return CredentialsError(text, **names)
    if not refusal.code or response.status_code in {401, 429} or response.status_code >= 500:
        return None
    kind = CodeTakenError if _code_is_taken(refusal, codes) else RejectedError
    field = next((detail.refers_to for detail in refusal.details if detail.refers_to), None)
    return kind(text, code=refusal.code, field=field, **names)


def _code_is_taken(refusal: Refusal, codes: set[str]) -> bool:
    return bool(codes & _TAKEN) or any(detail.refers_to == "DocStatus" for detail in refusal.details)


def _text(refusal: Refusal) -> str:
    sentences = [text for detail in refusal.details for text in (detail.message, detail.description) if text]
    return " ".join(dict.fromkeys(sentences)) or refusal.message or refusal.code
