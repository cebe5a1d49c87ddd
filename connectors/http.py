"""The one HTTP layer of all connectors: sessions with timeouts, exact JSON, and one place where failures get our names.

The question behind every rule here is whether a write may have taken effect. No connection: certainly not. A connection and no readable answer:
perhaps, so a write is ambiguous and a read is merely unavailable. Vendors whose status codes mean something else decide before asking here.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Self

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from canonical_model.errors import ConfigurationError
from connectors.errors import (
    AmbiguousWriteError,
    ConnectorError,
    ConnectTimeoutError,
    CredentialsError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)
from connectors.settings import Connection

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_SHOWN = 300
_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS, _SERVICE_UNAVAILABLE = 408, 429, 503


class Timeouts(msgspec.Struct, frozen=True):
    """How long to wait, in seconds.

    Attributes:
        connect: For the connection.
        read: For each piece of the answer.
    """

    connect: float = 5.0
    read: float = 30.0

    @classmethod
    def from_connection(cls, connection: Connection) -> Self:
        """The timeouts of a connection: `extra.connect_timeout` and `extra.read_timeout`, in seconds.

        Raises:
            ConfigurationError: One is not a positive number.
        """
        return cls(
            connect=_seconds(connection, "connect_timeout", cls().connect),
            read=_seconds(connection, "read_timeout", cls().read),
        )


class Call(msgspec.Struct, frozen=True):
    """What is being done, for errors.

    Attributes:
        connector: Name of the connector.
        operation: For example `write invoice`.
        writes: Whether it has an effect at the other side, so that a lost answer leaves it uncertain.
    """

    connector: str
    operation: str
    writes: bool = False

    def lost(self, reason: str) -> ConnectorError:
        """The error for an answer that did not arrive: ambiguous for a write, unavailable for a read."""
        kind = AmbiguousWriteError if self.writes else UnavailableError
        return kind(reason, connector=self.connector, operation=self.operation)


class _TimeoutAdapter(HTTPAdapter):
    """Gives every request a timeout, also those an SDK sends without one."""

    def __init__(self, timeouts: Timeouts, connections: int) -> None:
        self._timeouts = (timeouts.connect, timeouts.read)
        super().__init__(pool_maxsize=connections, max_retries=0)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """As the base class, with our timeouts where none are given."""
        options["timeout"] = options.get("timeout") or self._timeouts
        return super().send(request, **options)


def new_session(timeouts: Timeouts, *, connections: int = 8) -> requests.Session:
    """A session that ignores proxies and .netrc of the environment and retries nothing by itself.

    Args:
        timeouts: Used for every request that names none.
        connections: Connections kept open per host; the number of threads that will use the session.
    """
    session = requests.Session()
    session.trust_env = False
    adapter = _TimeoutAdapter(timeouts, connections)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def send(session: requests.Session, call: Call, method: str, url: str, **options: Any) -> requests.Response:
    """Send one request and return its answer, whatever its status; redirects are not followed.

    Raises:
        ConnectTimeoutError: No connection came about.
        AmbiguousWriteError: A write whose answer was lost.
        UnavailableError: A read whose answer was lost.
        ConfigurationError: The URL is none.
    """
    with translated(call):
        return session.request(method, url, allow_redirects=False, **options)


@contextmanager
def translated(call: Call) -> Iterator[None]:
    """Turn what `requests` raises inside the block into our errors; for calls that go through a vendor's SDK."""
    try:
        yield
    except requests.RequestException as error:
        raise translate(error, call) from error


def translate(error: requests.RequestException, call: Call) -> ConnectorError | ConfigurationError:
    """Our error for one that `requests` raised."""
    if isinstance(
        error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema | requests.exceptions.InvalidSchema
    ):
        return ConfigurationError(f"{call.connector}: the host setting gives no usable URL: {error}")
    reason = f"{type(error).__name__}: {error}"
    if _nothing_was_sent(error):
        return ConnectTimeoutError(reason, connector=call.connector, operation=call.operation)
    return call.lost(reason)


def raise_for_status(response: requests.Response, call: Call) -> None:
    """Raise our error for an answer outside 200-299.

    Raises:
        CredentialsError: 401.
        RateLimitedError: 429, with the seconds of Retry-After.
        UnavailableError: 503 with Retry-After, and any server error on a read.
        AmbiguousWriteError: Any other server error, timeout or redirect on a write.
        RejectedError: Any other client error; its code is the status.
    """
    status = response.status_code
    if 200 <= status < 300:
        return
    names = {"connector": call.connector, "operation": call.operation}
    reason = f"HTTP {status} {shown(response)}"
    if status == 401:
        raise CredentialsError(reason, **names)
    if status == _TOO_MANY_REQUESTS:
        raise RateLimitedError(reason, retry_after=retry_after(response.headers), **names)
    if status == _SERVICE_UNAVAILABLE and "Retry-After" in response.headers:
        raise UnavailableError(reason, **names)
    if status >= 500 or status < 400 or status == _REQUEST_TIMEOUT:
        raise call.lost(reason)
    raise RejectedError(shown(response), code=str(status), **names)


def json_of(response: requests.Response, call: Call) -> Any:
    """The JSON of an answer, every number with a decimal point or exponent as an exact Decimal.

    Raises:
        AmbiguousWriteError: It is no JSON, and the call was a write.
        UnavailableError: It is no JSON, and the call was a read.
    """
    try:
        return response.json(parse_float=Decimal)
    except ValueError as error:
        raise call.lost(f"HTTP {response.status_code} with an answer that is no JSON: {shown(response)}") from error


def json_bytes(payload: Mapping[str, Any]) -> bytes:
    """A payload as JSON whose numbers are exactly its Decimals, digit for digit."""
    return _ENCODER.encode(payload)


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Seconds of the Retry-After header; None where it is missing or a date (RFC 9110, 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    return int(text) if text.isdigit() else None


def shown(response: requests.Response) -> str:
    """The beginning of an answer's text, fit for an error message."""
    return " ".join(response.text[:_SHOWN].split())


def base_url(host: str, port: int | None = None) -> str:
    """The URL of a host setting without a slash at the end; `https://` where the setting names no scheme."""
    url = (host if "://" in host else f"https://{host}").rstrip("/")
    return f"{url}:{port}" if port else url


def _nothing_was_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError) or any(
        isinstance(part, ssl.SSLCertVerificationError) for part in _chain(reason)
    )


def _chain(error: object) -> Iterator[object]:
    while error is not None:
        yield error
        error = error.args[0] if isinstance(error, Exception) and error.args else None


def _seconds(connection: Connection, name: str, default: float) -> float:
    text = connection.extra.get(name, "")
    try:
        seconds = float(text) if text else default
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise ConfigurationError(
            f"connection {connection.conn_id}: extra.{name} is {text!r}, not a positive number of seconds."
        )
    return seconds
