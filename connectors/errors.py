"""Errors grouped by what to do next; `DISPOSITIONS` is the one table that says it."""

from enum import StrEnum

from canonical_model.errors import ConfigurationError, HubError, IntegrityError, MappingError


class Disposition(StrEnum):
    """What happens after an error."""

    STOP_AT_START = "stop at start-up and name the setting"
    RETRY = "retry with backoff"
    LOOK_UP = "look up by key, then decide"
    STOP_RUN = "stop the run and alert"
    EXCEPTION_DESK = "exception desk"
    HOLD = "hold"


class ConnectorError(HubError):
    """Something went wrong at an external system.

    Attributes:
        connector: Name of the connector.
        operation: What was being done.
        request_id: The vendor's identifier of the request, if it gave one.
    """

    def __init__(self, message: str, *, connector: str, operation: str, request_id: str | None = None) -> None:
        super().__init__(f"{connector} {operation}: {message}" + (f" (request {request_id})" if request_id else ""))
        self.connector, self.operation, self.request_id = connector, operation, request_id


class TransientError(ConnectorError):
    """It certainly had no effect and may work when tried again."""


class RateLimitedError(TransientError):
    """The system asked us to slow down.

    Attributes:
        retry_after: Seconds to wait, None where the system did not say.
    """

    def __init__(self, message: str, *, connector: str, operation: str, retry_after: int | None = None) -> None:
        super().__init__(message, connector=connector, operation=operation)
        self.retry_after = retry_after


class UnavailableError(TransientError):
    """The system cannot serve anyone now."""


class ConnectTimeoutError(TransientError):
    """No connection came about, so nothing was sent."""


class AmbiguousWriteError(ConnectorError):
    """A write was sent and its answer was lost: it may or may not have taken effect."""


class CredentialsError(ConnectorError):
    """The system does not accept who we say we are, or a signature does not fit."""


class RejectedError(ConnectorError):
    """The system understood and refused.

    Attributes:
        code: Its own code.
        field: The field it names, if any.
    """

    def __init__(self, message: str, *, connector: str, operation: str, code: str, field: str | None = None) -> None:
        super().__init__(f"[{code}] {message}", connector=connector, operation=operation)
        self.code, self.field, self.text = code, field, message


class UnsupportedError(ConnectorError):
    """The vendor cannot express what was asked."""


DISPOSITIONS: dict[type[HubError], Disposition] = {
    ConfigurationError: Disposition.STOP_AT_START,
    TransientError: Disposition.RETRY,
    RateLimitedError: Disposition.RETRY,
    UnavailableError: Disposition.RETRY,
    ConnectTimeoutError: Disposition.RETRY,
    AmbiguousWriteError: Disposition.LOOK_UP,
    CredentialsError: Disposition.STOP_RUN,
    RejectedError: Disposition.EXCEPTION_DESK,
    UnsupportedError: Disposition.EXCEPTION_DESK,
    MappingError: Disposition.EXCEPTION_DESK,
    IntegrityError: Disposition.HOLD,
}
