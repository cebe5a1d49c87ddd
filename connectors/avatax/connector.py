"""AvaTax as tax engine, address service and register of committed transactions. Behaviour and limits: BEHAVIOR.md."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from canonical_model.parties import Address
from canonical_model.tax import AddressCheck
from connectors.avatax import transactions
from connectors.avatax.client import CONCURRENCY, Client, CodeTakenError, path_code
from connectors.avatax.settings import Settings
from connectors.contract import Capabilities, Found, Idempotency, Outcome, WriteError, WriteRequest
from connectors.errors import ConnectorError, CredentialsError, RejectedError, UnsupportedError
from connectors.outcomes import outcome_of, outcomes_of, write_error
from connectors.settings import Connection

Item = TypeVar("Item")
Result = TypeVar("Result")
_PAGE = 1000
_ALL_DATES = "date ge 1900-01-01 and date le 2999-12-31"  # without a date AvaTax lists the last 30 days only

CAPABILITIES = Capabilities(
    system="avatax",
    writes=("transaction",),
    roles=("tax_engine", "address_service"),
    idempotency={"transaction": Idempotency.UPSERT},
    in_flight_window=60,
    concurrency=CONCURRENCY,
)


def connect(connection: Connection) -> "AvataxConnector":
    """The connector for a connection; nothing is sent yet."""
    return AvataxConnector(Settings.from_connection(connection))


class AvataxConnector:
    """One AvaTax account."""

    capabilities = CAPABILITIES

    def __init__(self, settings: Settings) -> None:
        self._companies, self._address_countries = settings.company_codes, settings.address_countries
        self._client = Client(settings)

    def ping(self) -> str:
        """Ask AvaTax who we are.

        Raises:
            CredentialsError: It does not know us; this operation answers 200 all the same.
        """
        answer = self._client.get("ping", "utilities/ping")
        if not answer.get("authenticated"):
            raise CredentialsError("account id and licence key are not accepted", connector="avatax", operation="ping")
        return f"AvaTax {answer.get('version')}, account {answer.get('authenticatedAccountId')}"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def quote(self, payloads: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | WriteError]:
        """AvaTax's TransactionModel with lines and details for each CreateTransactionModel; nothing is recorded.

        Raises:
            TransientError: AvaTax could not be asked about one of them; asking about all again has no effect.
            CredentialsError: We are not let in.
        """
        return _in_threads(self._quote, payloads)

    def check(self, addresses: Sequence[Address]) -> list[AddressCheck]:
        """Whether AvaTax can resolve each address; one in a country it does not know is let through with a message that says so."""
        return _in_threads(self._check, addresses)

    def write(self, entity: str, requests: Sequence[WriteRequest]) -> list[Outcome]:
        """Record committed transactions under their keys; a key that AvaTax holds already is confirmed if its contents are the same.

        A transaction whose tax is not the one the payload expects is rejected as `tax_differs` and stays uncommitted.
        """
        if entity != "transaction":
            return outcomes_of(_unsupported(entity, "write"), requests)
        return _in_threads(self._write, requests)

    def find(self, entity: str, keys: Sequence[str]) -> dict[str, Found]:
        """The transactions under these codes in any of our companies; an adjusted one in its current version."""
        if entity != "transaction":
            raise _unsupported(entity, "find")
        results = _in_threads(self._find, keys)
        return {result.key: result for result in results if result is not None}

    def count(self, entity: str) -> int:
        """How many transactions our companies hold that count, without uncommitted and voided ones and earlier versions."""
        if entity != "transaction":
            raise _unsupported(entity, "count")
        rows = (row for company in self._companies for row in self._listed(company))
        return sum(transactions.is_counted(row) for row in rows)

    def void(self, key: str, *, company_code: str, document_type: str = "SalesInvoice") -> Outcome:
        """Void a transaction; one that is void already is confirmed."""
        path = f"{_path(company_code, key)}/void?documentType={document_type}"
        try:
            answer = self._client.post("void", path, {"code": "DocVoided"}, writes=True)
        except ConnectorError as error:
            if isinstance(error, RejectedError) and error.code == "TransactionAlreadyCancelled":
                return Outcome(key=key, state="confirmed", answer={"status": "Cancelled"})
            return outcome_of(error, key)
        return Outcome(key=key, state="confirmed", native_id=str(answer["id"]), answer=transactions.answer(answer))

    def _quote(self, payload: Mapping[str, Any]) -> Mapping[str, Any] | WriteError:
        try:
            answer: Mapping[str, Any] = self._client.post(
                "quote", "transactions/create", transactions.quote(payload), writes=False, include="Details"
            )
        except RejectedError as error:
            return write_error(error)
        return answer

    def _check(self, address: Address) -> AddressCheck:
        if address.country not in self._address_countries:
            return AddressCheck(
                valid=True, message=f"not checked: AvaTax does not know the addresses of {address.country}"
            )
        fields = {
            "line1": address.line1,
            "city": address.city,
            "region": address.region,
            "postalCode": address.postal_code,
            "country": address.country,
        }
        body = {name: text for name, text in fields.items() if text}
        try:
            answer = self._client.post("resolve address", "addresses/resolve", body, writes=False)
        except RejectedError as error:
            return AddressCheck(valid=False, message=error.text)
        messages = answer.get("messages") or ()
        errors = [each.get("details") or each.get("summary") for each in messages if each.get("severity") == "Error"]
        return AddressCheck(valid=not errors, message=" ".join(error or "not resolved" for error in errors) or None)

    def _write(self, request: WriteRequest) -> Outcome:
        """Save, compare the tax, commit. What a crash leaves saved is replaced by the next write, under the same id."""
        body = transactions.saved(request.key, request.payload)
        try:
            saved = self._client.post("save transaction", "transactions/create", body, writes=True, include="Lines")
            if unlike := transactions.tax_difference(request.payload, saved):
                return _rejected(request.key, unlike)
            path = f"{_path(body['companyCode'], request.key)}/commit?documentType={body['type']}"
            recorded = self._client.post("commit transaction", path, {"commit": True}, writes=True, include="Lines")
        except CodeTakenError as error:
            return self._compared(request, error)
        except ConnectorError as error:
            return outcome_of(error, request.key)
        if unlike := transactions.tax_difference(request.payload, recorded):
            return self._taken_back(request.key, body, unlike)
        return Outcome(
            key=request.key, state="confirmed", native_id=str(recorded["id"]), answer=transactions.answer(recorded)
        )

    def _taken_back(self, key: str, body: Mapping[str, Any], unlike: WriteError) -> Outcome:
        """Another worker's request replaced the saved document after we looked at it, and we committed that one: it must not count."""
        voided = self.void(key, company_code=str(body["companyCode"]), document_type=str(body["type"]))
        if voided.state != "confirmed":
            return msgspec.structs.replace(voided, state="uncertain")  # the next write looks at what is there
        return _rejected(key, msgspec.structs.replace(unlike, message=f"{unlike.message}; it was voided"))

    def _compared(self, request: WriteRequest, error: CodeTakenError) -> Outcome:
        """What a code that is taken means: our own earlier write, or something else under our key."""
        key, body = request.key, transactions.committed(request.key, request.payload)
        try:
            recorded = self._recorded(key, str(body["companyCode"]), str(body["type"]))
        except ConnectorError as failure:
            return outcome_of(failure, key)
        if recorded is None:
            return outcome_of(error, key)
        unlike = transactions.differences(body, recorded.payload)
        if unlike:
            message = f"AvaTax holds other contents under {key} (field: ours, theirs): {'; '.join(unlike)}"
            return _rejected(key, WriteError(code="content_conflict", message=message))
        if other_tax := transactions.tax_difference(request.payload, recorded.answer):
            return _rejected(key, other_tax)
        return Outcome(key=key, state="confirmed", native_id=recorded.native_id, answer=recorded.answer)

    def _find(self, key: str) -> Found | None:
        matches = (self._recorded(key, company) for company in self._companies)
        return next((match for match in matches if match is not None), None)

    def _recorded(self, key: str, company: str, document_type: str = "") -> Found | None:
        path = _path(company, key)
        parameters = {"$include": "Lines", **({"documentType": document_type} if document_type else {})}
        try:
            return transactions.found(key, company, self._client.get("find transaction", path, parameters))
        except RejectedError as error:
            if error.code in {"EntityNotFoundError", "404"}:
                return None
            raise

    def _listed(self, company: str) -> Iterator[Mapping[str, Any]]:
        path = f"companies/{path_code(company)}/transactions"
        for skip in range(0, 2**31, _PAGE):
            parameters = {"$filter": _ALL_DATES, "$orderBy": "id ASC", "$top": str(_PAGE), "$skip": str(skip)}
            rows = self._client.get("list transactions", path, parameters)["value"]
            yield from rows
            if len(rows) < _PAGE:
                return


def _path(company: str, key: str) -> str:
    return f"companies/{path_code(company)}/transactions/{path_code(key)}"


def _rejected(key: str, error: WriteError) -> Outcome:
    return Outcome(key=key, state="rejected", error=error)


def _unsupported(entity: str, operation: str) -> UnsupportedError:
    return UnsupportedError(f"does not serve {entity!r}", connector="avatax", operation=operation)


def _in_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Results in the order of the items; the first error that `work` raises is raised once all are done."""
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        return list(pool.map(work, items))
