"""The AvaTax connector against the sandbox's account, and its messages against Avalara's OpenAPI."""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import yaml

from canonical_model.errors import ConfigurationError
from canonical_model.parties import Address
from connectors import http
from connectors.avatax import transactions
from connectors.avatax.client import path_code
from connectors.avatax.connector import AvataxConnector, connect
from connectors.avatax.settings import Settings
from connectors.conformance import TargetConformance, WriteCase
from connectors.contract import Outcome, WriteError, WriteRequest
from connectors.errors import CredentialsError, RateLimitedError, UnavailableError
from connectors.settings import Connection

COMPANIES = {"company_codes": "MERIDIAN-US, MERIDIAN-DE,MERIDIAN-JP"}
CREATE = "POST /api/v2/transactions/create"
COMMIT = "POST /api/v2/companies/.*/commit"
SPOILED = "A-0911"
"""A buyer for whom the sandbox's AvaTax calculates 0.37 too much, until that is mended."""
NUMBERS = count(1)
ROCHESTER = {
    "line1": "85 East Main Street",
    "city": "Rochester",
    "region": "NY",
    "postalCode": "14604",
    "country": "US",
}


def connection(url: str, **changes: Any) -> Connection:
    fields = {"host": url, "login": "2000134479", "password": "MERIDIAN-0123456789AB", "extra": COMPANIES, **changes}
    return Connection(conn_id="billhub_avatax", **fields)


def payload(amount: str = "120000.00", **changes: Any) -> dict[str, Any]:
    line = {
        "number": "1",
        "quantity": Decimal(1),
        "amount": Decimal(amount),
        "itemCode": "PLAT-ENT",
        "taxCode": "SW054000",
    }
    document = {
        "companyCode": "MERIDIAN-US",
        "customerCode": "A-0001",
        "date": "2026-01-15",
        "currencyCode": "USD",
        "purchaseOrderNo": "PO-70468",
        "addresses": {"shipFrom": ROCHESTER, "shipTo": ROCHESTER},
        "lines": [line],
    }
    return {**document, **changes}


def request(**changes: Any) -> WriteRequest:
    return WriteRequest(key=f"T-{next(NUMBERS):06d}", payload=payload(**changes))


@pytest.fixture
def vendor(vendor_of: Callable) -> Any:
    return vendor_of("avatax")


@pytest.fixture
def connector(vendor: Any) -> Iterator[AvataxConnector]:
    opened = connect(connection(vendor.url))
    yield opened
    opened.close()


class TestTransactionWrites(TargetConformance):
    @pytest.fixture
    def case(self, vendor: Any) -> WriteCase:
        return WriteCase(
            open=lambda: connect(connection(vendor.url)),
            vendor=vendor,
            entity="transaction",
            operation=CREATE,
            request=request,
            refused=lambda: request(lines=[]),
            effects=lambda: vendor.count("Transaction"),
        )


class TestQuote:
    def test_the_worked_example(self, connector: AvataxConnector) -> None:
        [answer] = connector.quote([payload()])
        assert answer["totalTax"] == Decimal("9600.00")
        details = answer["lines"][0]["details"]
        assert [(detail["jurisName"], detail["rate"]) for detail in details] == [
            ("NEW YORK", Decimal("0.04")),
            ("MONROE", Decimal("0.04")),
        ]

    def test_a_quote_is_not_recorded(self, connector: AvataxConnector, vendor: Any) -> None:
        before = vendor.count("Transaction")
        [answer] = connector.quote([payload(code="Q-1", commit=True, type="SalesInvoice")])
        assert answer["type"] == "SalesOrder"
        assert vendor.count("Transaction") == before

    def test_a_credit_note_is_quoted_as_a_return(self, connector: AvataxConnector) -> None:
        [answer] = connector.quote([payload("-100.00", type="ReturnInvoice")])
        assert (answer["type"], answer["totalTax"]) == ("ReturnOrder", Decimal("-8.00"))

    def test_answers_keep_the_order_and_a_refusal_is_a_value(self, connector: AvataxConnector) -> None:
        amounts = [f"{number}00.00" for number in range(1, 21)]
        answers = connector.quote([payload(lines=[]), *(payload(amount) for amount in amounts)])
        assert isinstance(answers[0], WriteError)
        assert answers[0].message
        assert [answer["totalAmount"] for answer in answers[1:]] == [Decimal(amount) for amount in amounts]

    def test_amounts_go_and_come_digit_for_digit(self, connector: AvataxConnector) -> None:
        [answer] = connector.quote([payload("90071992547409.93")])
        assert answer["totalAmount"] == Decimal("90071992547409.93")

    @pytest.mark.parametrize(
        ("fault", "error"),
        [("rate_limit", RateLimitedError), ("reset_after", UnavailableError), ("garbage", UnavailableError)],
    )
    def test_what_may_pass_is_raised(
        self, connector: AvataxConnector, vendor: Any, fault: str, error: type[Exception]
    ) -> None:
        vendor.fault(CREATE, fault)
        with pytest.raises(error):
            connector.quote([payload()])


class TestWrite:
    def test_other_contents_under_a_taken_code_are_a_conflict(self, connector: AvataxConnector, vendor: Any) -> None:
        first = request()
        connector.write("transaction", [first])
        before = vendor.count("Transaction")
        [outcome] = connector.write("transaction", [WriteRequest(key=first.key, payload=payload("1.00"))])
        assert outcome.state == "rejected"
        assert outcome.error is not None
        assert outcome.error.code == "content_conflict"
        assert "line 1 amount: 1.00, 120000.00" in outcome.error.message
        assert vendor.count("Transaction") == before

    def test_a_voided_code_is_not_written_again(self, connector: AvataxConnector) -> None:
        first = request()
        connector.write("transaction", [first])
        assert connector.void(first.key, company_code="MERIDIAN-US").state == "confirmed"
        [outcome] = connector.write("transaction", [first])
        assert outcome.state == "rejected"
        assert outcome.error is not None
        assert "commit: True, False" in outcome.error.message

    def test_the_answer_keeps_the_total(self, connector: AvataxConnector) -> None:
        [outcome] = connector.write("transaction", [request()])
        assert outcome.native_id
        assert outcome.answer == {"status": "Committed", "totalAmount": Decimal(120000), "totalTax": Decimal(9600)}

    def test_a_credit_note_is_found_too(self, connector: AvataxConnector) -> None:
        credit = request(amount="-100.00", type="ReturnInvoice")
        [outcome] = connector.write("transaction", [credit])
        assert outcome.state == "confirmed"
        found = connector.find("transaction", [credit.key])[credit.key]
        assert (found.payload["type"], found.complete, found.native_id) == ("ReturnInvoice", True, outcome.native_id)

    def test_found_contents_agree_with_what_was_written(self, connector: AvataxConnector) -> None:
        written = request()
        connector.write("transaction", [written])
        found = connector.find("transaction", [written.key])[written.key]
        body = transactions.committed(written.key, written.payload)
        assert transactions.differences(body, found.payload) == []
        assert set(found.payload) <= set(body)

    def test_a_server_error_is_uncertain(self, connector: AvataxConnector, vendor: Any) -> None:
        vendor.fault(CREATE, "status", status=500, body={"error": {"code": "ServerConfiguration", "message": "oops"}})
        [outcome] = connector.write("transaction", [request()])
        assert outcome.state == "uncertain"


class TestTaxAsInvoiced:
    def test_equal_tax_is_committed_and_the_expectation_is_not_sent(
        self, connector: AvataxConnector, vendor: Any
    ) -> None:
        sale = request(expectedTax=Decimal("9600.0"))
        credit = request(amount="-100.00", type="ReturnInvoice", expectedTax=Decimal("-8.00"))
        outcomes = connector.write("transaction", [sale, credit])
        assert [outcome.state for outcome in outcomes] == ["confirmed", "confirmed"]
        assert "expectedTax" not in transactions.saved(sale.key, sale.payload)
        assert "expectedTax" not in transactions.quote(sale.payload)
        assert recorded(vendor, sale)["status"] == "Committed"

    @pytest.mark.parametrize(
        ("amount", "kind", "expected", "theirs"),
        [
            ("120000.00", "SalesInvoice", "9600.01", "9600"),
            ("-100.00", "ReturnInvoice", "-7.99", "-8"),
            ("-100.00", "ReturnInvoice", "8.00", "-8"),
            ("120000.00", "SalesInvoice", "0", "9600"),
        ],
    )
    def test_another_tax_is_rejected_and_does_not_count(
        self, connector: AvataxConnector, vendor: Any, amount: str, kind: str, expected: str, theirs: str
    ) -> None:
        written, before = (
            request(amount=amount, type=kind, expectedTax=Decimal(expected)),
            connector.count("transaction"),
        )
        [outcome] = connector.write("transaction", [written])
        assert (outcome.state, code_of(outcome)) == ("rejected", "tax_differs")
        assert outcome.error is not None
        assert f"{expected} USD of tax were invoiced, AvaTax has {theirs}" in outcome.error.message
        assert recorded(vendor, written)["status"] == "Saved"
        assert connector.count("transaction") == before

    def test_a_tax_that_changed_after_the_quote_is_committed_once_it_is_mended(
        self, connector: AvataxConnector, vendor: Any
    ) -> None:
        written, before = request(customerCode=SPOILED, expectedTax=Decimal("9600.00")), vendor.count("Transaction")
        [outcome] = connector.write("transaction", [written])
        assert code_of(outcome) == "tax_differs"
        saved = recorded(vendor, written)
        assert (saved["status"], saved["totalTax"]) == ("Saved", Decimal("9600.37"))
        patch(vendor, f"Misbehaviour/{SPOILED}", {"kind": ""})
        try:
            [outcome] = connector.write("transaction", [written])
        finally:
            patch(vendor, f"Misbehaviour/{SPOILED}", {"kind": "total_off"})
        assert (outcome.state, outcome.native_id) == ("confirmed", str(saved["id"]))
        assert recorded(vendor, written)["status"] == "Committed"
        assert vendor.count("Transaction") == before + 1

    @pytest.mark.parametrize(
        ("fault", "state", "left"),
        [
            ("refuse_before", "uncertain", "Saved"),
            ("rate_limit", "pending", "Saved"),
            ("reset_after", "uncertain", "Committed"),
            ("garbage", "uncertain", "Committed"),
        ],
    )
    def test_a_write_that_ended_between_save_and_commit_is_completed(
        self, connector: AvataxConnector, vendor: Any, fault: str, state: str, left: str
    ) -> None:
        written, before = request(expectedTax=Decimal("9600.00")), vendor.count("Transaction")
        vendor.fault(COMMIT, fault)
        [outcome] = connector.write("transaction", [written])
        assert (outcome.state, recorded(vendor, written)["status"]) == (state, left)
        assert connector.find("transaction", [written.key])[written.key].complete is (left == "Committed")
        [again] = connector.write("transaction", [written])
        assert (again.state, recorded(vendor, written)["status"]) == ("confirmed", "Committed")
        assert vendor.count("Transaction") == before + 1

    def test_a_committed_document_with_another_tax_is_not_confirmed(
        self, connector: AvataxConnector, vendor: Any
    ) -> None:
        written = request(expectedTax=Decimal("9600.00"))
        connector.write("transaction", [written])
        patch(vendor, stored_as(written), {"totalTax": 9601})
        [outcome] = connector.write("transaction", [written])
        assert (outcome.state, code_of(outcome)) == ("rejected", "tax_differs")
        assert outcome.error is not None
        assert "AvaTax has 9601 USD (document Committed)" in outcome.error.message

    @pytest.mark.parametrize(
        ("fault", "state", "left"), [("", "rejected", "Cancelled"), ("refuse_before", "uncertain", "Committed")]
    )
    def test_a_saved_document_that_was_replaced_before_our_commit_is_voided(
        self,
        connector: AvataxConnector,
        vendor: Any,
        monkeypatch: pytest.MonkeyPatch,
        fault: str,
        state: str,
        left: str,
    ) -> None:
        written = request(expectedTax=Decimal("9600.00"))
        replace_before_commit(monkeypatch, vendor, written)
        if fault:
            vendor.fault("POST /api/v2/companies/.*/void", fault)
        [outcome] = connector.write("transaction", [written])
        assert (outcome.state, recorded(vendor, written)["status"]) == (state, left)
        [again] = connector.write("transaction", [written])
        assert again.state == "rejected"


def code_of(outcome: Outcome) -> str | None:
    return outcome.error.code if outcome.error else None


def recorded(vendor: Any, written: WriteRequest) -> dict[str, Any]:
    """The one document under this key at the vendor."""
    [document] = [each for each in vendor.objects("Transaction") if each["code"] == written.key]
    return document


def stored_as(written: WriteRequest) -> str:
    return f"Transaction/MERIDIAN-US/SalesInvoice/{written.key}"


def patch(vendor: Any, name: str, fields: dict[str, Any]) -> None:
    answer = requests.patch(f"{vendor.url}/_sandbox/objects/{name}", json=fields, timeout=30)
    assert answer.status_code == 200, answer.text


def replace_before_commit(monkeypatch: pytest.MonkeyPatch, vendor: Any, written: WriteRequest) -> None:
    """Let another worker's calculation take the saved document's place while our request to commit it is on its way."""
    send = requests.adapters.HTTPAdapter.send

    def late(adapter: Any, message: Any, *rest: Any, **options: Any) -> Any:
        if "/commit?" in message.url:
            patch(vendor, stored_as(written), {"totalTax": 9601})
        return send(adapter, message, *rest, **options)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", late)


class TestVoid:
    def test_voiding_twice_is_confirmed_twice_and_counted_out(self, connector: AvataxConnector) -> None:
        written = request()
        connector.write("transaction", [written])
        before = connector.count("transaction")
        states = [connector.void(written.key, company_code="MERIDIAN-US").state for _ in range(2)]
        assert states == ["confirmed", "confirmed"]
        assert connector.count("transaction") == before - 1
        assert connector.find("transaction", [written.key])[written.key].payload["commit"] is False

    def test_nothing_to_void_is_rejected(self, connector: AvataxConnector) -> None:
        assert connector.void("never-written", company_code="MERIDIAN-US").state == "rejected"


class TestAddresses:
    def test_good_and_bad(self, connector: AvataxConnector) -> None:
        good = Address(country="US", line1="85 East Main Street", city="Rochester", region="NY", postal_code="14604")
        bad = Address(country="US", line1="1 Market Street", city="Denver", region="CO", postal_code="94105")
        checks = connector.check([good, bad])
        assert [check.valid for check in checks] == [True, False]
        assert checks[0].message is None
        assert checks[1].message

    def test_too_little_to_look_up(self, connector: AvataxConnector) -> None:
        [check] = connector.check([Address(country="US")])
        assert (check.valid, bool(check.message)) == (False, True)

    def test_countries_avatax_does_not_know_are_not_asked_about(self, connector: AvataxConnector, vendor: Any) -> None:
        vendor.forget_calls()
        [check] = connector.check([Address(country="DE", city="Kiel", postal_code="4109")])
        assert check.valid
        assert check.message is not None
        assert "not checked" in check.message
        assert vendor.calls() == {}

    def test_more_countries_can_be_set(self, vendor: Any) -> None:
        wider = connect(connection(vendor.url, extra={**COMPANIES, "address_countries": "US,DE"}))
        [check] = wider.check([Address(country="DE", line1="Weg 1", city="Kiel", postal_code="4109")])
        assert not check.valid


class TestLogin:
    def test_ping_names_the_account(self, connector: AvataxConnector) -> None:
        assert "2000134479" in connector.ping()

    def test_a_wrong_key_stops_the_run(self, vendor: Any) -> None:
        stranger = connect(connection(vendor.url, password="wrong-key"))
        for action in (
            stranger.ping,
            lambda: stranger.quote([payload()]),
            lambda: stranger.write("transaction", [request()]),
        ):
            with pytest.raises(CredentialsError) as caught:
                action()
            assert "wrong-key" not in str(caught.value)

    def test_a_missing_setting_names_itself(self) -> None:
        with pytest.raises(ConfigurationError, match=r"extra\.company_codes"):
            connect(connection("https://rest.avatax.com", extra={}))

    def test_settings(self) -> None:
        settings = Settings.from_connection(connection("rest.avatax.com"))
        assert settings.url == "https://rest.avatax.com"
        assert settings.company_codes == ("MERIDIAN-US", "MERIDIAN-DE", "MERIDIAN-JP")
        assert "0123456789AB" not in repr(settings)


@pytest.mark.parametrize(
    ("code", "segment"),
    [
        ("US-000001", "US-000001"),
        ("a/b", "a_-ava2f-_b"),
        ("a+b?c%d#e", "a_-ava2b-_b_-ava3f-_c_-ava25-_d_-ava23-_e"),
        ("a b", "a%20b"),
    ],
)
def test_codes_in_paths_are_spelled_as_avatax_asks(code: str, segment: str) -> None:
    assert path_code(code) == segment


@pytest.fixture(scope="session")
def create_model() -> dict[str, Any]:
    """CreateTransactionModel of the vendor's OpenAPI, with what it refers to."""
    folder = os.environ.get("HUB_SPEC_DIR")
    if not folder:
        pytest.skip("HUB_SPEC_DIR is not set: the vendors' official contracts are not here")
    with gzip.open(Path(folder) / "avatax" / "openapi.yaml.gz", "rt", encoding="utf-8") as file:
        document = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {"$ref": "#/components/schemas/CreateTransactionModel", "components": document["components"]}


@pytest.mark.spec
@pytest.mark.parametrize("build", [transactions.quote, lambda body: transactions.saved("US-000001", body)])
@pytest.mark.parametrize("changes", [{}, {"type": "ReturnInvoice", "expectedTax": Decimal(1)}])
def test_messages_fit_the_vendors_model(create_model: dict[str, Any], build: Callable, changes: dict[str, Any]) -> None:
    message = json.loads(http.json_bytes(build(payload(**changes))))
    jsonschema.Draft4Validator(create_model).validate(message)
    model = create_model["components"]["schemas"]
    assert set(message) <= set(model["CreateTransactionModel"]["properties"])
    assert set(message["lines"][0]) <= set(model["LineItemModel"]["properties"])
