"""What NetSuite's codes mean for the call or the record.

Sources: platform.faultTypes.xsd 2023_2 (StatusDetailCodeType, FaultCodeType); NetSuite Help, "SOAP Fault Status Codes", "Errors Related to
Concurrency Violations" and "Error Status Codes" (read 2026-11).
"""

import re

from connectors.errors import ConnectorError, CredentialsError, RateLimitedError, RejectedError, UnavailableError
from connectors.http import Call

LIMIT_CODES = frozenset(
    {
        "SSS_REQUEST_LIMIT_EXCEEDED",
        "WS_REQUEST_BLOCKED",
        "WS_CONCUR_SESSION_DISALLWD",
        "WS_EXCEEDED_CONCUR_USERS_ALLWD",
        "CONCURRENCY_LIMIT_EXCEEDED",
    }
)
# RCRD_HAS_BEEN_CHANGED: another user saved the record between NetSuite's own read and write, so ours was dropped.
_UNAVAILABLE_CODES = frozenset({"ACCT_TEMP_UNAVAILABLE", "SESSION_TIMED_OUT", "RCRD_HAS_BEEN_CHANGED"})
_AMBIGUOUS_CODES = frozenset({"UNEXPECTED_ERROR", "UNEXPECTED_FAILURE"})
_CREDENTIAL_CODES = frozenset(
    {
        "INSUFFICIENT_PERMISSION",
        "INVALID_ACCT",
        "INVALID_LOGIN",
        "INVALID_LOGIN_ATTEMPT",
        "INVALID_LOGIN_CREDENTIALS",
        "INVALID_LOGIN_IP",
        "INVALID_ROLE",
        "LOGIN_DISABLED",
        "ROLE_REQUIRED",
        "WS_FEATURE_REQD",
        "WS_LOG_IN_REQD",
        "WS_PERMISSION_REQD",
    }
)
_LIMIT_PATTERN = re.compile("|".join(sorted(LIMIT_CODES)))


def error_of(code: str, message: str, call: Call, *, retry_after: int | None = None) -> ConnectorError:
    """Our error for the code of a fault, which ends a whole call."""
    names = {"connector": call.connector, "operation": call.operation}
    if code in LIMIT_CODES:
        return RateLimitedError(f"[{code}] {message}", retry_after=retry_after, **names)
    if code in _CREDENTIAL_CODES:
        return CredentialsError(f"[{code}] {message}", **names)
    if code in _UNAVAILABLE_CODES:
        return UnavailableError(f"[{code}] {message}", **names)
    if code in _AMBIGUOUS_CODES:
        return call.lost(f"[{code}] {message}")
    return RejectedError(message, code=code, **names)


def record_error_of(code: str, message: str, call: Call) -> ConnectorError:
    """Our error for a code that stands in the status of one record: there a missing permission concerns that record, not the run."""
    if code in _CREDENTIAL_CODES:
        return RejectedError(message, connector=call.connector, operation=call.operation, code=code)
    return error_of(code, message, call)


def limit_code_in(text: str) -> str | None:
    """A limit's code anywhere in an answer that is no SOAP fault."""
    found = _LIMIT_PATTERN.search(text)
    return found.group() if found else None
