"""The Stripe connector against the sandbox, and its requests against Stripe's OpenAPI."""

import gzip
import hashlib
import hmac
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import yaml

from canonical_model.errors import ConfigurationError
from connectors.conformance import TargetConformance, WriteCase
from connectors.contract import Idempotency, Outcome, Target, Webhook, WriteRequest
from connectors.errors import AmbiguousWriteError, CredentialsError, RateLimitedError, UnavailableError
from connectors.settings import Connection
from connectors.stripe.client import ReplayedFailureError
from connectors.stripe.connector import Stripe, connect
from connectors.stripe.settings import Settings
from connectors.stripe.steps import once

CREATE, ADD_ITEM, FINALIZE = "POST /v1/invoices", "POST /v1/invoiceitems", "POST /v1/invoices/{id}/finalize"
FINALIZE_PATTERN = r"POST /v1/invoices/[^/]+/finalize"
SECRET = "whsec_of_this_test"
STORED = {"status": 500, "body": {"error": {"type": "api_error", "message": "sorry"}}}
NUMBERS = count(1)


def connection(url: str, **changes: Any) -> Connection:
    fields = {"host": url, "password": "sk_test_sandbox", "extra": {"webhook_secret": SECRET}, **changes}
    return Connection(conn_id="billhub_stripe", **fields)


def buyer(**changes: Any) -> dict[str, Any]:
    number = next(NUMBERS)
    address = {
        "line1": "85 East Main Street",
        "city": "Rochester",
        "state": "NY",
        "postal_code": "14604",
        "country": "US",
    }
    fields = {
        "key": f"A-{number:05d}",
        "name": "Northwind",
        "email": f"ap-{number}@northwind.example",
        "address": address,
        "metadata": {},
    }
    return {**fields, **changes}


def items(*amounts: int) -> list[dict[str, Any]]:
    return [
        {"amount": amount, "description": f"Line {n}", "metadata": {"line": str(n)}}
        for n, amount in enumerate(amounts, start=1)
    ]


def request(**changes: Any) -> WriteRequest:
    number = next(NUMBERS)
    payload = {
        "customer": buyer(),
        "currency": "usd",
        "days_until_due": 30,
        "number": f"US-{number:06d}",
        "description": "Invoice of Meridian Software Inc.",
        "metadata": {"legal_entity": "US"},
        "items": items(12_000_000, 960_000),
        **changes,
    }
    return WriteRequest(key=f"invoice-{number}/1/stripe", payload=payload)


@pytest.fixture
def vendor(vendor_of: Callable) -> Any:
    return vendor_of("stripe")


@pytest.fixture
def connector(vendor: Any) -> Iterator[Stripe]:
    opened = connect(connection(vendor.url))
    yield opened
    opened.close()


def write(connector: Stripe, sent: WriteRequest) -> Outcome:
    [outcome] = connector.write("invoice", [sent])
    return outcome


def stored(vendor: Any, sent: WriteRequest) -> list[dict[str, Any]]:
    return [one for one in vendor.objects("invoice") if one["metadata"].get("hub_key") == sent.key]


def stored_items(vendor: Any, invoice: str) -> list[int]:
    return [one["amount"] for one in vendor.objects("invoiceitem") if one["invoice"] == invoice]


class TestInvoices(TargetConformance):
    @pytest.fixture
    def case(self, vendor: Any) -> WriteCase:
        return WriteCase(
            open=lambda: connect(connection(vendor.url)),
            vendor=vendor,
            entity="invoice",
            operation=CREATE,
            request=request,
            refused=lambda: request(customer=buyer(email="accounts.payable@cindergate.example")),
            effects=lambda: vendor.count("invoice"),
        )


def test_is_a_target_and_a_webhook(connector: Stripe) -> None:
    assert isinstance(connector, Target)
    assert isinstance(connector, Webhook)
    assert connector.capabilities.idempotency == {"invoice": Idempotency.NATIVE_KEY}
    assert connector.ping().endswith("test mode")


# --- what is written


def test_an_invoice_is_final_and_can_be_paid(connector: Stripe, vendor: Any) -> None:
    sent = request()
    outcome = write(connector, sent)
    [invoice] = stored(vendor, sent)
    assert (outcome.state, outcome.native_id) == ("confirmed", invoice["id"])
    assert (invoice["status"], invoice["total"], invoice["number"]) == ("open", 12_960_000, sent.payload["number"])
    assert (invoice["collection_method"], invoice["auto_advance"]) == ("send_invoice", False)
    assert stored_items(vendor, invoice["id"]) == [12_000_000, 960_000]
    assert outcome.answer["payment_url"].startswith("https://")
    assert {name: outcome.answer[name] for name in ("status", "total", "number")} == {
        "status": "open",
        "total": 12_960_000,
        "number": sent.payload["number"],
    }


def test_what_was_written_is_found_for_comparison(connector: Stripe) -> None:
    sent = request()
    write(connector, sent)
    found = connector.find("invoice", [sent.key, "no such key"])
    assert list(found) == [sent.key]
    wanted = {name: sent.payload[name] for name in ("currency", "number", "description", "metadata", "items")}
    assert (found[sent.key].payload, found[sent.key].complete) == (wanted, True)


def test_keys_with_quotes_are_found(connector: Stripe) -> None:
    sent = WriteRequest(key="it's a \\ key", payload=request().payload)
    write(connector, sent)
    assert sent.key in connector.find("invoice", [sent.key])


def test_many_keys_are_found_at_once(connector: Stripe) -> None:
    sent = [request(items=items(100)) for _ in range(12)]
    connector.write("invoice", sent)
    assert set(connector.find("invoice", [one.key for one in sent])) == {one.key for one in sent}


def test_yen_have_no_decimals(connector: Stripe, vendor: Any) -> None:
    sent = request(currency="jpy", items=items(50_000, 5_000))
    assert write(connector, sent).answer["total"] == 55_000


def test_a_buyer_is_one_customer_whatever_the_connector(connector: Stripe, vendor: Any) -> None:
    customer, before = buyer(), vendor.count("customer")
    for opened in (connector, connector, connect(connection(vendor.url))):
        assert write(opened, request(customer=customer)).state == "confirmed"
    assert vendor.count("customer") == before + 1


def test_a_buyer_who_moved_is_corrected_not_doubled(connector: Stripe, vendor: Any) -> None:
    customer, before = buyer(), vendor.count("customer")
    write(connector, request(customer=customer))
    moved = {**customer, "email": "new-" + customer["email"], "name": "Northwind Analytics"}
    write(connect(connection(vendor.url)), request(customer=moved))
    [held] = [one for one in vendor.objects("customer") if one["metadata"].get("hub_customer_id") == customer["key"]]
    assert (held["email"], held["name"], vendor.count("customer")) == (moved["email"], moved["name"], before + 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"items": []}, "without items"),
        ({"items": items(*[1] * 251)}, "at most 250"),
        ({"items": items(5, -6)}, "negative"),
    ],
)
def test_what_stripe_cannot_take_is_refused_before_anything_is_sent(
    connector: Stripe, vendor: Any, change: dict[str, Any], words: str
) -> None:
    vendor.forget_calls()
    outcome = write(connector, request(**change))
    assert (outcome.state, outcome.error.code) == ("rejected", "unsupported")
    assert words in outcome.error.message
    assert vendor.calls() == {}


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"customer": None}, "missing_field", "customer"),
        ({"currency": ""}, "missing_field", "currency"),
        ({"items": [{"amount": Decimal("1.00")}]}, "invalid_amount", "items"),
        ({"items": [{"description": "no amount"}]}, "invalid_amount", "items"),
    ],
)
def test_a_payload_that_is_none_is_refused_and_names_the_field(
    connector: Stripe, change: dict[str, Any], code: str, field: str
) -> None:
    outcome = write(connector, request(**change))
    assert (outcome.state, outcome.error.code, outcome.error.field) == ("rejected", code, field)


def test_a_refusal_keeps_stripes_code_and_field(connector: Stripe) -> None:
    outcome = write(connector, request(customer=buyer(email="rechnung@gutwasser-strom.example.invalid@")))
    assert (outcome.state, outcome.error.code, outcome.error.field) == ("rejected", "email_invalid", "email")


# --- stopped on the way


@pytest.mark.parametrize("fault", ["reset_after", "half_answer", "garbage", "refuse_before"])
@pytest.mark.parametrize(("step", "after"), [(CREATE, 0), (ADD_ITEM, 0), (ADD_ITEM, 1), (FINALIZE_PATTERN, 0)])
def test_stopped_at_any_step_it_goes_on_and_doubles_nothing(
    connector: Stripe, vendor: Any, step: str, after: int, fault: str
) -> None:
    sent = request()
    vendor.fault(step, fault, after=after)
    assert write(connector, sent).state == "uncertain"
    assert write(connect(connection(vendor.url)), sent).state == "confirmed"
    [invoice] = stored(vendor, sent)
    assert (invoice["status"], stored_items(vendor, invoice["id"])) == ("open", [12_000_000, 960_000])


@pytest.mark.parametrize("step", [ADD_ITEM, FINALIZE_PATTERN])
def test_throttled_with_a_draft_is_uncertain_and_the_draft_is_incomplete(
    connector: Stripe, vendor: Any, step: str
) -> None:
    sent, before = request(), connector.count("invoice")
    vendor.fault(step, "rate_limit")
    assert write(connector, sent).state == "uncertain"
    assert connector.find("invoice", [sent.key])[sent.key].complete is False
    assert connector.count("invoice") == before
    assert write(connector, sent).state == "confirmed"
    assert connector.count("invoice") == before + 1


@pytest.mark.parametrize("fault", ["status", "status_after_effect"])
@pytest.mark.parametrize("step", ["POST /v1/customers", CREATE, ADD_ITEM, FINALIZE_PATTERN])
def test_a_stored_server_error_is_not_repeated_for_ever(connector: Stripe, vendor: Any, step: str, fault: str) -> None:
    sent, customers = request(), vendor.count("customer")
    vendor.fault(step, fault, **STORED)
    assert write(connector, sent).state == "uncertain"
    assert write(connector, sent).state == "confirmed"
    [invoice] = stored(vendor, sent)
    assert (invoice["status"], stored_items(vendor, invoice["id"])) == ("open", [12_000_000, 960_000])
    assert vendor.count("customer") == customers + 1


@pytest.mark.parametrize("step", [CREATE, ADD_ITEM, FINALIZE_PATTERN])
def test_a_pruned_key_makes_no_second_invoice(connector: Stripe, vendor: Any, step: str) -> None:
    sent = request()
    vendor.fault(step, "reset_after")
    assert write(connector, sent).state == "uncertain"
    requests.post(f"{vendor.url}/_sandbox/prune_idempotency", timeout=30).raise_for_status()
    assert write(connector, sent).state == "confirmed"
    [invoice] = stored(vendor, sent)
    assert stored_items(vendor, invoice["id"]) == [12_000_000, 960_000]


def test_a_control_without_the_look_doubles_after_pruning(vendor: Any) -> None:
    """What the connector does is needed: the key alone does not hold."""
    before = vendor.count("customer")
    for _ in range(2):
        requests.post(
            f"{vendor.url}/v1/customers",
            {"name": "twice"},
            headers={"Idempotency-Key": "one"},
            auth=("sk_test_sandbox", ""),
            timeout=30,
        )
        requests.post(f"{vendor.url}/_sandbox/prune_idempotency", timeout=30)
    assert vendor.count("customer") == before + 2


def test_a_draft_with_another_amount_is_never_finalized(connector: Stripe, vendor: Any) -> None:
    sent = request()
    vendor.fault(FINALIZE_PATTERN, "refuse_before")
    write(connector, sent)
    changed = WriteRequest(key=sent.key, payload={**sent.payload, "items": items(12_000_000, 1)})
    outcome = write(connector, changed)
    assert (outcome.state, outcome.error.code, outcome.error.field) == ("rejected", "content_differs", "item 2")
    assert [one["status"] for one in stored(vendor, sent)] == ["draft"]


def test_an_item_added_by_hand_is_noticed_before_finalizing(connector: Stripe, vendor: Any) -> None:
    sent = request()
    vendor.fault(FINALIZE_PATTERN, "refuse_before")
    write(connector, sent)
    [draft] = stored(vendor, sent)
    extra = {"customer": draft["customer"], "invoice": draft["id"], "currency": "usd", "amount": 1}
    requests.post(f"{vendor.url}/v1/invoiceitems", extra, auth=("sk_test_sandbox", ""), timeout=30).raise_for_status()
    outcome = write(connector, sent)
    assert (outcome.error.code, outcome.error.field) == ("content_differs", "total")
    assert [one["status"] for one in stored(vendor, sent)] == ["draft"]


def test_other_content_under_a_final_key_is_an_exception(connector: Stripe) -> None:
    sent = request()
    write(connector, sent)
    outcome = write(connector, WriteRequest(key=sent.key, payload={**sent.payload, "items": items(1)}))
    assert (outcome.state, outcome.error.code) == ("rejected", "content_differs")
    assert "12960000" in outcome.error.message


def test_a_voided_invoice_is_not_written_again(connector: Stripe, vendor: Any) -> None:
    sent = request()
    identifier = write(connector, sent).native_id
    requests.post(
        f"{vendor.url}/v1/invoices/{identifier}/void", auth=("sk_test_sandbox", ""), timeout=30
    ).raise_for_status()
    assert write(connector, sent).error.code == "already_void"


def test_reads_that_fail_say_how(connector: Stripe, vendor: Any) -> None:
    vendor.fault("GET /v1/invoices", "rate_limit")
    with pytest.raises(RateLimitedError):
        connector.count("invoice")
    vendor.fault("GET /v1/invoices", "status", status=502, body="bad gateway")
    with pytest.raises(UnavailableError):
        connector.ping()
    with pytest.raises(CredentialsError):
        connect(connection(vendor.url, password="sk_test_wrong")).ping()


def test_without_a_server_a_write_is_pending() -> None:
    outcome = write(connect(connection("http://127.0.0.1:9")), request())
    assert (outcome.state, outcome.error.code) == ("pending", "connect_timeout")


def replayed(key: str) -> dict[str, Any]:
    raise ReplayedFailureError(f"stored under {key}", connector="stripe", operation="step")


def test_what_a_replayed_failure_left_behind_is_taken() -> None:
    assert once("k", "step", attempt=replayed, look=lambda: {"id": "left behind"}) == {"id": "left behind"}


def test_a_replayed_failure_that_left_nothing_begins_a_new_generation() -> None:
    tried: list[str] = []

    def attempt(key: str) -> dict[str, Any]:
        tried.append(key)
        return replayed(key) if len(tried) < 3 else {"id": "made"}

    assert once("k", "step", attempt=attempt, look=lambda: None) == {"id": "made"}
    assert tried == ["k/step/0", "k/step/1", "k/step/2"]


def test_generations_end() -> None:
    with pytest.raises(AmbiguousWriteError, match="5 times"):
        once("k", "step", attempt=replayed, look=lambda: None)


def test_a_long_key_still_fits_into_stripes_255_characters() -> None:
    keys = [once(name * 300, "step", attempt=lambda key: {"key": key}, look=lambda: None)["key"] for name in "ab"]
    assert len(set(keys)) == 2
    assert max(len(key) for key in keys) < 255


# --- events


def signed(body: bytes, *, secret: str = SECRET, age: int = 0) -> dict[str, str]:
    stamp = int(time.time()) - age
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={stamp},v1={digest}"}


EVENT = json.dumps(
    {"id": "evt_1", "object": "event", "type": "invoice.paid", "data": {"object": {"rate": 0.1}}}
).encode()


def test_a_signed_event_is_taken(connector: Stripe) -> None:
    event = connector.verify(EVENT, signed(EVENT))
    assert (event["id"], event["type"], event["data"]["object"]["rate"]) == ("evt_1", "invoice.paid", Decimal("0.1"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Stripe-Signature": "nonsense"},
        signed(EVENT, secret="whsec_other"),
        signed(EVENT, age=3600),
        signed(EVENT + b" "),
    ],
    ids=["none", "nonsense", "other secret", "old", "other body"],
)
def test_an_event_that_is_not_proven_is_refused(connector: Stripe, headers: dict[str, str]) -> None:
    with pytest.raises(CredentialsError):
        connector.verify(EVENT, headers)


def test_events_need_a_secret(vendor: Any) -> None:
    with pytest.raises(ConfigurationError, match="webhook_secret"):
        connect(connection(vendor.url, extra={})).verify(EVENT, signed(EVENT))


# --- settings


def test_settings() -> None:
    settings = Settings.from_connection(Connection(conn_id="c", password="sk_live_x"))
    assert settings.api == "https://api.stripe.com"
    assert "sk_live_x" not in repr(settings)
    with pytest.raises(ConfigurationError, match="password"):
        connect(Connection(conn_id="billhub_stripe"))


# --- the vendor's contract


@pytest.fixture
def recorded(vendor: Any) -> Iterator[tuple[str, list[tuple[str, str, dict[str, str]]]]]:
    """A proxy before the sandbox that keeps method, path and parameters of what passes."""
    seen: list[tuple[str, str, dict[str, str]]] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            seen.append((self.command, url.path, dict(parse_qsl(url.query or body.decode()))))
            kept = {
                name: self.headers[name]
                for name in ("Authorization", "Idempotency-Key", "Content-Type")
                if self.headers[name]
            }
            answer = requests.request(self.command, vendor.url + self.path, data=body, headers=kept, timeout=30)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


# Younger than the OpenAPI at hand (2023-09-12); in the library's typed parameters of 16.1.
YOUNGER = {("post", "/v1/invoices"): {"number"}}


@pytest.mark.spec
def test_our_requests_keep_to_the_vendors_openapi(recorded: tuple[str, list[tuple[str, str, dict[str, str]]]]) -> None:
    folder = os.environ.get("HUB_SPEC_DIR")
    if not folder:
        pytest.skip("HUB_SPEC_DIR is not set")
    with gzip.open(Path(folder) / "stripe" / "spec3.yaml.gz") as file:
        paths = yaml.load(file, Loader=yaml.CSafeLoader)["paths"]
    url, seen = recorded
    connector = connect(connection(url))
    sent = request()
    assert write(connector, sent).state == "confirmed"
    connector.find("invoice", [sent.key, "missing"])
    connector.count("invoice")
    for method, path, parameters in seen:
        template, operation = operation_of(paths, method.lower(), path)
        names = {re.split(r"\[", name, maxsplit=1)[0] for name in parameters}
        assert names <= allowed(operation) | YOUNGER.get((method.lower(), template), set()), (method, path)
    assert len({(method, path.split("/")[2]) for method, path, _ in seen}) == 6


def operation_of(paths: dict[str, Any], method: str, path: str) -> tuple[str, dict[str, Any]]:
    candidates = sorted(paths, key=lambda template: template.count("{"))
    template = next(
        t for t in candidates if method in paths[t] and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", t), path)
    )
    return template, paths[template][method]


def allowed(operation: dict[str, Any]) -> set[str]:
    form = operation.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded", {})
    named = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
    return named | set(form.get("schema", {}).get("properties", {}))
