"""Stripe as a target for invoices and as a sender of events; see BEHAVIOR.md."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from canonical_model.errors import ConfigurationError
from connectors.contract import Capabilities, Found, Idempotency, Outcome, WriteRequest
from connectors.errors import AmbiguousWriteError, ConnectorError, TransientError, UnsupportedError
from connectors.outcomes import outcome_of, outcomes_of
from connectors.settings import Connection
from connectors.stripe.client import Object, StripeClient
from connectors.stripe.customers import metadata_query
from connectors.stripe.invoices import KEY, Invoices, answer_of, payload_of
from connectors.stripe.settings import Settings

_CLAUSES = 10  # of a search query
_RECENT = 1000  # invoices that the search may not have in its index yet

CAPABILITIES = Capabilities(
    system="stripe",
    writes=("invoice",),
    roles=("webhook",),
    idempotency={"invoice": Idempotency.NATIVE_KEY},
    concurrency=4,
    requests_per_second=25,
)


class Stripe:
    """A `Target` for invoices and a `Webhook`."""

    capabilities = CAPABILITIES

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = StripeClient(settings, connections=CAPABILITIES.concurrency)
        self._invoices = Invoices(self._client)

    def ping(self) -> str:
        """Where we are, and whether with real money.

        Raises:
            ConnectorError: It cannot be reached, or does not accept us.
        """
        self._client.reach()
        return f"stripe: {self._settings.api}, {'live' if '_live_' in self._settings.api_key else 'test'} mode"

    def close(self) -> None:
        """Give back connections."""
        self._client.close()

    def write(self, entity: str, requests: Sequence[WriteRequest]) -> list[Outcome]:
        """Write invoices one after the other; each is found again and completed if an earlier attempt was cut short.

        Raises:
            CredentialsError: Stripe does not accept us.
        """
        if entity not in CAPABILITIES.writes:
            return outcomes_of(_unsupported(entity), requests)
        return [self._write(request) for request in requests]

    def find(self, entity: str, keys: Sequence[str]) -> dict[str, Found]:
        """Invoices with these keys; a draft is `complete=False`.

        Asks the search and, as its index lags behind, the newest thousand. Not finding one is no proof; `write` looks at the customer's own list.

        Raises:
            ConnectorError: They cannot be read.
        """
        _check(entity)
        invoices = {invoice["metadata"][KEY]: invoice for invoice in self._searched(keys)}
        missing = set(keys) - invoices.keys()
        recent = islice(self._client.list_all("invoices", {}), _RECENT) if missing else ()
        invoices |= {invoice["metadata"][KEY]: invoice for invoice in recent if invoice["metadata"].get(KEY) in missing}
        return {key: self._found(key, invoices[key]) for key in keys if key in invoices}

    def count(self, entity: str) -> int:
        """Final invoices with keys of ours; drafts do not count.

        Raises:
            ConnectorError: They cannot be read.
        """
        _check(entity)
        invoices = self._client.list_all("invoices", {})
        return sum(1 for invoice in invoices if KEY in invoice["metadata"] and invoice["status"] != "draft")

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Mapping[str, Any]:
        """The event, proven to come from Stripe and to be at most five minutes old.

        Raises:
            ConfigurationError: There is no signing secret.
            CredentialsError: The signature does not fit.
        """
        if not self._settings.webhook_secret:
            raise ConfigurationError(
                "stripe: setting 'extra.webhook_secret' is missing; it is shown with the event destination at Stripe."
            )
        signature = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), "")
        self._client.verify(body, signature)
        event: Mapping[str, Any] = json.loads(body, parse_float=Decimal)
        return event

    def _write(self, request: WriteRequest) -> Outcome:
        try:
            invoice = self._invoices.begin(request)
        except ConnectorError as error:
            return outcome_of(error, request.key)
        try:
            invoice = self._invoices.complete(invoice, request)
        except TransientError as error:
            # There is a draft by now, so "certainly no effect" would be untrue.
            begun = AmbiguousWriteError(
                f"draft {invoice['id']} was begun: {error}", connector="stripe", operation="write invoice"
            )
            return outcome_of(begun, request.key)
        except ConnectorError as error:
            return outcome_of(error, request.key)
        return Outcome(key=request.key, state="confirmed", native_id=invoice["id"], answer=answer_of(invoice))

    def _searched(self, keys: Sequence[str]) -> Iterator[Object]:
        for start in range(0, len(keys), _CLAUSES):
            yield from self._client.search("invoices", metadata_query(KEY, list(keys[start : start + _CLAUSES])))

    def _found(self, key: str, invoice: Object) -> Found:
        return Found(
            key=key,
            native_id=invoice["id"],
            payload=payload_of(invoice, self._invoices.items(invoice["id"])),
            answer=answer_of(invoice),
            complete=invoice["status"] != "draft",
        )


def _check(entity: str) -> None:
    if entity not in CAPABILITIES.writes:
        raise _unsupported(entity)


def _unsupported(entity: str) -> UnsupportedError:
    return UnsupportedError(f"no entity {entity!r}", connector="stripe", operation=entity)


def connect(connection: Connection) -> Stripe:
    """The connector of a connection; connects to nothing yet.

    Raises:
        ConfigurationError: A setting is missing.
    """
    return Stripe(Settings.from_connection(connection))
