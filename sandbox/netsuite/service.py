"""The operations of the web service: one method each, from a checked request to an answer."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from lxml import etree

from sandbox.answers import Answer
from sandbox.netsuite.auth import Gate
from sandbox.netsuite.books import Books
from sandbox.netsuite.codec import Body, decode, encode, type_of
from sandbox.netsuite.contract import element_tag
from sandbox.netsuite.records import KIND_OF, TYPE_OF
from sandbox.netsuite.refusal import RefusedError
from sandbox.netsuite.search import Page, search
from sandbox.netsuite.soap import (
    CORE,
    MESSAGES,
    Call,
    EnvelopeReader,
    SoapFaultError,
    add_status,
    fault_answer,
    new_answer,
    to_answer,
)
from sandbox.netsuite.writing import SUBLISTS, delete, existing, write

MAX_RECORDS = {"addList": 200, "upsertList": 100, "getList": 1000}
"""Records a request; NetSuite help, "SOAP Web Services Governance Overview" (section_N3418637)."""

MIN_PAGE, MAX_PAGE = 5, 1000
"""Limits of searchPreferences.pageSize; same source."""

KEPT_SEARCHES = 100
"""Searches that can still be paged; the oldest is forgotten."""


class Service:
    """Answers SOAP requests, one at a time."""

    def __init__(self, books: Books, gate: Gate) -> None:
        """Serve an account's books to whom the gate lets in."""
        self._books = books
        self._gate = gate
        self._reader = EnvelopeReader()
        self._lock = Lock()
        self._searches: OrderedDict[str, tuple[Body, int]] = OrderedDict()
        self._operations: dict[str, Callable[[Call, etree._Element, str], None]] = {
            "add": self._write_one,
            "upsert": self._write_one,
            "addList": self._write_list,
            "upsertList": self._write_list,
            "delete": self._delete,
            "get": self._get,
            "getList": self._get_list,
            "search": self._search,
            "searchMoreWithId": self._search_more,
            "getServerTime": self._server_time,
            "getDataCenterUrls": self._data_center_urls,
        }

    def answer(self, text: bytes, base_url: str) -> Answer:
        """Answer one request.

        Args:
            text: The SOAP envelope.
            base_url: Where this stand-in is reached, without a final slash.
        """
        with self._lock:
            try:
                call = self._reader.read(text)
                # The one operation that needs no credentials (NetSuite help, "getDataCenterUrls", section_N3494684).
                if call.operation != "getDataCenterUrls":
                    self._gate.check(call.headers)
                return self._perform(call, base_url)
            except SoapFaultError as fault:
                return fault_answer(fault)

    def _perform(self, call: Call, base_url: str) -> Answer:
        operation = self._operations.get(call.operation)
        if operation is None:
            raise SoapFaultError("UnexpectedErrorFault", "UNEXPECTED_ERROR", f"{call.operation} is not an operation.")
        with self._books.storage.transaction():
            envelope, parent = new_answer(f"{call.operation}Response", self._number("WEBSERVICES"))
            operation(call, parent, base_url)
        return to_answer(envelope)

    def _number(self, prefix: str) -> str:
        return f"{prefix}_{self._books.storage.next_id(prefix.lower()):012d}"

    def _write_one(self, call: Call, parent: etree._Element, base_url: str) -> None:
        self._write(call.body[0], parent, upsert=call.operation == "upsert")

    def _write_list(self, call: Call, parent: etree._Element, base_url: str) -> None:
        _check_count(call)
        answers = etree.SubElement(parent, element_tag("writeResponseList"))
        add_status(answers)
        for record in call.body:
            self._write(record, answers, upsert=call.operation == "upsertList")

    def _write(self, record: etree._Element, parent: etree._Element, *, upsert: bool) -> None:
        response = etree.SubElement(parent, element_tag("writeResponse"))
        type_name = type_of(record, "Record")
        kind = KIND_OF.get(type_name)
        try:
            body = write(self._books, type_name, decode(record, type_name), upsert=upsert)
        except RefusedError as refusal:
            add_status(response, refusal.code, refusal.message)
            _add_ref(response, {"externalId": record.get("externalId")}, kind)
        else:
            add_status(response)
            _add_ref(response, body, kind)

    def _delete(self, call: Call, parent: etree._Element, base_url: str) -> None:
        response = etree.SubElement(parent, element_tag("writeResponse"))
        ref = _ref(call.body[0])
        try:
            deleted = delete(self._books, ref)
        except RefusedError as refusal:
            add_status(response, refusal.code, refusal.message)
            _add_ref(response, ref, ref.get("type"))
        else:
            add_status(response)
            _add_ref(response, deleted, ref["type"])

    def _get(self, call: Call, parent: etree._Element, base_url: str) -> None:
        self._read(call.body[0], parent)

    def _get_list(self, call: Call, parent: etree._Element, base_url: str) -> None:
        _check_count(call)
        answers = etree.SubElement(parent, element_tag("readResponseList"))
        add_status(answers)
        for ref in call.body:
            self._read(ref, answers)

    def _read(self, ref: etree._Element, parent: etree._Element) -> None:
        response = etree.SubElement(parent, element_tag("readResponse"))
        kind = ref.get("type", "")
        try:
            body = existing(self._books, kind, _ref(ref))
        except RefusedError as refusal:
            add_status(response, refusal.code, refusal.message)
        else:
            add_status(response)
            _add_record(response, f"{{{MESSAGES}}}record", kind, body)

    def _search(self, call: Call, parent: etree._Element, base_url: str) -> None:
        preferences = _preferences(call)
        result = etree.SubElement(parent, element_tag("searchResult"))
        try:
            size = preferences.get("pageSize", MAX_PAGE)
            if not MIN_PAGE <= size <= MAX_PAGE:
                raise RefusedError("INVALID_SEARCH_PAGE_SIZE", f"pageSize {size} is not from {MIN_PAGE} to {MAX_PAGE}.")
            criteria = decode(call.body[0], type_of(call.body[0], "SearchRecord"))
            hits = search(self._books, criteria)
        except RefusedError as refusal:
            add_status(result, refusal.code, refusal.message)
            return
        search_id = self._number("SEARCH")
        self._searches[search_id] = (criteria, size)
        if len(self._searches) > KEPT_SEARCHES:
            self._searches.popitem(last=False)
        self._add_page(result, Page(search_id, 1, size, hits), preferences)

    def _search_more(self, call: Call, parent: etree._Element, base_url: str) -> None:
        asked = decode(call.body, "SearchMoreWithIdRequest")
        result = etree.SubElement(parent, element_tag("searchResult"))
        if asked["searchId"] not in self._searches:
            add_status(result, "INVALID_SEARCH_MORE", f"The search {asked['searchId']} is not known or has expired.")
            return
        criteria, size = self._searches[asked["searchId"]]
        # The vendor, too, searches anew for every page (NetSuite help, article_0807095731).
        page = Page(asked["searchId"], asked["pageIndex"], size, search(self._books, criteria))
        if 1 <= page.index <= page.count:
            self._add_page(result, page, _preferences(call))
        else:
            add_status(result, "INVALID_SEARCH_PAGE_INDEX", f"The page {page.index} does not exist.")

    def _add_page(self, result: etree._Element, page: Page, preferences: Body) -> None:
        add_status(result)
        for name, value in page.numbers().items():
            etree.SubElement(result, f"{{{CORE}}}{name}").text = str(value)
        records = etree.SubElement(result, element_tag("recordList"))
        # bodyFieldsOnly is true unless a request says otherwise (the contract's own default).
        hidden = SUBLISTS if preferences.get("bodyFieldsOnly", True) else ()
        for kind, internal_id in page.on_it():
            if body := self._books.storage.get(kind, internal_id):
                shown = {name: value for name, value in body.items() if name not in hidden}
                _add_record(records, f"{{{CORE}}}record", kind, shown)

    def _server_time(self, call: Call, parent: etree._Element, base_url: str) -> None:
        result = etree.SubElement(parent, element_tag("getServerTimeResult"))
        add_status(result)
        etree.SubElement(result, f"{{{CORE}}}serverTime").text = self._books.stamp()

    def _data_center_urls(self, call: Call, parent: etree._Element, base_url: str) -> None:
        result = etree.SubElement(parent, element_tag("getDataCenterUrlsResult"))
        add_status(result)
        urls = etree.SubElement(result, f"{{{CORE}}}dataCenterUrls")
        for name in ("restDomain", "webservicesDomain", "systemDomain"):
            etree.SubElement(urls, f"{{{CORE}}}{name}").text = base_url


def _ref(node: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in node.attrib.items()}


def _check_count(call: Call) -> None:
    limit = MAX_RECORDS[call.operation]
    if len(call.body) > limit:
        message = f"The maximum number of records, {limit}, allowed for {call.operation} has been exceeded."
        raise SoapFaultError("ExceededRecordCountFault", "MAX_RCRDS_EXCEEDED", message)


def _preferences(call: Call) -> Body:
    header = call.headers.get("searchPreferences")
    return {} if header is None else decode(header, "SearchPreferences")


def _add_ref(parent: etree._Element, body: Any, kind: str | None) -> None:
    ref = {"internalId": body.get("internalId"), "externalId": body.get("externalId"), "type": kind}
    encode(parent, f"{{{MESSAGES}}}baseRef", ref, type_name="RecordRef", declared="BaseRef")


def _add_record(parent: etree._Element, tag: str, kind: str, body: Body) -> None:
    encode(parent, tag, body, type_name=TYPE_OF[kind], declared="Record")
