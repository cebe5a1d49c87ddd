"""What the org answers: JSON bodies, its errors, and how values look in JSON.

Error shapes: REST API Developer Guide v60.0, "Status Codes and Error Responses". One request's
error is an array of `{message, errorCode, fields?}`; one record's error inside a collection is
`{statusCode, message, fields}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.salesforce.schema import NUMBER_TYPES, Field

_PLAIN_FROM = -3
_PLAIN_BELOW = 7


@dataclass(frozen=True)
class Answer:
    """An HTTP answer before it is written: body None means an empty body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """A request, or one record in it, that the org refuses.

    Attributes:
        status: HTTP status for a request of its own.
        code: Salesforce's error code, e.g. `INVALID_FIELD`.
        message: Salesforce's sentence.
        fields: API names of the fields at fault; None where the org leaves the key out.
    """

    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def as_answer(self) -> Answer:
        """Return the error of a whole request."""
        body: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            body["fields"] = list(self.fields)
        return Answer(self.status, [body])

    def as_save_error(self) -> dict[str, Any]:
        """Return the error of one record inside a collection."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


def not_found() -> ApiError:
    """Return the org's answer to a resource that is not there."""
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")


def save_result(record_id: str, *, created: bool | None = None) -> dict[str, Any]:
    """Return the answer to a saved record; `created` only for upserts (API v46.0 and later)."""
    result: dict[str, Any] = {"id": record_id, "success": True, "errors": []}
    if created is not None:
        result["created"] = created
    return result


def json_value(spec: Field, value: Any) -> Any:
    """Return a stored field value as it stands in the org's JSON."""
    if value is None or spec.type not in NUMBER_TYPES:
        return value
    return msgspec.Raw(double_text(Decimal(value)).encode())


def double_text(number: Decimal) -> str:
    """Write a number as the org writes doubles: 30.0, 480000.0, 1.2345678E7.

    From eight digits before the point on, the org answers in scientific notation (knowledge
    article 000385889). No digit of the stored number is lost.
    """
    if not number:
        return "0.0"
    normal = number.normalize()
    exponent = normal.adjusted()
    if _PLAIN_FROM <= exponent < _PLAIN_BELOW:
        return _with_point(format(normal, "f"))
    return f"{_with_point(format(normal.scaleb(-exponent), 'f'))}E{exponent}"


def _with_point(text: str) -> str:
    return text if "." in text else text + ".0"
