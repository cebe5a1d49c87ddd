"""Trying again what certainly had no effect: exponential waiting with jitter, and the system's own waiting time where it names one."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from connectors.errors import RateLimitedError, TransientError

Result = TypeVar("Result")

ATTEMPTS = 5
LONGEST_WAIT = 900
_backoff = wait_exponential_jitter(initial=0.5, max=30)


def retried(call: Callable[[], Result]) -> Result:
    """The result of a call without effect (a read, a quote), tried up to five times while the system is not available.

    Raises:
        TransientError: It is still not available; the last error.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(TransientError), wait=_wait, stop=stop_after_attempt(ATTEMPTS), reraise=True
    )
    return retrying(call)


def waiting_ms(attempts: int, retry_after: int | None) -> int:
    """Milliseconds until a delivery is tried again.

    Args:
        attempts: How often it was tried.
        retry_after: Seconds the target asked for, if it did.
    """
    backoff: int = 2 ** min(attempts - 1, 10)
    return 1000 * max(retry_after or 0, min(LONGEST_WAIT, backoff))


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, RateLimitedError) else None
    return max(float(asked or 0), _backoff(state))
