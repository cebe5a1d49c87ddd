"""What an error means for the record that was being written."""

from collections.abc import Sequence
from typing import Literal

from connectors.contract import Outcome, WriteError, WriteRequest
from connectors.errors import (
    AmbiguousWriteError,
    ConnectorError,
    ConnectTimeoutError,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnavailableError,
    UnsupportedError,
)

State = Literal["confirmed", "rejected", "uncertain", "pending"]
_STATES: dict[type[ConnectorError], State] = {
    TransientError: "pending",
    AmbiguousWriteError: "uncertain",
    RejectedError: "rejected",
    UnsupportedError: "rejected",
}
_CODES: dict[type[ConnectorError], str] = {
    RateLimitedError: "rate_limited",
    ConnectTimeoutError: "connect_timeout",
    UnavailableError: "unavailable",
    AmbiguousWriteError: "no_answer",
    UnsupportedError: "unsupported",
}


def outcome_of(error: ConnectorError, key: str) -> Outcome:
    """The outcome of a write that ended in `error`.

    Raises:
        CredentialsError: As given; it concerns no record but the run.
    """
    state = next((state for kind, state in _STATES.items() if isinstance(error, kind)), None)
    if state is None:
        raise error
    return Outcome(key=key, state=state, error=write_error(error))


def outcomes_of(error: ConnectorError, requests: Sequence[WriteRequest]) -> list[Outcome]:
    """The outcomes of all requests of one call that failed as a whole.

    Raises:
        CredentialsError: As given.
    """
    return [outcome_of(error, request.key) for request in requests]


def write_error(error: ConnectorError) -> WriteError:
    """The error as a value; the code is the vendor's own for a rejection and ours otherwise."""
    if isinstance(error, RejectedError):
        return WriteError(code=error.code, message=error.text, field=error.field)
    wait = error.retry_after if isinstance(error, RateLimitedError) else None
    return WriteError(code=_CODES.get(type(error), "transient"), message=str(error), retry_after=wait)
