"""Salesforce as a source of customers, products, deals, orders and contracts, and as the target of billing status; see BEHAVIOR.md."""

from collections.abc import Iterable, Sequence
from typing import Any

from connectors.contract import Capabilities, FieldDescription, Found, Idempotency, Outcome, Page, WriteRequest
from connectors.errors import ConnectorError, RejectedError, UnsupportedError
from connectors.outcomes import outcomes_of
from connectors.salesforce import status
from connectors.salesforce.client import Client
from connectors.salesforce.description import Describer
from connectors.salesforce.entities import ENTITIES
from connectors.salesforce.reader import Reader
from connectors.salesforce.settings import Settings
from connectors.salesforce.soql import BATCH
from connectors.settings import Connection

CAPABILITIES = Capabilities(
    system="salesforce",
    reads=tuple(ENTITIES),
    writes=("contract_status",),
    roles=("describes",),
    incremental=True,
    bulk_size=BATCH,
    idempotency={"contract_status": Idempotency.UPSERT},
    in_flight_window=120,
    concurrency=1,
)


def connect(connection: Connection) -> "SalesforceConnector":
    """The connector for a connection; nothing is sent yet."""
    return SalesforceConnector(Settings.from_connection(connection))


class SalesforceConnector:
    """One Salesforce org."""

    capabilities = CAPABILITIES

    def __init__(self, settings: Settings) -> None:
        self._client = Client(settings)
        self._reader = Reader(self._client, settings.settle_seconds)
        self._unsure: dict[str, WriteRequest] = {}

    def ping(self) -> str:
        """Log in and count the accounts we may see."""
        identity = self._client.identity()
        accounts = self._client.count("SELECT COUNT() FROM Account")
        return f"Salesforce {identity.id or identity.instance_url}, {accounts} accounts"

    def close(self) -> None:
        """Close the HTTP session."""
        self._client.close()

    def read(self, entity: str, *, cursor: str | None, limit: int) -> Page:
        """The next records of `entity` that are new or changed, the longest unchanged first; a record may come again when a part of it changed.

        Raises:
            UnsupportedError: The entity is not one of `capabilities.reads`.
            RejectedError: The org lacks a field or object, or we may not see it.
        """
        if entity not in ENTITIES:
            raise self._unsupported(entity, "read")
        return self._reader.page(ENTITIES[entity], cursor, limit)

    def describe(self, entity: str) -> list[FieldDescription]:
        """The fields of an entity as the org has them now; the objects of one entity are asked for once each.

        Raises:
            UnsupportedError: The entity is not one of `capabilities.reads`.
            RejectedError: The org lacks an object, or we may not see it.
        """
        if entity not in ENTITIES:
            raise self._unsupported(entity, "describe")
        return list(Describer(self._client).fields(ENTITIES[entity]))

    def write(self, entity: str, requests: Sequence[WriteRequest]) -> list[Outcome]:
        """Write billing status to contracts named by ContractNumber, in collections of 200; an older one than stands is left out."""
        if entity != "contract_status":
            return outcomes_of(self._unsupported(entity, "write"), requests)
        outcomes: dict[str, Outcome] = {}
        for turn in status.rounds(requests):
            for start in range(0, len(turn), BATCH):
                outcomes.update((outcome.key, outcome) for outcome in self._write_batch(turn[start : start + BATCH]))
        for request in requests:
            self._unsure.pop(request.key, None)
            if outcomes[request.key].state == "uncertain":
                self._unsure[request.key] = request
        return [outcomes[request.key] for request in requests]

    def find(self, entity: str, keys: Sequence[str]) -> dict[str, Found]:
        """Those uncertain writes of this connection whose values stand in Salesforce now.

        Salesforce does not hold our keys for a status. A key written by another process is not found, and writing it again has no second effect.
        """
        if entity != "contract_status":
            raise self._unsupported(entity, "find")
        asked = [self._unsure[key] for key in keys if key in self._unsure]
        standing = self._standing(asked)
        found = {}
        for request in asked:
            row = standing.get(status.number_of(request))
            if row and status.agrees(request.payload, row):
                payload = {name: row.get(name) for name in request.payload}
                found[request.key] = Found(key=request.key, native_id=row["Id"], payload=payload)
        return found

    def count(self, entity: str) -> int:
        """How many contracts carry the number of an invoice of ours."""
        if entity != "contract_status":
            raise self._unsupported(entity, "count")
        return self._client.count("SELECT COUNT() FROM Contract WHERE Last_Invoice_Number__c != null")

    def _unsupported(self, entity: str, operation: str) -> UnsupportedError:
        return UnsupportedError(f"does not serve {entity!r}", connector="salesforce", operation=operation)

    def _standing(self, requests: Iterable[WriteRequest]) -> dict[str, dict[str, Any]]:
        """What stands in the contracts that the requests name, by number."""
        fields = ("Id", "ContractNumber", *status.STATUS_FIELDS)
        numbers = [status.number_of(request) for request in requests]
        return {
            row["ContractNumber"]: row for row in self._reader.rows_by("ContractNumber", numbers, "Contract", fields)
        }

    def _write_batch(self, batch: list[WriteRequest]) -> list[Outcome]:
        try:
            standing = self._standing(batch)
        except ConnectorError as error:
            return outcomes_of(error, batch)
        outcomes, due = [], []
        for request in batch:
            row = standing.get(status.number_of(request))
            if row is None:
                outcomes.append(status.unknown_contract(request.key, status.number_of(request)))
            elif status.is_superseded(request.payload, row):
                outcomes.append(status.superseded(request.key, row["Id"]))
            else:
                due.append((request, str(row["Id"])))
        return outcomes + (self._update(due) if due else [])

    def _update(self, due: list[tuple[WriteRequest, str]]) -> list[Outcome]:
        try:
            results = self._client.update([status.record(contract, request.payload) for request, contract in due])
        except RejectedError as error:
            if len(due) == 1:
                return outcomes_of(error, [due[0][0]])
            half = len(due) // 2  # the call as a whole was refused without effect: find the record that spoils it
            return self._update(due[:half]) + self._update(due[half:])
        except ConnectorError as error:
            return outcomes_of(error, [request for request, _ in due])
        return [
            status.saved(request.key, contract, result)
            for (request, contract), result in zip(due, results, strict=True)
        ]
