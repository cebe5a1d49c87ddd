"""The NetSuite stand-in, spoken to with zeep over the socket.

Every test runs with two clients: one loads the WSDL from the stand-in alone; the other (spec) loads
the vendor's own WSDL, only the service address changed, and holds every envelope in both directions
against the vendor's XSDs.
"""

import gzip
import os
import secrets
import socket
import tarfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import requests
import zeep
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import sandbox
from sandbox.netsuite.auth import DEFAULT_CREDENTIAL, sign
from sandbox.netsuite.books import Books
from sandbox.netsuite.reference import load_reference
from sandbox.netsuite.seed import load_seed
from sandbox.netsuite.writing import write
from sandbox.netsuite.wsdl import OPERATIONS
from sandbox.storage import Storage

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
PORT = "/services/NetSuitePort_2023_2"
NAMESPACES = {
    "messages_2023_2.platform": "tokenPassport",
    "core_2023_2.platform": "RecordRef NullField StringCustomFieldRef",
    "common_2023_2.platform": "CustomerSearchBasic TransactionSearchBasic",
    "relationships_2023_2.lists": "Customer CustomerSearch",
    "sales_2023_2.transactions": "Invoice SalesOrder TransactionSearch",
    "customers_2023_2.transactions": "CreditMemo CustomerPayment",
    "general_2023_2.transactions": "JournalEntry",
}
NAMESPACE_OF = {
    name: f"urn:{stem}.webservices.netsuite.com" for stem, names in NAMESPACES.items() for name in names.split()
}
SEED = {
    "Customer": """external_id,entity_id,company_name,subsidiary,currency,email,is_inactive,refuse_code,refuse_message
A-1,CUST-1,Northwind,1,USD,ap@northwind.example,false,,
A-2,CUST-2,Nordlicht,2,EUR,,false,,
A-3,CUST-3,Sakura,3,JPY,,false,,
A-8,CUST-8,Refused,1,USD,,false,INSUFFICIENT_PERMISSION,Ask the controller.
A-9,CUST-9,Gone,1,USD,,true,,
""",
    "SalesOrder": (
        "external_id,customer_external_id,po_number,currency,subsidiary,tran_date,start_date,end_date,total,memo,status\n"
        "C-1,A-1,PO-7,USD,1,2025-12-08,2026-01-01,2026-12-31,480000.00,,Pending Billing\n"
    ),
    "ClosedPeriod": "from,to\n2025-01-01,2025-11-30\n",
}


def make_seed(root: Path, **files: str) -> Path:
    folder = root / "seed" / "netsuite"
    folder.mkdir(parents=True)
    for name, text in (SEED | files).items():
        (folder / f"{name}.csv").write_text(text)
    return root / "seed"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    root = tmp_path_factory.mktemp("netsuite")
    with sandbox.serve(root / "state", systems=["netsuite"], seed_dir=make_seed(root)) as endpoints:
        yield endpoints["netsuite"]


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """Folder of the vendor's WSDL, unpacked."""
    place = os.environ.get("HUB_SPEC_DIR")
    if not place:
        pytest.skip("HUB_SPEC_DIR is not set: the vendor's WSDL and XSDs are not here")
    folder = tmp_path_factory.mktemp("official")
    (folder / "netsuite.wsdl").write_bytes(gzip.decompress((Path(place) / "netsuite/netsuite.wsdl.gz").read_bytes()))
    with tarfile.open(Path(place) / "netsuite/xsd.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def official_schema(folder: Path) -> etree.XMLSchema:
    imports = ""
    for path in sorted((folder / "xsd").glob("*.xsd")):
        namespace = etree.parse(path).getroot().get("targetNamespace")
        imports += f'<import namespace="{namespace}" schemaLocation="{path}"/>'
    text = f"""<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:test" xmlns:t="urn:test">{imports}
      <element name="part"><complexType><sequence>
      <any processContents="strict" maxOccurs="unbounded" minOccurs="0"/></sequence></complexType></element></schema>"""
    return etree.XMLSchema(etree.fromstring(text))


class CheckingTransport(zeep.Transport):
    """Holds what is sent and answered against a schema, and remembers the names of the messages."""

    def __init__(self, schema=None):
        super().__init__()
        self.session.trust_env = False
        self.schema, self.seen = schema, set()

    def post(self, address, message, headers):
        self.check(message)
        answer = super().post(address, message, headers)
        self.check(answer.content)
        return answer

    def check(self, text):
        for part in etree.fromstring(text).iterfind(f"./{{{ENVELOPE}}}*"):
            for fault in part.iterfind(f"{{{ENVELOPE}}}Fault"):
                self.check_part(fault.find("detail"))
            if part.find(f"{{{ENVELOPE}}}Fault") is None:
                self.check_part(part)

    def check_part(self, part):
        self.seen |= {etree.QName(node).localname for node in part}
        if self.schema is not None:
            root = etree.fromstring(etree.tostring(part))
            root.tag = "{urn:test}part"
            self.schema.assertValid(root)


@dataclass
class Api:
    """A zeep client of the stand-in that signs its requests."""

    url: str
    client: zeep.Client
    transport: CheckingTransport
    prefix: str = ""

    @property
    def service(self):
        return self.client.create_service(
            "{urn:platform_2023_2.webservices.netsuite.com}NetSuiteBinding", self.url + PORT
        )

    def make(self, name, **fields):
        return self.client.get_type(f"{{{NAMESPACE_OF[name]}}}{name}")(**fields)

    def ref(self, external_id=None, **attributes):
        return self.make("RecordRef", externalId=external_id, **attributes)

    def passport(self, nonce=None, timestamp=None, **changes):
        nonce, timestamp = nonce or secrets.token_hex(10), str(timestamp or int(time.time()))
        one = DEFAULT_CREDENTIAL
        signature = {"_value_1": sign(one, nonce, timestamp), "algorithm": "HMAC-SHA256"}
        fields = {"account": one.account, "consumerKey": one.consumer_key, "token": one.token, "nonce": nonce}
        return fields | {"timestamp": timestamp, "signature": signature} | changes

    def call(self, operation, *arguments, passport=None, **headers):
        headers = {"tokenPassport": passport or self.passport(), **headers}
        answer = getattr(self.service, operation)(*arguments, _soapheaders=headers).body
        return getattr(answer, next(iter(answer)))

    def upsert(self, record):
        return outcome(self.call("upsert", record))

    def get(self, kind, external_id):
        return self.call("get", self.ref(external_id, type=kind)).record

    def objects(self, kind):
        return requests.get(f"{self.url}/_sandbox/objects/{kind}", timeout=10).json()

    def ledger(self, external_id):
        lines = [line for line in self.objects("gl") if line["transaction"] == external_id]
        return sorted((line["account"], line["debit"], line["credit"]) for line in lines)

    def fault(self, **body):
        requests.post(f"{self.url}/_sandbox/faults", json=body, timeout=10).raise_for_status()

    def new_id(self):
        """An external id no other test uses."""
        return f"X-{secrets.token_hex(6)}"

    def invoice(self, external_id, *lines, customer="A-1", **fields):
        rows = [
            {"item": self.ref("PLAT-ENT"), **line}
            for line in lines or ({"quantity": 2, "rate": "50.00", "tax1Amt": "8.00"},)
        ]
        fields = {"tranDate": "2026-01-10T00:00:00Z", "entity": self.ref(customer)} | fields
        return self.make("Invoice", externalId=external_id, itemList={"item": rows}, **fields)

    def journal(self, external_id, *lines, **fields):
        rows = [{"account": self.ref(account), side: amount} for account, side, amount in lines]
        return self.make(
            "JournalEntry", externalId=external_id, subsidiary={"internalId": "1"}, lineList={"line": rows}, **fields
        )


def outcome(response):
    """ "ok", or the code of the refusal."""
    return "ok" if response.status.isSuccess else response.status.statusDetail[0].code


@pytest.fixture(scope="module", params=["own", pytest.param("official", marks=pytest.mark.spec)])
def api(request, url):
    if request.param == "own":
        transport = CheckingTransport()
        return Api(url, zeep.Client(f"{url}/wsdl/v2023_2_0/netsuite.wsdl", transport=transport), transport)
    folder = request.getfixturevalue("official")
    transport = CheckingTransport(official_schema(folder))
    return Api(url, zeep.Client(str(folder / "netsuite.wsdl"), transport=transport), transport)


def raised(error) -> tuple[str, str]:
    """Name and code of a SOAP fault."""
    detail = error.value.detail[0]
    return etree.QName(detail).localname, detail[0].text


def test_wsdl_offers_the_operations_at_the_stand_ins_own_address(url):
    client = zeep.Client(f"{url}/wsdl/v2023_2_0/netsuite.wsdl")
    port = client.wsdl.services["NetSuiteService"].ports["NetSuitePort"]
    assert set(port.binding.all()) == set(OPERATIONS)
    assert port.binding_options["address"] == url + PORT
    assert requests.get(f"{url}/xsd/platform/v2023_2_0/nothing.xsd", timeout=10).status_code == 404


def test_server_time_is_of_the_demo_day_and_goes_on(api):
    first, second = (api.call("getServerTime").serverTime for _ in range(2))
    assert first.date() == date(2026, 1, 15)
    assert first < second


def test_data_center_urls_need_no_credentials(api):
    answer = api.service.getDataCenterUrls("TSTDRV1234567")
    assert answer.body.getDataCenterUrlsResult.dataCenterUrls.webservicesDomain == api.url


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": 1_000_000_000},
        {"nonce": "abc"},
        {"nonce": "with-a-hyphen"},
        {"signature": {"_value_1": "bm8=", "algorithm": "HMAC-SHA256"}},
        {"token": "someone-else"},
        {"account": "OTHER"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_passport_that_is_not_genuine_is_refused(api, change):
    with pytest.raises(zeep.exceptions.Fault, match="Invalid login attempt") as error:
        api.call("upsert", api.invoice(key := api.new_id()), passport=api.passport(**change))
    assert raised(error) == ("invalidCredentialsFault", "INVALID_LOGIN_CREDENTIALS")
    assert api.get("invoice", key) is None


@pytest.mark.parametrize(("seconds", "accepted"), [(-880, True), (880, True), (-920, False), (920, False)])
def test_timestamp_may_be_fifteen_minutes_off(api, seconds, accepted):
    passport = api.passport(timestamp=int(time.time()) + seconds)
    if accepted:
        assert api.call("getServerTime", passport=passport).status.isSuccess
    else:
        with pytest.raises(zeep.exceptions.Fault, match="Invalid login"):
            api.call("getServerTime", passport=passport)


def test_nonce_serves_once(api):
    passport = api.passport()
    api.call("getServerTime", passport=passport)
    with pytest.raises(zeep.exceptions.Fault, match="Invalid login"):
        api.call("getServerTime", passport=passport)


def test_signature_of_another_algorithm_or_none_at_all_is_refused(api):
    passport = api.passport()
    passport["signature"] = {**passport["signature"], "algorithm": "HMAC-SHA1"}
    with pytest.raises(zeep.exceptions.Fault, match="Invalid login"):
        api.call("getServerTime", passport=passport)
    with pytest.raises(zeep.exceptions.Fault, match="Invalid login"):
        api.service.getServerTime()


def test_application_id_beside_the_passport_is_ambiguous(api):
    with pytest.raises(zeep.exceptions.Fault, match="Ambiguous authentication") as error:
        api.call("getServerTime", applicationInfo={"applicationId": "X"})
    assert raised(error) == ("invalidCredentialsFault", "USER_ERROR")


def test_get_reads_a_seeded_sales_order(api):
    order = api.get("salesOrder", "C-1")
    assert (order.externalId, order.otherRefNum, order.total, order.status) == (
        "C-1",
        "PO-7",
        480000,
        "Pending Billing",
    )
    customer = api.call("get", api.make("RecordRef", internalId=order.entity.internalId, type="customer")).record
    assert (customer.externalId, customer.companyName, customer.currency.name) == ("A-1", "Northwind", "US Dollar")


def test_external_ids_ignore_case(api):
    assert api.get("customer", "a-1").entityId == "CUST-1"


def test_get_list_answers_each_reference_on_its_own(api):
    refs = [api.ref("A-1", type="customer"), api.ref("nobody", type="customer"), api.ref("A-1", type="vendor")]
    answers = api.call("getList", refs).readResponse
    assert [outcome(one) for one in answers] == ["ok", "RCRD_DSNT_EXIST", "INVALID_RCRD_TYPE"]


def test_customer_upsert_adds_then_changes_only_what_is_sent(api):
    key = api.new_id()
    address = {"country": "_japan", "addr1": "1-1 Marunouchi", "city": "Tokyo", "zip": "100-0005"}
    book = {"addressbook": [{"defaultBilling": True, "addressbookAddress": address}]}
    fields = {"companyName": "Kaze & Söhne", "subsidiary": api.ref(internalId="3"), "email": "a@kaze.example"}
    field = api.make("StringCustomFieldRef", scriptId="custentity_hub", value="h-1")
    more = {"addressbookList": book, "terms": api.ref("NET30"), "customFieldList": {"customField": [field]}}
    assert api.upsert(api.make("Customer", externalId=key, **fields, **more)) == "ok"
    assert api.upsert(api.make("Customer", externalId=key, isInactive=True, nullFieldList={"name": ["email"]})) == "ok"
    found = api.get("customer", key)
    assert (found.companyName, found.isInactive, found.email, found.terms.name) == (
        "Kaze & Söhne",
        True,
        None,
        "Net 30",
    )
    assert (found.currency.name, found.entityId) == ("Yen", "Kaze & Söhne")
    assert found.addressbookList.addressbook[0].addressbookAddress.city == "Tokyo"
    assert found.customFieldList.customField[0].value == "h-1"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"companyName": "X"}, "USER_ERROR"),
        ({"subsidiary": {"internalId": "1"}}, "USER_ERROR"),
        ({"companyName": "X", "subsidiary": {"internalId": "77"}}, "INVALID_KEY_OR_REF"),
        (
            {"companyName": "X", "subsidiary": {"internalId": "1"}, "currency": {"externalId": "XXX"}},
            "INVALID_KEY_OR_REF",
        ),
        (
            {"companyName": "X", "subsidiary": {"internalId": "1"}, "terms": {"externalId": "NET31"}},
            "INVALID_KEY_OR_REF",
        ),
    ],
)
def test_customer_that_is_not_acceptable(api, fields, code):
    assert api.upsert(api.make("Customer", externalId=(key := api.new_id()), **fields)) == code
    assert api.get("customer", key) is None


def test_upsert_wants_an_external_id_and_no_internal_one(api):
    assert api.upsert(api.invoice(None)) == "USER_ERROR"
    assert api.upsert(api.invoice(api.new_id(), internalId="5")) == "USER_ERROR"


def test_add_refuses_an_external_id_that_is_taken(api):
    key = api.new_id()
    assert outcome(api.call("add", api.invoice(key))) == "ok"
    assert outcome(api.call("add", api.invoice(key.lower()))) == "DUP_RCRD"
    assert outcome(api.call("add", api.invoice(None))) == "ok"


def test_transactions_share_their_external_ids_but_not_with_customers(api):
    assert api.upsert(api.invoice("C-1")) == "DUP_RCRD"
    key = api.new_id()
    customer = api.make("Customer", externalId=key, companyName="Twin", subsidiary={"internalId": "1"})
    assert [api.upsert(customer), api.upsert(api.invoice(key))] == ["ok", "ok"]
    assert api.upsert(api.journal(key, ("4000", "debit", 1), ("2400", "credit", 1))) == "DUP_RCRD"


def test_invoice_is_totalled_and_posted(api):
    key = api.new_id()
    lines = ({"quantity": 2, "rate": "50.00", "tax1Amt": "8.00"}, {"item": api.ref("RETAIL-GOODS"), "amount": "-0.10"})
    reference = {"otherRefNum": "PO-7", "createdFrom": api.ref("C-1"), "terms": api.ref("NET30"), "total": "107.90"}
    response = api.call("upsert", api.invoice(key, *lines, **reference))
    assert (response.baseRef.externalId, response.baseRef.type) == (key, "invoice")
    found = api.get("invoice", key)
    assert (found.internalId, found.subTotal, found.taxTotal, found.total) == (
        response.baseRef.internalId,
        99.9,
        8,
        107.9,
    )
    assert (found.status, found.amountRemaining, found.createdFrom.name) == ("Open", 107.9, "C-1")
    assert found.dueDate.date() == date(2026, 2, 9)
    assert [(line.line, line.amount, line.item.name) for line in found.itemList.item] == [
        (1, 100, "Platform Enterprise"),
        (2, -0.1, "Retail goods"),
    ]
    expected = [("1100", 107.9, 0), ("2200", 0, 8), ("4000", 0, 100), ("4200", 0.1, 0)]
    assert api.ledger(key) == expected


def test_invoice_sent_again_is_replaced_not_doubled(api):
    key = api.new_id()
    before = len(api.objects("invoice"))
    first = api.call("upsert", api.invoice(key, *[{"amount": "5.00"}] * 3)).baseRef
    second = api.call("upsert", api.invoice(key, {"amount": "7.00", "taxRate1": "10"})).baseRef
    assert first.internalId == second.internalId
    assert len(api.objects("invoice")) == before + 1
    assert api.ledger(key) == [("1100", 7.7, 0), ("2200", 0, 0.7), ("4000", 0, 7)]


REFUSED_INVOICES = {
    "no customer": ({"entity": None}, "USER_ERROR"),
    "unknown customer": ({"entity": {"externalId": "A-404"}}, "INVALID_KEY_OR_REF"),
    "inactive customer": ({"entity": {"externalId": "A-9"}}, "INVALID_KEY_OR_REF"),
    "customer marked in the seed": ({"entity": {"externalId": "A-8"}}, "INSUFFICIENT_PERMISSION"),
    "other subsidiary": ({"subsidiary": {"internalId": "2"}}, "SUBSIDIARY_MISMATCH"),
    "currency not the customer's": ({"currency": {"externalId": "EUR"}}, "INVALID_KEY_OR_REF"),
    "unknown account": ({"account": {"externalId": "9999"}}, "INVALID_KEY_OR_REF"),
    "unknown order": ({"createdFrom": {"externalId": "C-404"}}, "INVALID_KEY_OR_REF"),
    "closed period": ({"tranDate": "2025-11-30T23:59:59Z"}, "TRAN_PERIOD_CLOSED"),
    "no lines": ({"itemList": {"item": []}}, "USER_ERROR"),
    "wrong total": ({"total": "108.01"}, "TRANS_AMTS_UNBALNCD"),
    "wrong net": ({"subTotal": "99.99"}, "TRANS_AMTS_UNBALNCD"),
    "wrong tax": ({"taxTotal": "8.01"}, "INVALID_TAX_AMT"),
}
REFUSED_LINES = {
    "unknown item": ({"item": {"externalId": "NOPE"}, "amount": "1"}, "INVALID_KEY_OR_REF"),
    "no amount": ({}, "USER_ERROR"),
    "quantity times rate": ({"quantity": 2, "rate": "50.00", "amount": "100.02"}, "ITEM_QTY_AMT_MISMATCH"),
    "half a cent": ({"amount": "1.005"}, "INVALID_AMT"),
    "not a number": ({"amount": "NaN"}, "INVALID_AMT"),
    "rate in words": ({"rate": "ten"}, "INVALID_AMT"),
    "tax not by its rate": ({"amount": "100.00", "taxRate1": "8", "tax1Amt": "8.06"}, "INVALID_TAX_AMT"),
    "wrong gross": ({"amount": "100.00", "tax1Amt": "8.00", "grossAmt": "108.01"}, "TRANS_AMTS_UNBALNCD"),
    "negative total": ({"amount": "-1.00"}, "USER_ERROR"),
}


@pytest.mark.parametrize("name", REFUSED_INVOICES)
def test_invoice_header_that_is_not_acceptable(api, name):
    fields, code = REFUSED_INVOICES[name]
    invoice = api.invoice(key := api.new_id())
    for field, value in fields.items():
        invoice[field] = value
    assert api.upsert(invoice) == code
    assert (api.get("invoice", key), api.ledger(key)) == (None, [])


@pytest.mark.parametrize("name", REFUSED_LINES)
def test_invoice_line_that_is_not_acceptable(api, name):
    line, code = REFUSED_LINES[name]
    assert api.upsert(api.invoice(key := api.new_id(), line)) == code
    assert (api.get("invoice", key), api.ledger(key)) == (None, [])


def test_rate_rounded_for_display_is_accepted(api):
    assert api.upsert(api.invoice(api.new_id(), {"quantity": 7, "rate": "14.29", "amount": "100.00"})) == "ok"


def test_currency_without_decimals(api):
    assert api.upsert(api.invoice(api.new_id(), {"amount": "1000.5"}, customer="A-3")) == "INVALID_AMT"
    key = api.new_id()
    assert api.upsert(api.invoice(key, {"amount": "90909", "taxRate1": "10"}, customer="A-3")) == "ok"
    assert api.upsert(api.make("Invoice", externalId=key, memo="only the memo")) == "ok"
    assert (api.get("invoice", key).total, api.get("invoice", key).memo) == (100000, "only the memo")


def test_invoice_can_not_be_moved_into_a_closed_period(api):
    key = api.new_id()
    assert api.upsert(api.invoice(key)) == "ok"
    assert api.upsert(api.invoice(key, tranDate="2025-06-01T00:00:00Z")) == "TRAN_PERIOD_CLOSED"
    assert api.get("invoice", key).tranDate.date() == date(2026, 1, 10)


def test_one_bad_record_does_not_stop_the_others(api):
    keys = [api.new_id() for _ in range(3)]
    records = [api.invoice(keys[0]), api.invoice(keys[1], {}), api.invoice(keys[2])]
    answers = api.call("upsertList", records).writeResponse
    assert [outcome(one) for one in answers] == ["ok", "USER_ERROR", "ok"]
    assert [one.baseRef.externalId for one in answers] == keys
    assert [api.get("invoice", key) is not None for key in keys] == [True, False, True]


def test_record_twice_in_a_list_is_one_record(api):
    key = api.new_id()
    answers = api.call("upsertList", [api.invoice(key), api.invoice(key, {"amount": "1.00"})]).writeResponse
    assert len({one.baseRef.internalId for one in answers}) == 1
    assert api.ledger(key) == [("1100", 1, 0), ("4000", 0, 1)]


@pytest.mark.parametrize(("operation", "limit"), [("upsertList", 100), ("addList", 200), ("getList", 1000)])
def test_lists_have_a_limit_and_beyond_it_nothing_happens(api, operation, limit):
    def request(count):
        if operation == "getList":
            return [api.ref("A-1", type="customer")] * count
        return [api.invoice(api.new_id()) for _ in range(count)]

    before = len(api.objects("invoice"))
    with pytest.raises(zeep.exceptions.Fault, match=str(limit)) as error:
        api.call(operation, request(limit + 1))
    assert raised(error) == ("exceededRecordCountFault", "MAX_RCRDS_EXCEEDED")
    assert len(api.objects("invoice")) == before
    answers = api.call(operation, request(limit))
    assert len(answers["readResponse" if operation == "getList" else "writeResponse"]) == limit


def test_journal_entry_posts_its_lines(api):
    key = api.new_id()
    assert api.upsert(api.journal(key, ("2400", "debit", "10.50"), ("4000", "credit", "10.50"))) == "ok"
    assert api.ledger(key) == [("2400", 10.5, 0), ("4000", 0, 10.5)]
    assert [line.account.name for line in api.get("journalEntry", key).lineList.line] == [
        "2400 Deferred Revenue",
        "4000 Subscription Revenue",
    ]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([("2400", "debit", "10.50"), ("4000", "credit", "10.49")], "USER_ERROR"),
        ([("2400", "debit", "0"), ("4000", "credit", "10")], "JE_LINE_MISSING_REQD_DATA"),
        ([("2401", "debit", "1"), ("4000", "credit", "1")], "INVALID_KEY_OR_REF"),
        ([], "USER_ERROR"),
    ],
)
def test_journal_entry_that_is_not_acceptable(api, lines, code):
    assert api.upsert(api.journal(key := api.new_id(), *lines)) == code
    assert api.ledger(key) == []


def pay(api, key, invoice_key, amount, applied):
    invoice = api.get("invoice", invoice_key)
    rows = {"apply": [{"apply": True, "doc": invoice.internalId, "amount": applied}]}
    return api.upsert(
        api.make("CustomerPayment", externalId=key, customer=api.ref("A-1"), payment=amount, applyList=rows)
    )


def test_payment_settles_an_invoice_and_its_deletion_opens_it_again(api):
    bill, payment = api.new_id(), api.new_id()
    api.upsert(api.invoice(bill))
    assert pay(api, payment, bill, "120.00", "108.00") == "ok"
    assert api.ledger(payment) == [("1100", 0, 120), ("1499", 120, 0)]
    found = api.get("customerPayment", payment)
    assert (found.applied, found.unapplied, api.get("invoice", bill).status) == (108, 12, "Paid In Full")
    [row] = found.applyList.apply
    assert (row.apply, row.refNum, row.amount) == (True, api.get("invoice", bill).tranId, 108)
    assert outcome(api.call("delete", api.ref(bill, type="invoice"))) == "CANT_DELETE_CHILD_RCRD_FOUND"
    assert pay(api, payment, bill, "120.00", "100.00") == "ok"
    assert (api.get("invoice", bill).amountRemaining, api.get("invoice", bill).status) == (8, "Open")
    assert outcome(api.call("delete", api.ref(payment, type="customerPayment"))) == "ok"
    assert (api.get("invoice", bill).amountPaid, api.ledger(payment)) == (0, [])
    assert outcome(api.call("delete", api.ref(bill, type="invoice"))) == "ok"
    assert (api.get("invoice", bill), api.ledger(bill)) == (None, [])


@pytest.mark.parametrize(("amount", "applied"), [("200.00", "108.01"), ("50.00", "50.01"), ("0.00", "0.00")])
def test_payment_that_can_not_be_applied(api, amount, applied):
    api.upsert(api.invoice(bill := api.new_id()))
    assert pay(api, api.new_id(), bill, amount, applied) in ("TRANS_APPLIED_AMTS_UNBALNCD", "INVALID_AMT")
    assert api.get("invoice", bill).amountPaid == 0


def test_invoice_can_not_shrink_below_what_was_paid(api):
    api.upsert(api.invoice(bill := api.new_id()))
    assert pay(api, api.new_id(), bill, "108.00", "108.00") == "ok"
    assert api.upsert(api.invoice(bill, {"amount": "100.00"})) == "TRANS_APPLIED_AMTS_UNBALNCD"
    assert api.get("invoice", bill).total == 108


def test_credit_memo_posts_the_other_way_round_and_settles(api):
    bill, credit = api.new_id(), api.new_id()
    api.upsert(api.invoice(bill))
    rows = {"apply": [{"apply": True, "doc": api.get("invoice", bill).internalId, "amount": "54.00"}]}
    lines = {"item": [{"item": api.ref("PLAT-ENT"), "amount": "50.00", "tax1Amt": "4.00"}]}
    memo = api.make("CreditMemo", externalId=credit, entity=api.ref("A-1"), itemList=lines, applyList=rows)
    assert api.upsert(memo) == "ok"
    assert api.ledger(credit) == [("1100", 0, 54), ("2200", 4, 0), ("4000", 50, 0)]
    assert (api.get("creditMemo", credit).status, api.get("invoice", bill).amountRemaining) == ("Fully Applied", 54)


def test_orders_and_customers_can_not_be_written_or_deleted_here(api):
    assert api.upsert(api.make("SalesOrder", externalId="C-1", memo="mine")) == "INSUFFICIENT_PERMISSION"
    assert outcome(api.call("delete", api.ref("A-1", type="customer"))) == "INSUFFICIENT_PERMISSION"
    assert outcome(api.call("delete", api.ref("nothing", type="invoice"))) == "RCRD_DSNT_EXIST"


def find(api, kind, size=None, bodies=None, **criteria):
    preferences = {"pageSize": size, "bodyFieldsOnly": bodies}
    basic = api.make(f"{kind}Basic", **criteria)
    return api.call("search", api.make(kind, basic=basic), searchPreferences=preferences)


def any_of(*refs):
    return {"operator": "anyOf", "searchValue": list(refs)}


def test_search_by_external_id_shows_lines_only_when_asked(api):
    keys = [api.new_id() for _ in range(2)]
    api.call("upsertList", [api.invoice(key) for key in keys])
    criteria = {"externalId": any_of(*[api.ref(key) for key in (*keys, "nobody")])}
    plain = find(api, "TransactionSearch", **criteria)
    assert [record.externalId for record in plain.recordList.record] == keys
    assert plain.recordList.record[0].itemList is None
    full = find(api, "TransactionSearch", bodies=False, **criteria)
    assert full.recordList.record[0].itemList.item[0].amount == 100


def test_search_page_by_page(api):
    customer = api.new_id()
    api.upsert(api.make("Customer", externalId=customer, companyName="Paged", subsidiary={"internalId": "1"}))
    internal_id = api.get("customer", customer).internalId
    keys = [api.new_id() for _ in range(12)]
    api.call("upsertList", [api.invoice(key, customer=customer) for key in keys])
    criteria = {"type": any_of("_invoice"), "entity": any_of(api.ref(internalId=internal_id))}
    first = find(api, "TransactionSearch", size=5, **criteria)
    assert (first.totalRecords, first.totalPages, first.pageSize) == (12, 3, 5)
    pages = [first, *(api.call("searchMoreWithId", first.searchId, index) for index in (2, 3))]
    assert [record.externalId for page in pages for record in page.recordList.record] == keys
    assert outcome(api.call("searchMoreWithId", first.searchId, 4)) == "INVALID_SEARCH_PAGE_INDEX"
    assert outcome(api.call("searchMoreWithId", "WEBSERVICES_1", 2)) == "INVALID_SEARCH_MORE"
    api.call("delete", api.ref(keys[0], type="invoice"))
    moved = api.call("searchMoreWithId", first.searchId, 2).recordList.record
    assert [record.externalId for record in moved] == keys[6:11], "each page is a new search, as at the vendor"


@pytest.mark.parametrize("size", [4, 1001])
def test_search_page_size_has_limits(api, size):
    assert outcome(find(api, "CustomerSearch", size=size)) == "INVALID_SEARCH_PAGE_SIZE"


def test_search_customers_by_their_fields(api):
    def names(**criteria):
        return {record.externalId for record in find(api, "CustomerSearch", **criteria).recordList.record}

    assert names(entityId={"operator": "is", "searchValue": "cust-1"}) == {"A-1"}
    assert names(isInactive={"searchValue": True}) >= {"A-9"}
    assert "A-2" not in names(companyName={"operator": "startsWith", "searchValue": "North"})
    assert names(externalIdString={"operator": "is", "searchValue": "A-2"}) == {"A-2"}


def test_search_finds_what_changed_since(api):
    since = api.call("getServerTime").serverTime
    api.upsert(api.invoice(key := api.new_id()))
    later = {"operator": "onOrAfter", "searchValue": since}
    assert key in {
        record.externalId for record in find(api, "TransactionSearch", lastModifiedDate=later).recordList.record
    }
    before = {"operator": "before", "searchValue": since}
    assert key not in {
        record.externalId for record in find(api, "TransactionSearch", lastModifiedDate=before).recordList.record
    }
    day = {"operator": "on", "searchValue": datetime(2026, 1, 10, tzinfo=UTC)}
    found = find(
        api, "TransactionSearch", tranDate=day, externalId=any_of(api.ref(key)), mainLine={"searchValue": True}
    )
    assert found.totalRecords == 1


def test_rate_limit_and_unauthorized_faults_have_the_vendors_shape(api):
    for name in ("rate_limit", "unauthorized"):
        api.fault(match="upsert", fault=name)
    key = api.new_id()
    limited = post(api.url, "")
    assert (limited.status_code, limited.json()["error"]["code"]) == (400, "SSS_REQUEST_LIMIT_EXCEEDED")
    with pytest.raises(zeep.exceptions.Fault, match="Invalid login"):
        api.upsert(api.invoice(key))
    assert api.get("invoice", key) is None
    assert api.upsert(api.invoice(key)) == "ok"


def test_answer_lost_after_the_effect(api):
    api.fault(match="upsert", fault="reset_after")
    key = api.new_id()
    with pytest.raises(requests.ConnectionError):
        api.upsert(api.invoice(key))
    assert api.get("invoice", key).total == 108


def test_every_message_kind_was_spoken(api):
    """Runs the operations, so the schema has seen each request and answer, whatever else ran before."""
    record = api.invoice(key := api.new_id())
    ref = api.ref(key, type="invoice")
    api.call("upsert", record)
    api.call("add", api.invoice(api.new_id()))
    api.call("addList", [api.invoice(api.new_id())])
    api.call("upsertList", [record])
    api.call("get", ref)
    api.call("getList", [ref])
    found = find(api, "CustomerSearch")
    api.call("searchMoreWithId", found.searchId, 1)
    api.call("delete", ref)
    api.call("getServerTime")
    api.service.getDataCenterUrls("x")
    assert api.transport.seen >= {name + end for name in OPERATIONS for end in ("", "Response")} | {
        "tokenPassport",
        "documentInfo",
    }


def test_parallel_upserts_of_one_external_id_make_one_record(api):
    key = api.new_id()
    before = len(api.objects("invoice"))
    threads = [threading.Thread(target=api.upsert, args=(api.invoice(key),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(api.objects("invoice")) == before + 1
    assert len(api.ledger(key)) == 3


def test_trial_balance_is_the_sum_of_the_ledger(api):
    api.upsert(api.invoice(api.new_id(), {"amount": "0.10"}, {"amount": "0.20", "tax1Amt": "0.03"}, customer="A-2"))
    totals = defaultdict(lambda: [Decimal(0), Decimal(0)])
    answer = requests.get(f"{api.url}/_sandbox/objects/gl", timeout=10)
    for line in answer.json(parse_float=Decimal):
        total = totals[line["subsidiary"], line["currency"], line["account"]]
        total[0] += line["debit"]
        total[1] += line["credit"]
    rows = requests.get(f"{api.url}/_sandbox/trial_balance", timeout=10).json(parse_float=Decimal)
    assert {
        (row["subsidiary"], row["currency"], row["account"]): [row["debit"], row["credit"]] for row in rows
    } == totals
    assert sum(row["balance"] for row in rows) == 0


def post(url, text, operation="upsert"):
    headers = {"SOAPAction": operation, "Content-Type": "text/xml"}
    return requests.post(url + PORT, text, headers=headers, timeout=10)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("not xml", "SAXException"),
        (f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Body><x/></e:Body></e:Envelope>', "x"),
        (
            f'<e:Envelope xmlns:e="{ENVELOPE}" xmlns:m="{NAMESPACE_OF["tokenPassport"]}"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:s="urn:sales_2023_2.transactions.webservices.netsuite.com">'
            '<e:Body><m:upsert><m:record xsi:type="s:Invoice"><s:department/></m:record></m:upsert></e:Body></e:Envelope>',
            "department",
        ),
    ],
    ids=["not xml", "unknown element", "unknown field"],
)
def test_request_that_does_not_fit_the_contract_is_a_fault_that_names_the_place(url, body, named):
    answer = post(url, body)
    assert answer.status_code == 500
    assert named in etree.fromstring(answer.content).findtext(".//faultstring")


def test_requests_above_the_concurrency_limit_are_blocked(tmp_path):
    seed = make_seed(tmp_path, Setting="name,value\nconcurrency_limit,1\n")
    with sandbox.serve(tmp_path / "state", systems=["netsuite"], seed_dir=seed) as endpoints:
        base = endpoints["netsuite"]
        host, port = base.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as first:
            head = f"POST {PORT} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n"
            first.sendall(head.encode())
            # The interim answer says that the first request is now under way.
            assert first.recv(100).startswith(b"HTTP/1.1 100")
            blocked = post(base, "")
            assert (blocked.status_code, b"WS_REQUEST_BLOCKED" in blocked.content) == (500, True)
            first.sendall(b"x")
            assert b"SAXException" in first.makefile("rb").read()
        assert b"WS_REQUEST_BLOCKED" not in post(base, "").content


def test_state_outlives_the_process_and_a_seed_row_can_be_mended(tmp_path):
    seed = make_seed(tmp_path)
    row = {"external_id": "A-8", "entity_id": "CUST-8", "company_name": "Mended", "subsidiary": "1", "currency": "USD"}
    row |= {"email": "", "is_inactive": "false", "refuse_code": "", "refuse_message": ""}
    for name in ("Refused", "Mended"):
        with sandbox.serve(tmp_path / "state", systems=["netsuite"], seed_dir=seed) as endpoints:
            base = endpoints["netsuite"]
            found = requests.get(f"{base}/_sandbox/objects/customer", timeout=10).json()
            assert [one["companyName"] for one in found if one["externalId"] == "A-8"] == [name]
            mended = requests.post(f"{base}/_sandbox/seed/Customer", json=row, timeout=10)
            assert mended.json()["internalId"] == "4"
            assert requests.post(f"{base}/_sandbox/seed/SalesOrder", json=row, timeout=10).status_code == 400


AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=2)


@settings(max_examples=50, deadline=None)
@given(lines=st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=30))
def test_any_invoice_is_totalled_exactly_and_balances(tmp_path_factory, lines):
    storage = Storage(tmp_path_factory.mktemp("books") / "books.sqlite")
    load_seed(storage, make_seed(tmp_path_factory.mktemp("books")), date(2026, 1, 15))
    books = Books(storage, load_reference(storage), date(2026, 1, 15))
    rows = [{"item": {"externalId": "PLAT-ENT"}, "amount": amount, "tax1Amt": tax} for amount, tax in lines]
    sent = {"externalId": "I-1", "entity": {"externalId": "A-1"}, "itemList": {"item": rows}}
    stored = write(books, "Invoice", sent, upsert=True)
    assert stored["total"] == sum(amount + tax for amount, tax in lines)
    assert sum(line["debit"] - line["credit"] for line in storage.list("gl")) == 0
    storage.close()
