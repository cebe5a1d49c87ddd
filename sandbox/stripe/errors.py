"""Refusals in Stripe's own shape: `{"error": {"type", "code", "message", "param"}}`.

Codes: docs.stripe.com/error-codes. Types and statuses: docs.stripe.com/api/errors.
"""

from dataclasses import dataclass

from sandbox.storage import Body

INVALID_REQUEST = "invalid_request_error"


@dataclass(frozen=True)
class Answer:
    """A handler's answer that is not a plain 200; unlike an error it keeps the handler's effects."""

    status: int
    body: Body


class StripeError(Exception):
    """A refused request; everything its handler had written is undone."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int = 400,
        kind: str = INVALID_REQUEST,
        before_execution: bool = False,
    ) -> None:
        """Build a refusal.

        Args:
            message: Text for people.
            code: Stripe's error code, where it has one for this.
            param: The offending parameter.
            status: HTTP status.
            kind: Stripe's error type.
            before_execution: Refused while reading the parameters: an idempotency key stays unused.
        """
        super().__init__(message)
        self.status = status
        self.before_execution = before_execution
        self.body = error_body(message, kind=kind, code=code, param=param)


def error_body(message: str, *, kind: str, code: str | None = None, param: str | None = None) -> Body:
    """Return Stripe's error object; fields without a value are left out, as Stripe does."""
    fields = {"code": code, "message": message, "param": param, "type": kind}
    if code:
        fields["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
    return {"error": {name: value for name, value in fields.items() if value is not None}}


def bad_parameter(message: str, *, code: str | None = None, param: str | None = None) -> StripeError:
    """Refuse a parameter while reading it, before anything is executed."""
    return StripeError(message, code=code, param=param, before_execution=True)


def parameter_missing(param: str) -> StripeError:
    """Refuse a request without a required parameter."""
    return bad_parameter(f"Missing required param: {param}.", code="parameter_missing", param=param)


def parameter_unknown(param: str) -> StripeError:
    """Refuse a parameter the endpoint does not take."""
    return bad_parameter(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def resource_missing(kind: str, object_id: str, param: str) -> StripeError:
    """Refuse an id that names nothing: 404 when it stands in the path, else 400."""
    return StripeError(
        f"No such {kind}: '{object_id}'",
        code="resource_missing",
        param=param,
        status=404 if param == "id" else 400,
    )


def not_editable(message: str) -> StripeError:
    """Refuse a change that only a draft invoice allows."""
    return StripeError(message, code="invoice_not_editable")


def amount_too_large(param: str) -> StripeError:
    """Refuse an amount of more than eight digits (docs.stripe.com/currencies)."""
    return StripeError("Amount must be no more than 99999999", code="amount_too_large", param=param)
