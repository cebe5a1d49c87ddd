"""Stripe's own library, with its failures under our names and its objects as plain dictionaries."""

import threading
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import requests

from connectors.errors import ConnectorError, CredentialsError, RateLimitedError, RejectedError, UnavailableError
from connectors.http import Call, new_session, retry_after, translate
from connectors.stripe.settings import Settings

Object = dict[str, Any]
_PAGE = 100
# Stripe keeps no result for a request that ran into another one (API reference, "Idempotent requests", read 2026-11).
_TRY_AGAIN_CODES = frozenset({"lock_timeout", "idempotency_key_in_use", "rate_limit"})


class ReplayedFailureError(ConnectorError):
    """Stripe answered with the stored server error of an earlier request under the same idempotency key, and always will."""


class StripeClient:
    """The calls we make; safe to share between threads."""

    def __init__(self, settings: Settings, connections: int) -> None:
        self._settings = settings
        self._session = new_session(settings.timeouts, connections=connections)
        self._lock = threading.Lock()
        self._sdk: Any = None

    def close(self) -> None:
        """Give back the connections."""
        self._session.close()

    def create(self, service: str, params: Mapping[str, Any], key: str) -> Object:
        """Create an object of a service such as `invoices`, under an idempotency key.

        Raises:
            ReplayedFailureError: An earlier attempt under this key ended in a server error.
            ConnectorError: As for any call.
        """
        call = Call("stripe", f"create {service}", writes=True)
        return self._run(
            call, lambda v1: _service(v1, service).create(params=dict(params), options={"idempotency_key": key})
        )

    def update(self, service: str, identifier: str, params: Mapping[str, Any]) -> Object:
        """Set fields of an object.

        Without a key of ours: setting fields twice is setting them once, while a key would replay the old answer when a value comes back.

        Raises:
            ConnectorError: As for any call.
        """
        call = Call("stripe", f"update {service}", writes=True)
        return self._run(call, lambda v1: _service(v1, service).update(identifier, params=dict(params)))

    def finalize(self, invoice: str, key: str) -> Object:
        """Make a draft an invoice, without collecting by itself; raises as `create`."""
        call = Call("stripe", "finalize invoice", writes=True)
        params, options = {"auto_advance": False}, {"idempotency_key": key}
        return self._run(call, lambda v1: v1.invoices.finalize_invoice(invoice, params=params, options=options))

    def retrieve(self, service: str, identifier: str) -> Object:
        """Read one object.

        Raises:
            ConnectorError: It cannot be read.
        """
        return self._run(Call("stripe", f"read {service}"), lambda v1: _service(v1, service).retrieve(identifier))

    def list_all(self, service: str, params: Mapping[str, Any]) -> Iterator[Object]:
        """All objects of a list, newest first, 100 a page.

        Raises:
            ConnectorError: A page cannot be read.
        """
        query = {**params, "limit": _PAGE}
        while True:
            page = self._page(service, query)
            yield from page["data"]
            if not page["has_more"] or not page["data"]:
                return
            query["starting_after"] = page["data"][-1]["id"]

    def search(self, service: str, query: str) -> list[Object]:
        """Up to 100 objects that a search finds; its index lags behind by up to a minute, in trouble by an hour.

        Raises:
            ConnectorError: It cannot be read.
        """
        call = Call("stripe", f"search {service}")
        return list(
            self._run(call, lambda v1: _service(v1, service).search(params={"query": query, "limit": _PAGE}))["data"]
        )

    def reach(self) -> None:
        """Read one invoice or none: the least that proves the key and its permission.

        Raises:
            ConnectorError: It cannot be read.
        """
        self._page("invoices", {"limit": 1})

    def verify(self, body: bytes, signature: str) -> None:
        """Check the signature of an event, and that it is at most five minutes old.

        Raises:
            CredentialsError: It does not fit.
        """
        stripe = import_module("stripe")
        try:
            stripe.WebhookSignature.verify_header(
                body, signature, self._settings.webhook_secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
        except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
            raise CredentialsError(str(error), connector="stripe", operation="verify event") from error

    def _page(self, service: str, query: Mapping[str, Any]) -> Object:
        call = Call("stripe", f"list {service}")
        return self._run(call, lambda v1: _service(v1, service).list(params=dict(query)))

    def _run(self, call: Call, action: Callable[[Any], Any]) -> Object:
        stripe = import_module("stripe")
        try:
            answer: Object = action(self._v1(stripe)).to_dict()
        except stripe.StripeError as error:
            raise _error_of(error, call) from error
        return answer

    def _v1(self, stripe: Any) -> Any:
        with self._lock:
            if self._sdk is None:
                timeouts = (self._settings.timeouts.connect, self._settings.timeouts.read)
                self._sdk = stripe.StripeClient(
                    self._settings.api_key,
                    base_addresses={"api": self._settings.api},
                    max_network_retries=0,
                    http_client=stripe.RequestsClient(timeout=timeouts, session=self._session),
                )
        return self._sdk.v1


def _service(v1: Any, name: str) -> Any:
    return getattr(v1, name)


def _error_of(error: Any, call: Call) -> ConnectorError:
    """Our error for one of the library's."""
    if isinstance(error.__cause__, requests.RequestException):
        return _as_connector_error(translate(error.__cause__, call), call)
    status, code = error.http_status or 0, error.code or (error.error and error.error.type) or type(error).__name__
    names = {"connector": call.connector, "operation": call.operation}
    reason = f"HTTP {status} [{code}] {error.user_message} (request {error.request_id})"
    if status == 429:
        return RateLimitedError(reason, retry_after=retry_after(error.headers), **names)
    if status == 409 or code in _TRY_AGAIN_CODES:
        return UnavailableError(reason, **names)
    if 400 <= status < 500:
        refused = RejectedError(str(error.user_message), code=code, field=getattr(error, "param", None), **names)
        return CredentialsError(reason, **names) if status in {401, 403} else refused
    replayed = status >= 500 and error.headers.get("Idempotent-Replayed") == "true"
    return ReplayedFailureError(reason, **names) if replayed else call.lost(reason)


def _as_connector_error(error: Exception, call: Call) -> ConnectorError:
    return error if isinstance(error, ConnectorError) else call.lost(str(error))
