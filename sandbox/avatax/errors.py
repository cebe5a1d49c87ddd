"""Errors in the vendor's own shape.

The envelope, the codes and their numbers are those of "AvaTax error codes"
(developer.avalara.com/avatax/errors, REST v2). A number is given only where that page is known to
list it.
"""

from typing import Any

NUMBERS = {
    "EntityNotFoundError": 4,
    "ValueRequiredError": 5,
    "StringLengthError": 13,
    "AuthenticationException": 30,
    "ModelStateInvalid": 70,
    "GetTaxError": 300,
}


class VendorError(Exception):
    """A request that the vendor refuses.

    Attributes:
        status: The HTTP status.
        code: One of the vendor's error codes.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        description: str = "",
        sub_code: str = "",
        refers_to: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self._fields = {
            "number": NUMBERS.get(code),
            "message": message,
            "description": description or message,
            "faultCode": "Client",
            "faultSubCode": sub_code,
            "refersTo": refers_to,
        }

    def body(self) -> dict[str, Any]:
        """Return the answer's JSON."""
        detail = {"code": self.code, **{name: value for name, value in self._fields.items() if value}}
        detail["helpLink"] = f"http://developer.avalara.com/avatax/errors/{self.code}"
        detail["severity"] = "Error"
        error = {"code": self.code, "message": str(self), "target": "HttpRequest", "details": [detail]}
        return {"error": error}


def value_required(field: str) -> VendorError:
    """A required field is missing."""
    return VendorError(400, "ValueRequiredError", f"Field {field} is required.", refers_to=field)


def not_found(what: str, key: str) -> VendorError:
    """No such document or company."""
    description = f"The {what} with code '{key}' was not found."
    return VendorError(404, "EntityNotFoundError", f"{what} not found.", description=description)


def doc_status_invalid(expected: str) -> VendorError:
    """The document's status forbids the operation."""
    message = "DocStatus is invalid for this operation."
    return VendorError(
        400,
        "GetTaxError",
        message,
        description=f"Expected {expected}",
        sub_code="DocStatusError",
        refers_to="DocStatus",
    )


def unauthenticated() -> VendorError:
    """The credentials are missing or wrong."""
    return VendorError(
        401,
        "AuthenticationException",
        "Authentication failed.",
        description="Missing authentication or unable to authenticate the user or the account.",
    )


def rate_limited() -> VendorError:
    """Too many requests."""
    return VendorError(429, "RateLimitExceededError", "The request rate limit of the account is exceeded.")
