"""Salesforce's REST API through simple-salesforce: tokens, paging, and errors by Salesforce's own codes.

Sources: REST API Developer Guide v60.0 (Status Codes and Error Responses; Query; sObject Collections), Salesforce Help (OAuth 2.0 flows).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from connectors import http
from connectors.errors import ConnectorError, CredentialsError, RateLimitedError, RejectedError, UnavailableError
from connectors.salesforce.settings import Settings

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce
    from simple_salesforce.exceptions import SalesforceError

Answer = TypeVar("Answer")
_NAME = "salesforce"
_EXPIRED = 401
_THROTTLED = {"REQUEST_LIMIT_EXCEEDED", "TXN_SECURITY_METERING_ERROR"}
_BUSY = {"SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "UNABLE_TO_LOCK_ROW"}


class Identity(msgspec.Struct, frozen=True):
    """What the token endpoint tells.

    Attributes:
        access_token: Bearer token.
        instance_url: Where the org's API lives.
        id: URL that names the org and the user.
    """

    access_token: str
    instance_url: str
    id: str = ""


class _Rows(msgspec.Struct, frozen=True):
    """A page of a query."""

    records: list[dict[str, Any]]
    done: bool
    totalSize: int  # noqa: N815 - Salesforce's name
    nextRecordsUrl: str = ""  # noqa: N815 - Salesforce's name


class PicklistValue(msgspec.Struct, frozen=True):
    """One value that a picklist offers; one that is not active may still stand in old records."""

    value: str
    active: bool = True


class DescribedField(msgspec.Struct, frozen=True, rename="camel"):
    """A field as Salesforce describes it, under its own names (SOAP API Developer Guide, DescribeSObjectResult, Field)."""

    name: str
    type: str
    nillable: bool = True
    relationship_name: str | None = None
    reference_to: tuple[str, ...] = ()
    picklist_values: tuple[PicklistValue, ...] = ()


class _Description(msgspec.Struct, frozen=True):
    fields: tuple[DescribedField, ...]


class Client:
    """One org. Connects on first use; a refused token is renewed once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = http.new_session(settings.timeouts)
        self._salesforce: Salesforce | None = None

    def identity(self) -> Identity:
        """A new token from the token endpoint.

        Raises:
            CredentialsError: The endpoint refuses the app or the user; it answers that with 400 (RFC 6749, 5.2).
        """
        call = http.Call(_NAME, "log in")
        answer = http.send(
            self._session, call, "POST", f"{self._settings.url}/services/oauth2/token", data=self._grant()
        )
        if answer.status_code in {400, 401, 403}:
            raise CredentialsError(http.shown(answer), connector=_NAME, operation=call.operation)
        http.raise_for_status(answer, call)
        try:
            return msgspec.convert(http.json_of(answer, call), Identity)
        except msgspec.ValidationError as error:
            raise UnavailableError(f"token answer: {error}", connector=_NAME, operation=call.operation) from error

    def rows(self, soql: str) -> Iterator[dict[str, Any]]:
        """All rows of a query, page by page, without Salesforce's `attributes`; numbers with decimals are Decimal."""
        page = self._rows("query", lambda org: org.query(soql))
        while True:
            yield from (_without_attributes(row) for row in page.records)
            if page.done:
                return
            page = self._rows("query more", _more(page.nextRecordsUrl))

    def count(self, soql: str) -> int:
        """The result of a `SELECT COUNT()`."""
        return self._rows("count", lambda org: org.query(soql)).totalSize

    def describe(self, name: str) -> tuple[DescribedField, ...]:
        """The fields of an object: `sobjects/<name>/describe` (REST API Developer Guide v60.0, sObject Describe)."""
        answer = self._call("describe", lambda org: org.restful(f"sobjects/{name}/describe"))
        try:
            return msgspec.convert(answer, _Description).fields
        except msgspec.ValidationError as error:
            raise UnavailableError(
                f"an answer that describes no object: {error}", connector=_NAME, operation="describe"
            ) from error

    def update(self, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Update up to 200 records independently of each other; one SaveResult each, in order.

        Raises:
            AmbiguousWriteError: The answer was lost or does not fit.
        """
        body = http.json_bytes({"allOrNone": False, "records": records})
        results = self._call(
            "update", lambda org: org.restful("composite/sobjects", method="PATCH", data=body), writes=True
        )
        if not isinstance(results, list) or len(results) != len(records):
            raise http.Call(_NAME, "update", writes=True).lost(
                f"{len(records)} records sent, but the answer is {str(results)[:300]}"
            )
        return results

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def _grant(self) -> dict[str, str]:
        app = {"client_id": self._settings.client_id, "client_secret": self._settings.client_secret}
        if not self._settings.login:
            return {"grant_type": "client_credentials", **app}
        return {"grant_type": "password", "username": self._settings.login, "password": self._settings.password, **app}

    def _rows(self, operation: str, ask: Callable[["Salesforce"], Any]) -> _Rows:
        try:
            return msgspec.convert(self._call(operation, ask), _Rows)
        except msgspec.ValidationError as error:
            raise UnavailableError(
                f"an answer that is no query result: {error}", connector=_NAME, operation=operation
            ) from error

    def _call(self, operation: str, ask: Callable[["Salesforce"], Answer], *, writes: bool = False) -> Answer:
        call = http.Call(_NAME, operation, writes=writes)
        org = self._org()
        try:
            return self._ask(org, call, ask)
        except CredentialsError:  # the token has expired or was revoked: nothing was done with it
            self._salesforce = org = self._log_in()
            return self._ask(org, call, ask)

    def _ask(self, org: "Salesforce", call: http.Call, ask: Callable[["Salesforce"], Answer]) -> Answer:
        from simple_salesforce.exceptions import SalesforceError

        try:
            with http.translated(call):
                return ask(org)
        except SalesforceError as error:
            raise _translate(error, call) from error

    def _org(self) -> "Salesforce":
        if self._salesforce is None:
            self._salesforce = self._log_in()
        return self._salesforce

    def _log_in(self) -> "Salesforce":
        from simple_salesforce.api import Salesforce

        identity, version = self.identity(), self._settings.api_version
        org = Salesforce(
            session_id=identity.access_token,
            instance_url=identity.instance_url,
            version=version,
            session=self._session,
            parse_float=Decimal,
            object_pairs_hook=dict,
        )
        # The SDK writes https:// in front of every instance; an org behind a plain address needs its own scheme.
        org.base_url = f"{identity.instance_url}/services/data/v{version}/"
        org.headers.pop("X-PrettyPrint", None)
        return org


def _more(url: str) -> Callable[["Salesforce"], Any]:
    """The next page; by its locator, because the SDK writes https:// in front of whole paths."""
    locator = url.rsplit("/", 1)[-1]
    return lambda org: org.query_more(locator)


def _translate(error: "SalesforceError", call: http.Call) -> ConnectorError:
    code, text, field = _first_error(error)
    reason = f"HTTP {error.status} [{code}] {text}"
    if error.status == _EXPIRED:
        return CredentialsError(reason, connector=_NAME, operation=call.operation)
    if code in _THROTTLED:
        return RateLimitedError(reason, connector=_NAME, operation=call.operation)
    if code in _BUSY:
        return UnavailableError(reason, connector=_NAME, operation=call.operation)
    if error.status >= 500 or error.status < 400:
        return call.lost(reason)
    return RejectedError(text, connector=_NAME, operation=call.operation, code=code, field=field)


def _first_error(error: "SalesforceError") -> tuple[str, str, str | None]:
    """Code, text and field of Salesforce's error list, or the bare answer where it is none."""
    content: Any = error.content
    first = content[0] if isinstance(content, list) and content and isinstance(content[0], dict) else {}
    fields = first.get("fields") or []
    return (
        str(first.get("errorCode") or error.status),
        str(first.get("message") or str(content)[:300]),
        fields[0] if fields else None,
    )


def _without_attributes(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    return {name: _without_attributes(value) for name, value in row.items() if name != "attributes"}
