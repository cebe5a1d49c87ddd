"""NetSuite as the ERP: upserts by external id in batches, and look-ups; see BEHAVIOR.md."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from connectors.contract import Capabilities, Found, Idempotency, Outcome, WriteRequest
from connectors.errors import ConnectorError, RejectedError, UnsupportedError
from connectors.http import Call
from connectors.netsuite.client import NetSuiteClient, status_error
from connectors.netsuite.records import TYPES, without_open_rows, written
from connectors.netsuite.settings import Settings
from connectors.outcomes import outcome_of, outcomes_of
from connectors.settings import Connection

T = TypeVar("T")
# Records per synchronous call: NetSuite Help, "SOAP Web Services Governance Overview" (read 2026-11).
_UPSERT_LIMIT = 100
# Allowed are 1,000; a fifth of that keeps answers with all their lines to a few megabytes.
_GET_LIMIT = 200
_NOT_FOUND = "RCRD_DSNT_EXIST"
_CUSTOMERS = {"salesOrder": "entity", "customerPayment": "customer"}
"""The field that names the customer, in records whose customer is read with them."""
_SEARCH_TYPES = {
    "invoice": "_invoice",
    "creditMemo": "_creditMemo",
    "journalEntry": "_journal",
    "customerPayment": "_customerPayment",
    "salesOrder": "_salesOrder",
}

CAPABILITIES = Capabilities(
    system="netsuite",
    writes=tuple(TYPES),
    roles=("lookup",),
    bulk_size=_UPSERT_LIMIT,
    idempotency=dict.fromkeys(TYPES, Idempotency.UPSERT),
    concurrency=5,
)


class NetSuite:
    """A `Target` and a `Lookup`."""

    capabilities = CAPABILITIES

    def __init__(self, settings: Settings) -> None:
        self._account = settings.account
        self._client = NetSuiteClient(settings, connections=CAPABILITIES.concurrency)

    def ping(self) -> str:
        """The account and its clock.

        Raises:
            ConnectorError: It cannot be reached, or does not accept us.
        """
        return f"netsuite: account {self._account}, server time {self._client.server_time()}"

    def close(self) -> None:
        """Give back connections."""
        self._client.close()

    def write(self, entity: str, requests: Sequence[WriteRequest]) -> list[Outcome]:
        """Upsert records under their keys as external ids, 100 a call.

        Raises:
            CredentialsError: NetSuite does not accept us.
        """
        if entity not in TYPES:
            return outcomes_of(_unsupported(entity), requests)
        return [outcome for batch in _batches(requests, _UPSERT_LIMIT) for outcome in self._write_batch(entity, batch)]

    def find(self, entity: str, keys: Sequence[str]) -> dict[str, Found]:
        """Records by external id, limited to the fields we write; references as NetSuite gives them.

        Raises:
            ConnectorError: They cannot be read.
        """
        _check(entity, TYPES)
        return {
            key: Found(
                key=key, native_id=str(record["internalId"]), payload=written(entity, record), answer=_answer(record)
            )
            for key, record in self.fetch(entity, keys).items()
        }

    def fetch(self, entity: str, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Records by external id with all the fields NetSuite gives, numbers as Decimals, dates as ISO text.

        The customer of a sales order or payment carries its external id too: NetSuite names referenced records by internal id only, so it is
        read for them. A payment holds the invoices it settles and no other open ones.

        Raises:
            ConnectorError: They cannot be read.
        """
        _check(entity, {*TYPES, *_SEARCH_TYPES})
        found: dict[str, Mapping[str, Any]] = {}
        for batch in _batches(keys, _GET_LIMIT):
            for key, answer in zip(batch, self._client.get(entity, batch), strict=True):
                record = _record(answer, entity)
                if record is not None:
                    found[key] = without_open_rows(record)
        return self._with_customers(found, _CUSTOMERS[entity]) if entity in _CUSTOMERS else found

    def count(self, entity: str) -> int:
        """Records of this kind that have an external id, counted by a search.

        Raises:
            ConnectorError: The search failed.
        """
        _check(entity, TYPES)
        ours = {"externalIdString": {"operator": "notEmpty"}}
        if entity == "customer":
            return self._client.search_total("CustomerSearchBasic", ours)
        kind = {"type": {"operator": "anyOf", "searchValue": [_SEARCH_TYPES[entity]]}}
        # Without it a transaction is found once per line; a journal entry has no main line.
        main = {} if entity == "journalEntry" else {"mainLine": {"searchValue": True}}
        return self._client.search_total("TransactionSearchBasic", {**ours, **kind, **main})

    def _with_customers(self, records: Mapping[str, Mapping[str, Any]], field: str) -> dict[str, Mapping[str, Any]]:
        internal = sorted({record[field]["internalId"] for record in records.values()})
        external: dict[str, str | None] = {}
        for batch in _batches(internal, _GET_LIMIT):
            for key, answer in zip(batch, self._client.get("customer", batch, by="internalId"), strict=True):
                external[key] = (_record(answer, "customer") or {}).get("externalId")
        return {
            key: {**record, field: {**record[field], "externalId": external[record[field]["internalId"]]}}
            for key, record in records.items()
        }

    def _write_batch(self, entity: str, requests: Sequence[WriteRequest]) -> list[Outcome]:
        outcomes: dict[str, Outcome] = {}
        records: dict[str, Any] = {}
        for request in requests:
            try:
                records[request.key] = self._client.record(entity, request.key, request.payload)
            except ConnectorError as error:
                outcomes[request.key] = outcome_of(error, request.key)
        sent = [request for request in requests if request.key in records]
        outcomes.update((outcome.key, outcome) for outcome in self._send(sent, records))
        return [outcomes[request.key] for request in requests]

    def _send(self, requests: Sequence[WriteRequest], records: Mapping[str, Any]) -> list[Outcome]:
        if not requests:
            return []
        call = Call("netsuite", "upsertList", writes=True)
        try:
            answers = self._client.upsert([records[request.key] for request in requests])
            if len(answers) != len(requests):
                raise call.lost(f"{len(answers)} answers to {len(requests)} records")
        except RejectedError as error:
            return self._send_apart(error, requests, records)
        except ConnectorError as error:
            return outcomes_of(error, requests)
        return [_outcome(request.key, answer, call) for request, answer in zip(requests, answers, strict=True)]

    def _send_apart(
        self, error: RejectedError, requests: Sequence[WriteRequest], records: Mapping[str, Any]
    ) -> list[Outcome]:
        """After a refusal of the whole message: the records that cannot be rendered are rejected, the others sent."""
        unfit = {
            request.key: reason for request in requests if (reason := self._client.renderable(records[request.key]))
        }
        if not unfit:
            return outcomes_of(error, requests)
        sent = self._send([request for request in requests if request.key not in unfit], records)
        return [*(outcome_of(reason, key) for key, reason in unfit.items()), *sent]


def _check(entity: str, known: Mapping[str, Any] | set[str]) -> None:
    if entity not in known:
        raise _unsupported(entity)


def _unsupported(entity: str) -> UnsupportedError:
    return UnsupportedError(f"no entity {entity!r}", connector="netsuite", operation=entity)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _outcome(key: str, answer: Mapping[str, Any], call: Call) -> Outcome:
    if not answer["status"].get("isSuccess"):
        return outcome_of(status_error(answer["status"], call), key)
    internal_id = (answer.get("baseRef") or {}).get("internalId")
    return Outcome(key=key, state="confirmed", native_id=internal_id, answer={"internalId": internal_id})


def _record(answer: Mapping[str, Any], entity: str) -> Mapping[str, Any] | None:
    status = answer["status"]
    if status.get("isSuccess"):
        record: Mapping[str, Any] | None = answer.get("record")
        return record
    if any(detail.get("code") == _NOT_FOUND for detail in status.get("statusDetail") or ()):
        return None
    raise status_error(status, Call("netsuite", f"getList {entity}"))


def _answer(record: Mapping[str, Any]) -> dict[str, Any]:
    """What else of a record is worth keeping: its number and what NetSuite made of its amounts."""
    return {name: record[name] for name in ("internalId", "tranId", "total", "taxTotal", "status") if name in record}


def connect(connection: Connection) -> NetSuite:
    """The connector of a connection; loads nothing yet.

    Raises:
        ConfigurationError: A setting is missing.
    """
    return NetSuite(Settings.from_connection(connection))
