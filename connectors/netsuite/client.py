"""SuiteTalk through zeep, in three separate steps: build the message, send it, read the answer.

Kept apart because they fail differently: what fails while building had no effect, what fails afterwards may have had one.
"""

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

import requests

from connectors.errors import ConnectorError, RejectedError
from connectors.http import Call, Timeouts, new_session, raise_for_status, retry_after, send, shown, translated
from connectors.netsuite.faults import error_of, limit_code_in, record_error_of
from connectors.netsuite.records import TYPES, to_plain, to_vendor
from connectors.netsuite.settings import Settings
from connectors.netsuite.signature import token_passport

_VERSION = "2023_2"
_NAMESPACES = {
    "core": f"urn:core_{_VERSION}.platform.webservices.netsuite.com",
    "common": f"urn:common_{_VERSION}.platform.webservices.netsuite.com",
    "messages": f"urn:messages_{_VERSION}.platform.webservices.netsuite.com",
    "relationships": f"urn:relationships_{_VERSION}.lists.webservices.netsuite.com",
    "sales": f"urn:sales_{_VERSION}.transactions.webservices.netsuite.com",
    "customers": f"urn:customers_{_VERSION}.transactions.webservices.netsuite.com",
    "general": f"urn:general_{_VERSION}.transactions.webservices.netsuite.com",
}
_HOMES = {
    "Customer": "relationships",
    "Invoice": "sales",
    "CreditMemo": "customers",
    "CustomerPayment": "customers",
    "JournalEntry": "general",
    "TransactionSearchBasic": "common",
    "CustomerSearchBasic": "common",
}
_BINDING = f"{{urn:platform_{_VERSION}.webservices.netsuite.com}}NetSuiteBinding"
_CUSTOM_FIELDS: tuple[tuple[type, str], ...] = ((bool, "Boolean"), (int, "Long"), (str, "String"))
_LOADING = threading.Lock()


def _zeep(module: str = "zeep") -> Any:
    """zeep, imported when first needed."""
    return import_module(module)


@lru_cache(maxsize=4)
def _document(wsdl: str, timeouts: Timeouts) -> Any:
    """The WSDL with its 46 schemas, parsed once per process: 0.4 s of processor time."""
    settings = _zeep().Settings(strict=False, xml_huge_tree=True)
    transport = _zeep("zeep.transports").Transport(session=new_session(timeouts), timeout=timeouts.read)
    document = _zeep("zeep.wsdl").Document(wsdl, transport, settings=settings)
    for prefix, namespace in _NAMESPACES.items():
        document.types.set_ns_prefix(prefix, namespace)
    return document


class NetSuiteClient:
    """The calls we make, with values of zeep's going in and plain values coming out; safe to share between threads."""

    def __init__(self, settings: Settings, connections: int) -> None:
        self._settings = settings
        self._session = new_session(settings.timeouts, connections=connections)
        self._zeep: Any = None
        self._service: Any = None

    def close(self) -> None:
        """Give back the connections."""
        self._session.close()

    def record(self, entity: str, key: str, payload: Mapping[str, Any]) -> Any:
        """A record ready to be sent under our key.

        Raises:
            RejectedError: The payload has a field that the schema does not know, or a value that does not fit.
            UnavailableError: The WSDL cannot be loaded.
        """
        kind = self._type(TYPES[entity])
        try:
            return kind(**{**to_vendor(payload, self._custom_field), "externalId": key})
        except (TypeError, ValueError, KeyError) as error:
            raise _unfit(error, entity) from error

    def upsert(self, records: Sequence[Any]) -> list[Mapping[str, Any]]:
        """Send records in one call; returns their write responses in order.

        Raises:
            RejectedError: One of them cannot be rendered; nothing was sent.
            ConnectorError: The call failed as a whole.
        """
        body = self._call("upsertList", Call("netsuite", "upsertList", writes=True), record=list(records))
        return list(body["writeResponseList"]["writeResponse"])

    def renderable(self, record: Any) -> ConnectorError | None:
        """Why a record cannot be rendered, or None."""
        try:
            self._message("upsertList", record=[record])
        except RejectedError as error:
            return error
        return None

    def get(self, entity: str, keys: Sequence[str], *, by: str = "externalId") -> list[Mapping[str, Any]]:
        """Read responses of the records with these external ids (or internal ids, `by="internalId"`), in order, as plain values.

        Raises:
            ConnectorError: The call failed as a whole.
        """
        reference = self._type("RecordRef")
        references = [reference(**{by: key}, type=entity) for key in keys]
        body = self._call("getList", Call("netsuite", f"getList {entity}"), baseRef=references)
        return list((body.get("readResponseList") or {}).get("readResponse") or ())

    def search_total(self, kind: str, criteria: Mapping[str, Any]) -> int:
        """How many records a basic search finds, for example `TransactionSearchBasic`.

        Raises:
            ConnectorError: The search failed.
        """
        call = Call("netsuite", f"search {kind}")
        result = self._call("search", call, searchRecord=self._type(kind)(**criteria))["searchResult"]
        if not result["status"]["isSuccess"]:
            raise status_error(result["status"], call)
        return int(result.get("totalRecords") or 0)

    def server_time(self) -> str:
        """NetSuite's clock.

        Raises:
            ConnectorError: The call failed.
        """
        result = self._call("getServerTime", Call("netsuite", "getServerTime"))["getServerTimeResult"]
        return str(result["serverTime"])

    def _call(self, operation: str, call: Call, **arguments: Any) -> dict[str, Any]:
        message = self._message(operation, **arguments)
        headers = {"SOAPAction": f'"{operation}"', "Content-Type": "text/xml; charset=utf-8"}
        response = send(self._session, call, "POST", self._settings.service, data=message, headers=headers)
        return self._read(operation, response, call)

    def _message(self, operation: str, **arguments: Any) -> bytes:
        from lxml import etree

        headers: dict[str, Any] = {"tokenPassport": token_passport(self._settings)}
        if operation == "search":
            headers["searchPreferences"] = {"bodyFieldsOnly": True, "pageSize": 5}
        client = self._client()
        try:
            envelope = client.create_message(self._service, operation, _soapheaders=headers, **arguments)
        except (_zeep("zeep.exceptions").ValidationError, TypeError, ValueError) as error:
            raise _unfit(error, operation) from error
        return bytes(etree.tostring(envelope, encoding="utf-8", xml_declaration=True))

    def _read(self, operation: str, response: requests.Response, call: Call) -> dict[str, Any]:
        exceptions = _zeep("zeep.exceptions")
        binding = self._client().wsdl.bindings[_BINDING]
        try:
            answer = binding.process_reply(self._client(), binding.get(operation), response)
            plain = to_plain(_zeep("zeep.helpers").serialize_object(answer, dict))
            return dict(plain["body"])
        except exceptions.Fault as fault:
            raise _fault_error(fault, response, call) from fault
        except (exceptions.Error, ValueError, TypeError, KeyError, AttributeError) as error:
            raise _unreadable(response, call) from error

    def _client(self) -> Any:
        if self._zeep is None:
            call = Call("netsuite", f"load {self._settings.wsdl}")
            try:
                with _LOADING, translated(call):
                    document = _document(self._settings.wsdl, self._settings.timeouts)
            except (_zeep("zeep.exceptions").Error, OSError) as error:
                raise call.lost(f"the WSDL cannot be loaded: {error}") from error
            client = _zeep().Client(document)
            self._service = client.create_service(_BINDING, self._settings.service)
            self._zeep = client
        return self._zeep

    def _type(self, name: str) -> Any:
        namespace = _NAMESPACES[_HOMES.get(name, "core")]
        return self._client().get_type(f"{{{namespace}}}{name}")

    def _custom_field(self, field: Mapping[str, Any]) -> Any:
        value = field["value"]
        kind = next((name for python, name in _CUSTOM_FIELDS if isinstance(value, python)), None)
        fields = to_vendor({key: item for key, item in field.items() if key != "value"}, self._custom_field)
        if isinstance(value, Mapping):
            return self._type("SelectCustomFieldRef")(value=dict(value), **fields)
        return self._type(f"{kind or 'Double'}CustomFieldRef")(
            value=to_vendor(value, self._custom_field, "value"), **fields
        )


def status_error(status: Mapping[str, Any], call: Call) -> ConnectorError:
    """Our error for a status that is no success: its first detail decides."""
    detail: Mapping[str, Any] = next(iter(status.get("statusDetail") or ()), {})
    code, message = str(detail.get("code", "UNKNOWN")), str(detail.get("message", "no reason given"))
    if detail.get("afterSubmitFailed"):
        # The record was saved; a script that runs after saving failed (platform.core.xsd, StatusDetail).
        return call.lost(f"[{code}] saved, then a script failed: {message}")
    return record_error_of(code, message, call)


def _unfit(error: Exception, where: str) -> RejectedError:
    text = str(error)
    unknown = text.partition("got an unexpected keyword argument '")[2].partition("'")[0]
    code, message = (
        ("unknown_field", f"the schema has no field {unknown!r}") if unknown else ("invalid_value", text[:300])
    )
    return RejectedError(message, connector="netsuite", operation=f"build {where}", code=code, field=unknown or None)


def _fault_error(fault: Any, response: requests.Response, call: Call) -> ConnectorError:
    """The error for a SOAP fault; its detail holds a code and a message of NetSuite's own."""
    texts: dict[str, str] = {}
    if hasattr(fault.detail, "iter"):
        texts = {str(node.tag).rpartition("}")[2]: node.text or "" for node in fault.detail.iter() if len(node) == 0}
    code = texts.get("code") or limit_code_in(response.text)
    if not code:
        return _unreadable(response, call)
    wait = retry_after(response.headers)
    return error_of(code, texts.get("message") or str(fault.message), call, retry_after=wait)


def _unreadable(response: requests.Response, call: Call) -> ConnectorError:
    code = limit_code_in(response.text) if response.status_code >= 400 else None
    if code:
        return error_of(code, shown(response), call, retry_after=retry_after(response.headers))
    try:
        raise_for_status(response, call)
    except ConnectorError as error:
        return error
    return call.lost(f"HTTP {response.status_code} with an answer that cannot be read: {shown(response)}")
