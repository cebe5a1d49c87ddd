"""The NetSuite connector against the sandbox's SOAP service, and its messages against NetSuite's schemas."""

import gzip
import os
import tarfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lxml import etree

from canonical_model.errors import ConfigurationError
from connectors.conformance import TargetConformance, WriteCase
from connectors.contract import Idempotency, Lookup, Target, WriteRequest
from connectors.errors import CredentialsError, RateLimitedError, RejectedError, UnavailableError, UnsupportedError
from connectors.http import Call
from connectors.netsuite.client import status_error
from connectors.netsuite.connector import NetSuite, connect
from connectors.netsuite.faults import LIMIT_CODES, error_of, record_error_of
from connectors.netsuite.records import to_plain, to_vendor, without_open_rows
from connectors.netsuite.settings import Settings
from connectors.netsuite.signature import token_passport
from connectors.settings import Connection

KEYS = {
    "consumer_key": "sandbox-consumer-key",
    "consumer_secret": "sandbox-consumer-secret",
    "token": "sandbox-token",
    "token_secret": "sandbox-token-secret",
}
UPSERT = "upsertList"
NUMBERS = count(1)


def connection(url: str, **changes: str) -> Connection:
    return Connection(conn_id="billhub_netsuite", host=url, login="TSTDRV_SANDBOX", extra={**KEYS, **changes})


def line(**changes: Any) -> dict[str, Any]:
    item = {
        "item": {"externalId": "PLAT-ENT"},
        "quantity": Decimal(2),
        "rate": Decimal("6.17"),
        "amount": Decimal("12.34"),
        "description": "Platform, Größe L",
        "taxRate1": Decimal("8.0"),
        "tax1Amt": Decimal("0.99"),
    }
    return {**item, **changes}


def invoice(**changes: Any) -> dict[str, Any]:
    fields = {
        "entity": {"externalId": "A-0001"},
        "tranDate": "2026-01-15",
        "tranId": f"US-{next(NUMBERS):06d}",
        "subsidiary": {"internalId": "1"},
        "currency": {"internalId": "1"},
        "dueDate": "2026-02-14",
        "memo": None,
        "itemList": {"item": [line(), line(amount=Decimal("100.00"), rate=Decimal("50"), tax1Amt=Decimal("8.00"))]},
    }
    return {**fields, **changes}


def journal_entry(debit: str = "10.00", credit: str = "10.00") -> dict[str, Any]:
    lines = [
        {"account": {"externalId": "2400"}, "debit": Decimal(debit)},
        {"account": {"externalId": "4000"}, "credit": Decimal(credit)},
    ]
    return {
        "tranDate": "2026-01-31",
        "subsidiary": {"internalId": "1"},
        "currency": {"internalId": "1"},
        "lineList": {"line": lines},
    }


def request(**changes: Any) -> WriteRequest:
    return WriteRequest(key=f"invoice-{next(NUMBERS)}", payload=invoice(**changes))


@pytest.fixture
def vendor(vendor_of: Callable) -> Any:
    return vendor_of("netsuite")


@pytest.fixture
def connector(vendor: Any) -> Iterator[NetSuite]:
    opened = connect(connection(vendor.url))
    yield opened
    opened.close()


class TestInvoices(TargetConformance):
    @pytest.fixture
    def case(self, vendor: Any) -> WriteCase:
        return WriteCase(
            open=lambda: connect(connection(vendor.url)),
            vendor=vendor,
            entity="invoice",
            operation=UPSERT,
            request=request,
            refused=lambda: request(entity={"externalId": "NOBODY"}),
            effects=lambda: vendor.count("invoice"),
        )


def test_is_a_target_and_a_lookup(connector: NetSuite) -> None:
    assert isinstance(connector, Target)
    assert isinstance(connector, Lookup)
    assert set(connector.capabilities.idempotency.values()) == {Idempotency.UPSERT}
    assert "TSTDRV_SANDBOX" in connector.ping()


def test_the_wsdl_is_loaded_once_per_process(vendor: Any) -> None:
    connect(connection(vendor.url)).ping()
    vendor.forget_calls()
    connect(connection(vendor.url)).ping()
    assert vendor.calls() == {"getServerTime": 1}


# --- what is written


def test_an_invoice_is_stored_to_the_cent_and_found_as_written(connector: NetSuite) -> None:
    sent = request()
    [outcome] = connector.write("invoice", [sent])
    [found] = connector.find("invoice", [sent.key, "no such key"]).values()
    assert outcome.native_id == found.native_id
    assert found.answer["total"] == Decimal("121.33")
    assert found.answer["taxTotal"] == Decimal("8.99")
    for name in ("tranDate", "dueDate", "tranId", "subsidiary", "currency"):
        assert found.payload[name] == sent.payload[name]
    wanted, got = sent.payload["itemList"]["item"], found.payload["itemList"]["item"]
    assert [without(one, "item") for one in wanted] == [without(one, "item", "line") for one in got]
    assert found.payload["entity"].keys() <= {"internalId", "externalId"}


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def test_an_invoice_written_again_with_other_lines_has_those(connector: NetSuite) -> None:
    sent = request()
    connector.write("invoice", [sent])
    changed = WriteRequest(key=sent.key, payload={**sent.payload, "itemList": {"item": [line()]}})
    connector.write("invoice", [changed])
    assert len(connector.find("invoice", [sent.key])[sent.key].payload["itemList"]["item"]) == 1


def test_each_entity_is_written_found_and_counted(connector: NetSuite) -> None:
    address = {
        "country": "_unitedStates",
        "addr1": "85 East Main Street",
        "city": "Rochester",
        "state": "NY",
        "zip": "14604",
    }
    book = {"addressbook": [{"defaultBilling": True, "label": "billing", "addressbookAddress": address}]}
    common = {"subsidiary": {"internalId": "1"}, "currency": {"internalId": "1"}}
    payloads = {
        "customer": {**common, "companyName": "New Buyer Inc.", "email": "ap@new.example", "addressbookList": book},
        "creditMemo": without(invoice(tranId="CN-1"), "dueDate", "memo"),
        "journalEntry": journal_entry(),
        "customerPayment": {
            **without(common, "subsidiary"),
            "customer": {"externalId": "A-0001"},
            "payment": Decimal("1.00"),
            "tranDate": "2026-01-15",
        },
    }
    for entity, fields in payloads.items():
        before = connector.count(entity)
        key = f"{entity}-{next(NUMBERS)}"
        [outcome] = connector.write(entity, [WriteRequest(key=key, payload=fields)])
        assert outcome.state == "confirmed", outcome
        assert connector.find(entity, [key])[key].native_id == outcome.native_id
        assert connector.count(entity) == before + 1


def test_more_than_a_call_takes_goes_in_several(connector: NetSuite, vendor: Any) -> None:
    batch, before = [request() for _ in range(230)], vendor.count("invoice")
    vendor.forget_calls()
    outcomes = connector.write("invoice", batch)
    assert [outcome.key for outcome in outcomes] == [one.key for one in batch]
    assert {outcome.state for outcome in outcomes} == {"confirmed"}
    assert len({outcome.native_id for outcome in outcomes}) == 230
    assert vendor.calls()[UPSERT] == 3
    assert vendor.count("invoice") == before + 230
    assert len(connector.find("invoice", [one.key for one in batch])) == 230


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"fooBar": "x"}, "unknown_field", "fooBar"),
        ({"itemList": {"item": [line(colour="red")]}}, "unknown_field", "colour"),
        ({"memo": ["a", "list"]}, "invalid_value", None),
        ({"itemList": {"item": [line(amount=12.34)]}}, "invalid_value", None),
        ({"tranDate": "15 January"}, "invalid_value", None),
        ({"entity": {"externalId": "NOBODY"}}, "INVALID_KEY_OR_REF", None),
        ({"entity": {"externalId": "A-0942"}}, "CLOSED_TRAN_PRD", None),
    ],
)
def test_one_bad_record_says_why_and_holds_back_no_other(
    connector: NetSuite, change: dict[str, Any], code: str, field: str | None
) -> None:
    outcomes = connector.write("invoice", [request(), request(**change), request()])
    assert [outcome.state for outcome in outcomes] == ["confirmed", "rejected", "confirmed"]
    assert (outcomes[1].error.code, outcomes[1].error.field) == (code, field)
    assert outcomes[1].error.message


def test_a_missing_permission_for_one_record_does_not_stop_the_run(connector: NetSuite) -> None:
    [outcome] = connector.write("invoice", [request(entity={"externalId": "A-0913"})])
    assert (outcome.state, outcome.error.code) == ("rejected", "INSUFFICIENT_PERMISSION")


def test_an_unbalanced_journal_entry_is_rejected(connector: NetSuite) -> None:
    [outcome] = connector.write("journalEntry", [WriteRequest(key="unbalanced", payload=journal_entry(credit="9.99"))])
    assert outcome.state == "rejected"
    assert connector.find("journalEntry", ["unbalanced"]) == {}


# --- what goes wrong


def test_a_limit_says_it_is_one(connector: NetSuite, vendor: Any) -> None:
    vendor.fault(UPSERT, "rate_limit")
    [outcome] = connector.write("invoice", [request()])
    assert (outcome.state, outcome.error.code) == ("pending", "rate_limited")
    vendor.fault("getList", "rate_limit")
    with pytest.raises(RateLimitedError):
        connector.find("invoice", ["any"])


def test_a_limit_that_is_no_soap_fault(connector: NetSuite, vendor: Any) -> None:
    body = {"error": {"code": "SSS_REQUEST_LIMIT_EXCEEDED", "message": "slow down"}}
    vendor.fault(UPSERT, "status", status=400, body=body, headers={"Retry-After": "7"})
    [outcome] = connector.write("invoice", [request()])
    assert (outcome.state, outcome.error.code, outcome.error.retry_after) == ("pending", "rate_limited", 7)


def test_a_slow_answer_is_uncertain(vendor: Any) -> None:
    hasty = connect(connection(vendor.url, read_timeout="0.5"))
    sent = request()
    hasty.ping()
    vendor.fault(UPSERT, "slow", delay=3)
    [outcome] = hasty.write("invoice", [sent])
    assert (outcome.state, outcome.error.code) == ("uncertain", "no_answer")
    assert sent.key in connect(connection(vendor.url)).find("invoice", [sent.key])


def test_a_server_error_is_uncertain_for_a_write_and_unavailable_for_a_read(connector: NetSuite, vendor: Any) -> None:
    vendor.fault(UPSERT, "status_after_effect", status=500, body="oops")
    [outcome] = connector.write("invoice", [request()])
    assert outcome.state == "uncertain"
    vendor.fault("getList", "status", status=502, body="oops")
    with pytest.raises(UnavailableError):
        connector.fetch("customer", ["A-0001"])


def test_a_call_that_fails_concerns_its_batch_only(connector: NetSuite, vendor: Any) -> None:
    vendor.fault(UPSERT, "rate_limit", after=1)
    states = [outcome.state for outcome in connector.write("invoice", [request() for _ in range(101)])]
    assert states == ["confirmed"] * 100 + ["pending"]


def test_wrong_secrets_stop_the_run(vendor: Any) -> None:
    with pytest.raises(CredentialsError):
        connect(connection(vendor.url, token_secret="wrong")).ping()


def test_without_a_server_a_write_is_pending(vendor: Any) -> None:
    outcomes = connect(connection("http://127.0.0.1:9")).write("invoice", [request()])
    assert [(outcome.state, outcome.error.code) for outcome in outcomes] == [("pending", "connect_timeout")]


def test_without_a_wsdl_a_write_is_pending(vendor: Any) -> None:
    lost = connect(connection(vendor.url, wsdl=f"{vendor.url}/no/such.wsdl"))
    [outcome] = lost.write("invoice", [request()])
    assert outcome.state == "pending"


# --- look-ups


def test_a_sales_order_is_fetched_by_contract_number(connector: NetSuite) -> None:
    orders = connector.fetch("salesOrder", ["C-000001", "C-999999"])
    assert list(orders) == ["C-000001"]
    order = orders["C-000001"]
    assert (order["externalId"], order["otherRefNum"], order["total"]) == ("C-000001", "PO-70468", Decimal("480000.00"))
    assert (order["startDate"], order["endDate"]) == ("2026-01-01", "2026-12-31")
    assert order["currency"]["internalId"] == "1"
    assert order["entity"]["internalId"] == connector.fetch("customer", ["A-0001"])["A-0001"]["internalId"]


def test_a_payment_is_fetched_with_its_customer_and_the_invoices_it_settles(connector: NetSuite) -> None:
    bill, paid = request(), f"payment-{next(NUMBERS)}"
    [written] = connector.write("invoice", [bill])
    payment = {
        "customer": {"externalId": "A-0001"},
        "currency": {"internalId": "1"},
        "payment": Decimal("50.00"),
        "tranDate": "2026-02-10",
        "pnRefNum": "pi_1",
        "applyList": {"apply": [{"apply": True, "doc": int(str(written.native_id)), "amount": Decimal("40.50")}]},
    }
    connector.write("customerPayment", [WriteRequest(key=paid, payload=payment)])
    found = connector.fetch("customerPayment", [paid, "nobody"])
    assert list(found) == [paid]
    assert (found[paid]["customer"]["externalId"], found[paid]["pnRefNum"]) == ("A-0001", "pi_1")
    assert (found[paid]["payment"], found[paid]["unapplied"]) == (Decimal("50.00"), Decimal("9.50"))
    [row] = found[paid]["applyList"]["apply"]
    assert (row["refNum"], row["amount"]) == (bill.payload["tranId"], Decimal("40.50"))


def test_invoices_that_a_payment_only_could_settle_are_left_out() -> None:
    rows = [{"apply": True, "refNum": "US-000001"}, {"apply": False, "refNum": "US-000002"}, {"refNum": "US-000003"}]
    record = {"payment": Decimal(1), "applyList": {"apply": rows}}
    assert without_open_rows(record) == {"payment": Decimal(1), "applyList": {"apply": rows[:1]}}
    assert without_open_rows({"payment": Decimal(1)}) == {"payment": Decimal(1)}


def test_other_entities_are_unsupported(connector: NetSuite) -> None:
    for ask in (
        lambda: connector.fetch("item", ["x"]),
        lambda: connector.find("salesOrder", ["x"]),
        lambda: connector.count("item"),
    ):
        with pytest.raises(UnsupportedError):
            ask()


# --- parts


def test_the_signature_is_the_one_of_the_vendors_example() -> None:
    """Keys, nonce and time of NetSuite Help, "Creating the Token Password"; the expected value was computed with openssl."""
    settings = Settings.from_connection(
        Connection(
            conn_id="c",
            host="https://example.invalid",
            login="1234567",
            extra={
                "consumer_key": "71cc02b731f05895561ef0862d71553a3ac99498a947c3b7beaf4a1e4a29f7c4",
                "consumer_secret": "7278da58caf07f5c336301a601203d10a58e948efa280f0618e25fcee1ef2abd",
                "token": "89e08d9767c5ac85b374415725567d05b54ecf0960ad2470894a52f741020d82",
                "token_secret": "060cd9ab3ffbbe1e3d3918e90165ffd37ab12acc76b4691046e2d29c7d7674c2",
            },
        )
    )
    passport = token_passport(settings, nonce="6obMKq0tmY8ylVOdEkA1", timestamp=1439829974)
    assert passport["signature"] == {
        "_value_1": "FCghIZqXNetuZY8ILWOFH0ucdfzQOmAuL+q+kF21zPs=",
        "algorithm": "HMAC-SHA256",
    }
    assert token_passport(settings)["nonce"] != token_passport(settings)["nonce"]


@given(st.dates(), st.integers(-11, 11))
def test_a_day_is_the_same_in_every_time_zone(day: date, hours: int) -> None:
    """What we send must be that day for a user in any time zone, and the midnight there, which NetSuite answers, must be read as that day."""
    zone = timezone(timedelta(hours=hours))
    sent = to_vendor({"tranDate": day.isoformat()}, lambda field: field)["tranDate"]
    assume(date(1, 1, 2) < day < date(9999, 12, 30))
    assert datetime.fromisoformat(sent).astimezone(zone).date() == day
    assert to_plain({"tranDate": datetime(day.year, day.month, day.day, tzinfo=zone)}) == {"tranDate": day.isoformat()}


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_amounts_survive_the_wire_format(amount: Decimal) -> None:
    text = to_vendor({"amount": amount}, lambda field: field)["amount"]
    assert to_plain({"amount": float(text)}) == {"amount": amount}


@pytest.mark.parametrize("code", sorted(LIMIT_CODES))
def test_every_limit_is_one(code: str) -> None:
    assert isinstance(error_of(code, "m", Call("netsuite", "x", writes=True)), RateLimitedError)


def test_a_code_means_another_thing_for_a_record() -> None:
    call = Call("netsuite", "x", writes=True)
    assert isinstance(error_of("INSUFFICIENT_PERMISSION", "m", call), CredentialsError)
    assert isinstance(record_error_of("INSUFFICIENT_PERMISSION", "m", call), RejectedError)


def test_a_record_saved_before_a_script_failed_is_uncertain() -> None:
    detail = {"code": "SSS_MISSING_REQD_ARGUMENT", "message": "script", "afterSubmitFailed": True}
    error = status_error({"isSuccess": False, "statusDetail": [detail]}, Call("netsuite", "x", writes=True))
    assert "saved" in str(error)
    assert type(error).__name__ == "AmbiguousWriteError"


@pytest.mark.parametrize("missing", sorted(KEYS))
def test_a_missing_setting_names_itself(missing: str) -> None:
    incomplete = Connection(conn_id="billhub_netsuite", host="h", login="a", extra=without(KEYS, missing))
    with pytest.raises(ConfigurationError, match=missing):
        connect(incomplete)


def test_secrets_do_not_show() -> None:
    settings = Settings.from_connection(connection("https://example.invalid"))
    assert "sandbox-consumer-secret" not in repr(settings)
    assert "sandbox-token-secret" not in repr(settings)
    assert settings.wsdl == "https://example.invalid/wsdl/v2023_2_0/netsuite.wsdl"
    assert settings.service == "https://example.invalid/services/NetSuitePort_2023_2"


# --- the vendor's schemas


@pytest.fixture
def recorded() -> Iterator[tuple[str, list[bytes]]]:
    """A server that keeps the messages it gets and answers none of them."""
    messages: list[bytes] = []

    class Recorder(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(503)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", messages
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = os.environ.get("HUB_SPEC_DIR")
    if not folder:
        pytest.skip("HUB_SPEC_DIR is not set")
    unpacked = tmp_path_factory.mktemp("suitetalk")
    (unpacked / "netsuite.wsdl").write_bytes(
        gzip.decompress((Path(folder) / "netsuite" / "netsuite.wsdl.gz").read_bytes())
    )
    with tarfile.open(Path(folder) / "netsuite" / "xsd.tar.gz") as archive:
        archive.extractall(unpacked, filter="data")
    return unpacked


def validator(schemas: Path) -> etree.XMLSchema:
    """One schema that knows every record type, so that abstract elements can be checked by their xsi:type."""
    imports = "".join(
        f'<import namespace="{etree.parse(path).getroot().get("targetNamespace")}" schemaLocation="{path.as_uri()}"/>'
        for path in sorted((schemas / "xsd").glob("*.xsd"))
    )
    return etree.XMLSchema(etree.fromstring(f'<schema xmlns="http://www.w3.org/2001/XMLSchema">{imports}</schema>'))


@pytest.mark.spec
def test_our_messages_keep_to_the_vendors_schema(schemas: Path, recorded: tuple[str, list[bytes]]) -> None:
    url, messages = recorded
    connector = connect(connection(url, wsdl=str(schemas / "netsuite.wsdl")))
    custom = {
        "customField": [{"scriptId": f"custbody_{n}", "value": v} for n, v in enumerate(["x", True, 7, Decimal("1.5")])]
    }
    custom["customField"].append({"scriptId": "custbody_list", "value": {"internalId": "3"}})
    connector.write("invoice", [request(customFieldList=custom), request()])
    connector.write("journalEntry", [WriteRequest(key="j", payload=journal_entry())])
    for ask in (
        lambda: connector.fetch("salesOrder", ["C-000001"]),
        lambda: connector.count("invoice"),
        lambda: connector.count("customer"),
        connector.ping,
    ):
        with pytest.raises(UnavailableError):
            ask()
    schema, seen = validator(schemas), []
    for message in messages:
        envelope = etree.fromstring(message)
        for part in envelope.iterfind(".//{*}Header/*"):
            schema.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(part))))
        [body] = envelope.iterfind("{*}Body/*")
        schema.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(body))))
        seen.append(etree.QName(body).localname)
    assert seen == ["upsertList", "upsertList", "getList", "search", "search", "getServerTime"]
