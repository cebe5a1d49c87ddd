"""The Stripe stand-in, talked to by Stripe's own SDK and by raw requests, over real sockets."""

import gzip
import json
import os
import queue
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from stripe._encode import _api_encode

import sandbox
from sandbox.stripe.account import API_VERSION
from sandbox.stripe.forms import parse_form
from sandbox.stripe.routes import ENDPOINTS
from sandbox.stripe.search import FIELDS, parse_query
from sandbox.stripe.taxes import tax_amounts

KEY = "sk_test_sandbox"
AS_OF_MIDNIGHT = int(datetime(2026, 1, 15, tzinfo=UTC).timestamp())
REFUSED = "refused@customer.example"
WAIT = 20.0


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("seed")
    (root / "stripe").mkdir()
    (root / "stripe" / "RefusedEmail.csv").write_text(f"email\n{REFUSED}\n")
    return root


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, seed: Path) -> Iterator[str]:
    with sandbox.serve(tmp_path_factory.mktemp("state"), systems=["stripe"], seed_dir=seed) as endpoints:
        yield endpoints["stripe"]


@pytest.fixture
def client(url: str) -> stripe.StripeClient:
    return sdk(url)


@pytest.fixture
def api(url: str) -> Iterator["Raw"]:
    yield Raw(url)
    requests.delete(f"{url}/_sandbox/faults", timeout=WAIT)


def sdk(url: str, key: str = KEY) -> stripe.StripeClient:
    return stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0)


class Raw:
    """Requests without the SDK: full control over headers and keys."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str, form: dict[str, Any] | None = None, key: str | None = None) -> requests.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return requests.post(f"{self.url}{path}", data=form or {}, headers=headers, auth=(KEY, ""), timeout=WAIT)

    def get(self, path: str, **query: Any) -> requests.Response:
        return requests.get(f"{self.url}{path}", params=query, auth=(KEY, ""), timeout=WAIT)

    def control(self, path: str, body: Any = None) -> Any:
        answer = requests.post(f"{self.url}/_sandbox/{path}", json=body, timeout=WAIT)
        answer.raise_for_status()
        return answer.json()

    def fault(self, match: str, fault: str, **fields: Any) -> None:
        self.control("faults", {"match": match, "fault": fault, **fields})

    def count(self, kind: str) -> int:
        return int(requests.get(f"{self.url}/_sandbox/count", timeout=WAIT).json().get(kind, 0))


def new_customer(client: stripe.StripeClient, **fields: Any) -> str:
    params: Any = {"email": "ap@northwind.example", "name": "Northwind", **fields}
    return client.v1.customers.create(params).id


def draft(client: stripe.StripeClient, customer: str, *amounts: int, **fields: Any) -> stripe.Invoice:
    params: Any = {
        "customer": customer,
        "collection_method": "send_invoice",
        "days_until_due": 30,
        "currency": "usd",
        **fields,
    }
    invoice = client.v1.invoices.create(params)
    for amount in amounts:
        client.v1.invoice_items.create({"customer": customer, "invoice": invoice.id, "amount": amount})
    return client.v1.invoices.retrieve(invoice.id)


def opened(client: stripe.StripeClient, *amounts: int, **fields: Any) -> stripe.Invoice:
    return client.v1.invoices.finalize_invoice(draft(client, new_customer(client), *amounts, **fields).id)


def refusal(error: type[stripe.StripeError], call: Any, *arguments: Any) -> dict[str, Any]:
    with pytest.raises(error) as caught:
        call(*arguments)
    body: Any = caught.value.json_body
    return {"status": caught.value.http_status, **body["error"]}


# --- authentication and the shape of requests ---


@pytest.mark.parametrize("key", ["sk_test_other", "sk_live_sandbox"])
def test_a_wrong_key_is_refused(url: str, key: str) -> None:
    error = refusal(stripe.AuthenticationError, sdk(url, key).v1.customers.list)
    assert error["type"] == "invalid_request_error"
    assert error["status"] == 401
    assert key not in error["message"]


def test_basic_and_bearer_are_both_keys_and_none_is_refused(url: str) -> None:
    path = f"{url}/v1/customers"
    assert requests.get(path, auth=(KEY, ""), timeout=WAIT).status_code == 200
    assert requests.get(path, headers={"Authorization": f"Bearer {KEY}"}, timeout=WAIT).status_code == 200
    assert requests.get(path, timeout=WAIT).status_code == 401


def test_answers_carry_a_request_id_and_the_asked_version(client: stripe.StripeClient) -> None:
    response = client.v1.customers.list().last_response
    assert response is not None
    assert response.headers["Request-Id"].startswith("req_")
    assert response.headers["Stripe-Version"] == stripe.api_version


def test_unknown_urls_parameters_and_json_bodies_are_refused(api: Raw) -> None:
    assert api.get("/v1/subscriptions").status_code == 404
    unknown = api.post("/v1/customers", {"nickname": "x"}).json()["error"]
    assert (unknown["code"], unknown["param"]) == ("parameter_unknown", "nickname")
    as_json = requests.post(f"{api.url}/v1/customers", json={"name": "x"}, auth=(KEY, ""), timeout=WAIT)
    assert as_json.status_code == 400


@given(
    st.recursive(
        st.text("abcé&=% []", min_size=1),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.sampled_from("pqr"), inner, min_size=1)
        ),
        max_leaves=8,
    )
)
def test_nested_parameters_survive_the_sdks_own_encoding(value: Any) -> None:
    from urllib.parse import urlencode

    assert parse_form(urlencode(list(_api_encode({"root": value})))) == {"root": as_tree(value)}


def as_tree(value: Any) -> Any:
    if isinstance(value, list):
        return {str(index): as_tree(element) for index, element in enumerate(value)}
    return {key: as_tree(element) for key, element in value.items()} if isinstance(value, dict) else value


def test_bare_brackets_build_arrays() -> None:
    assert parse_form("e[]=a&e[]=b") == {"e": {"0": "a", "1": "b"}}
    assert parse_form("l[][x]=1&l[][y]=2&l[][x]=3") == {"l": {"0": {"x": "1", "y": "2"}, "1": {"x": "3"}}}


@pytest.mark.parametrize("form", ["a=1&a[b]=2", "a[b]=1&a=2", "a[b=1", "[a]=1"])
def test_contradictory_parameters_are_refused(api: Raw, form: str) -> None:
    answer = api.post(f"/v1/customers?{form}", None)
    assert answer.status_code == 200, "a POST reads its body, not its query"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(f"{api.url}/v1/customers", data=form, headers=headers, auth=(KEY, ""), timeout=WAIT)
    assert answer.status_code == 400


# --- customers, catalogue, lists, search ---


def test_a_customer_lives(client: stripe.StripeClient) -> None:
    customers = client.v1.customers
    made = customers.create(
        {"name": "A", "address": {"city": "Kyōto", "country": "JP"}, "metadata": {"a": "1", "b": "2"}}
    )
    assert re.fullmatch(r"cus_\d{14}", made.id)
    assert made.address is not None
    assert made.address.city == "Kyōto"
    changed = customers.update(made.id, {"name": "", "metadata": {"a": "", "c": "3"}})
    assert changed.name is None
    assert changed.to_dict()["metadata"] == {"b": "2", "c": "3"}
    assert customers.delete(made.id).deleted
    assert customers.retrieve(made.id).deleted
    error = refusal(stripe.InvalidRequestError, customers.update, made.id, {"name": "B"})
    assert (error["status"], error["code"]) == (404, "resource_missing")


@pytest.mark.parametrize("email", [REFUSED, "not-an-address", "a@b"])
def test_a_bad_or_seeded_email_is_refused(client: stripe.StripeClient, email: str) -> None:
    error = refusal(stripe.InvalidRequestError, client.v1.customers.create, {"email": email})
    assert (error["status"], error["code"], error["param"]) == (400, "email_invalid", "email")


def test_metadata_limits(client: stripe.StripeClient) -> None:
    for metadata in ({"k" * 41: "v"}, {"k": "v" * 501}, {f"k{i}": "v" for i in range(51)}):
        refusal(stripe.InvalidRequestError, client.v1.customers.create, {"metadata": metadata})


def test_lists_are_newest_first_and_paged_both_ways(client: stripe.StripeClient) -> None:
    ids = [new_customer(client, email="pages@list.example") for _ in range(5)]
    page = client.v1.customers.list({"email": "pages@list.example", "limit": 2})
    assert [customer.id for customer in page.data] == ids[:2:-1]
    assert page.has_more
    assert [customer.id for customer in page.auto_paging_iter()] == ids[::-1]
    back = client.v1.customers.list({"email": "pages@list.example", "limit": 2, "ending_before": ids[0]})
    assert [customer.id for customer in back.data] == [ids[2], ids[1]]
    assert not client.v1.customers.list({"email": "Pages@list.example"}).data
    for bad in ({"limit": 0}, {"limit": 101}, {"starting_after": "cus_nobody"}):
        refusal(stripe.InvalidRequestError, client.v1.customers.list, bad)


def test_created_filters_by_the_artificial_clock(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.retrieve(new_customer(client))
    assert AS_OF_MIDNIGHT < customer.created < AS_OF_MIDNIGHT + 86_400
    found = client.v1.customers.list({"created": {"gte": customer.created, "lt": customer.created + 1}})
    assert [body.id for body in found.data] == [customer.id]


def test_search_finds_by_metadata_and_email(client: stripe.StripeClient) -> None:
    ids = [new_customer(client, email=f"s{i}@search.example", metadata={"hub": f"it's {i % 2}"}) for i in range(4)]

    def found(query: str, **more: Any) -> list[str]:
        params: Any = {"query": query, **more}
        page = client.v1.customers.search(params)
        return [body.id for body in page.auto_paging_iter()]

    assert found("metadata['hub']:\"it's 1\"") == [ids[1], ids[3]]
    assert found('metadata["hub"]:\'it\\\'s 1\' AND email:"S3@search.example"') == [ids[3]]
    assert found("email:'s0@search.example' OR email:'s2@search.example'", limit=1) == [ids[0], ids[2]]
    assert found("email~'@search.ex' -email:'s1@search.example'") == [ids[0], ids[2], ids[3]]
    for bad in ("", "hub:'1'", "metadata:'x'", "email:'a' AND name:'b' OR name:'c'", "email:'a", "email>'x' !"):
        refusal(stripe.InvalidRequestError, client.v1.customers.search, {"query": bad})


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_a_quoted_metadata_value_matches_itself(value: str, other: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    fits = parse_query(f'metadata["k"]:"{quoted}"', FIELDS["invoice"]).fits
    assert fits({"metadata": {"k": value}})
    assert fits({"metadata": {"k": other}}) == (other == value)


def test_numbers_and_null_in_queries() -> None:
    fits = parse_query("total>=1000 -metadata['paid']:null", FIELDS["invoice"]).fits
    assert fits({"total": 1000, "metadata": {"paid": "x"}})
    assert not fits({"total": 999, "metadata": {"paid": "x"}})
    assert not fits({"total": 1000, "metadata": {}})


def test_products_prices_and_tax_rates(client: stripe.StripeClient) -> None:
    product = client.v1.products.create({"id": "PLAT-ENT", "name": "Platform", "metadata": {"code": "PLAT-ENT"}})
    error = refusal(stripe.InvalidRequestError, client.v1.products.create, {"id": "PLAT-ENT", "name": "Again"})
    assert error["code"] == "resource_already_exists"
    assert client.v1.products.update(product.id, {"active": False}).active is False
    price = client.v1.prices.create({"product": product.id, "currency": "EUR", "unit_amount_decimal": Decimal("12.5")})
    assert (price.currency, price.unit_amount, str(price.unit_amount_decimal)) == ("eur", None, "12.5")
    rate = client.v1.tax_rates.create({"display_name": "NY", "inclusive": False, "percentage": 8.875})
    assert float(rate.percentage) == 8.875
    assert rate.id in [body.id for body in client.v1.tax_rates.list({"active": True}).data]


# --- invoices: money ---


def test_the_worked_example_with_tax_and_expansion(client: stripe.StripeClient) -> None:
    halves = [
        client.v1.tax_rates.create({"display_name": name, "inclusive": False, "percentage": 4}).id
        for name in ("New York State", "Monroe County")
    ]
    customer = new_customer(client)
    invoice = draft(client, customer, metadata={"hub_id": "INV-1"})
    client.v1.invoice_items.create(
        {"customer": customer, "invoice": invoice.id, "amount": 12_000_000, "currency": "usd", "tax_rates": halves}
    )
    invoice = client.v1.invoices.finalize_invoice(invoice.id, {"expand": ["payment_intent", "customer"]})
    assert (invoice.subtotal, invoice.total, invoice.amount_due) == (12_000_000, 12_960_000, 12_960_000)
    assert [tax["amount"] for tax in invoice["total_tax_amounts"]] == [480_000, 480_000]
    assert invoice.total_taxes is not None
    assert [tax.amount for tax in invoice.total_taxes] == [480_000, 480_000]
    assert invoice["payment_intent"].amount == 12_960_000
    assert invoice["payment_intent"].status == "requires_payment_method"
    assert invoice["customer"].id == customer
    assert invoice.due_date == invoice.created + 30 * 86_400
    assert invoice.number is not None
    assert invoice.hosted_invoice_url is not None
    assert invoice.invoice_pdf is not None


@given(
    st.integers(-10_000_000, 10_000_000),
    st.lists(st.tuples(st.decimals(0, 30, places=4), st.booleans()), max_size=3),
)
def test_tax_is_whole_and_within_half_a_unit_a_rate(amount: int, rates: list[tuple[Any, bool]]) -> None:
    bodies = [{"id": f"txr_{i}", "percentage": p, "inclusive": inc} for i, (p, inc) in enumerate(rates)]
    parts = tax_amounts(amount, bodies)
    taken_out = sum(part["amount"] for part in parts if part["inclusive"])
    for part, (percentage, _) in zip(parts, rates, strict=True):
        assert isinstance(part["amount"], int)
        exact = (amount - taken_out) * percentage / 100
        assert abs(part["amount"] - exact) <= 1 + abs(percentage) * len(rates) / 100


def test_yen_has_no_decimals_and_units_multiply(client: stripe.StripeClient, api: Raw) -> None:
    customer = new_customer(client)
    invoice = draft(client, customer, currency="jpy")
    item: Any = {"customer": customer, "invoice": invoice.id, "currency": "jpy"}
    made = api.post("/v1/invoiceitems", {**item, "unit_amount": "333", "quantity": "3"}).json()
    assert (made["amount"], made["quantity"], made["unit_amount"]) == (999, 3, 333)
    exact = client.v1.invoice_items.create(item | {"unit_amount_decimal": Decimal("0.5"), "quantity": 3})
    assert exact.amount == 2
    error = api.post("/v1/invoiceitems", {**item, "amount": "10.50"}).json()["error"]
    assert error["code"] == "parameter_invalid_integer"
    assert client.v1.invoices.retrieve(invoice.id).total == 1001


def test_prices_become_lines_under_old_and_new_names(client: stripe.StripeClient, api: Raw) -> None:
    customer = new_customer(client)
    product = client.v1.products.create({"name": "Seats"})
    price = client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 250})
    invoice = draft(client, customer)
    item: Any = {"customer": customer, "invoice": invoice.id, "quantity": 4}
    newer = client.v1.invoice_items.create(item | {"pricing": {"price": price.id}})
    older = api.post("/v1/invoiceitems", {**item, "price": price.id}).json()
    assert newer.amount == older["amount"] == 1000
    assert older["price"]["id"] == price.id
    lines = client.v1.invoices.line_items.list(invoice.id).data
    assert [line.amount for line in lines] == [1000, 1000]
    assert lines[0].pricing is not None
    assert lines[0].pricing.price_details is not None
    assert lines[0].pricing.price_details.price == price.id


def test_exact_tax_of_another_engine_can_be_set_on_a_line(client: stripe.StripeClient) -> None:
    invoice = draft(client, new_customer(client), 10_000)
    data = {"display_name": "NY", "inclusive": False, "percentage": 8.0}
    tax = {"amount": 801, "taxable_amount": 10_000, "tax_rate_data": data}
    line = invoice.lines.data[0].id
    params: Any = {"tax_amounts": [tax]}
    client.v1.invoices.line_items.update(invoice.id, line, params)
    assert client.v1.invoices.retrieve(invoice.id).total == 10_801


def test_amounts_over_eight_digits_are_refused(client: stripe.StripeClient) -> None:
    customer = new_customer(client)
    invoice = draft(client, customer, 99_999_999)
    item: Any = {"customer": customer, "invoice": invoice.id, "amount": 100_000_000}
    error = refusal(stripe.InvalidRequestError, client.v1.invoice_items.create, item)
    assert (error["status"], error["code"], error["param"]) == (400, "amount_too_large", "amount")
    client.v1.invoice_items.create(item | {"amount": 1})
    error = refusal(stripe.InvalidRequestError, client.v1.invoices.finalize_invoice, invoice.id)
    assert error["code"] == "amount_too_large"


def test_currencies_do_not_mix_on_an_invoice(client: stripe.StripeClient) -> None:
    customer = new_customer(client)
    invoice = draft(client, customer, currency="eur")
    item: Any = {"customer": customer, "invoice": invoice.id, "amount": 5, "currency": "usd"}
    assert refusal(stripe.InvalidRequestError, client.v1.invoice_items.create, item)["param"] == "currency"
    assert client.v1.invoices.retrieve(invoice.id).total == 0


def test_pending_items_are_taken_in_the_invoices_currency_only(client: stripe.StripeClient) -> None:
    customer = new_customer(client)
    for currency in ("usd", "eur", "usd"):
        client.v1.invoice_items.create({"customer": customer, "amount": 100, "currency": currency})
    assert draft(client, customer).total == 0
    invoice = draft(client, customer, pending_invoice_items_behavior="include")
    assert invoice.total == 200
    pending = client.v1.invoice_items.list({"customer": customer, "pending": True})
    assert [item.currency for item in pending.data] == ["eur"]
    assert len(client.v1.invoice_items.list({"invoice": invoice.id}).data) == 2


def test_an_invoice_without_items_can_be_refused(api: Raw, client: stripe.StripeClient) -> None:
    form = {"customer": new_customer(client), "pending_invoice_items_behavior": "include_and_require"}
    before = api.count("invoice")
    assert api.post("/v1/invoices", form).json()["error"]["code"] == "invoice_no_customer_line_items"
    assert api.count("invoice") == before


def test_long_invoices_show_ten_lines_and_page_the_rest(client: stripe.StripeClient) -> None:
    invoice = draft(client, new_customer(client), *range(1, 13))
    assert len(invoice.lines.data) == 10
    assert invoice.lines.has_more
    lines = client.v1.invoices.line_items.list(invoice.id, {"limit": 5})
    assert [line.amount for line in lines.auto_paging_iter()] == list(range(1, 13))
    assert invoice.total == 78


# --- invoices: states ---


def test_terms_must_fit_the_collection_method(client: stripe.StripeClient) -> None:
    customer = new_customer(client)
    terms: list[tuple[dict[str, Any], str]] = [
        ({"collection_method": "send_invoice"}, "days_until_due"),
        ({"days_until_due": 5}, "due_date"),
    ]
    for fields, param in terms:
        error = refusal(stripe.InvalidRequestError, client.v1.invoices.create, {"customer": customer, **fields})
        assert error["param"] == param
    client.v1.customers.update(customer, {"email": ""})
    refusal(stripe.InvalidRequestError, draft, client, customer)


def test_a_finalized_invoice_is_not_editable(client: stripe.StripeClient) -> None:
    invoice = opened(client, 500)
    item: Any = {"customer": str(invoice.customer), "invoice": invoice.id, "amount": 5}
    calls: list[tuple[Any, ...]] = [
        (client.v1.invoices.update, invoice.id, {"description": "late"}),
        (client.v1.invoices.delete, invoice.id),
        (client.v1.invoices.finalize_invoice, invoice.id),
        (client.v1.invoice_items.create, item),
        (client.v1.invoices.line_items.update, invoice.id, invoice.lines.data[0].id, {"amount": 1}),
    ]
    for call, *arguments in calls:
        assert refusal(stripe.InvalidRequestError, call, *arguments)["code"] == "invoice_not_editable"
    assert client.v1.invoices.update(invoice.id, {"metadata": {"late": "yes"}}).to_dict()["metadata"] == {"late": "yes"}


def test_a_draft_can_change_and_vanish(client: stripe.StripeClient, api: Raw) -> None:
    customer = new_customer(client)
    invoice = draft(client, customer, 100, 200)
    items = client.v1.invoice_items.list({"invoice": invoice.id}).data
    client.v1.invoice_items.delete(items[0].id)
    changed = client.v1.invoices.update(invoice.id, {"number": "INV-2026-7", "days_until_due": 5, "description": "x"})
    assert (changed.total, changed.number) == (100, "INV-2026-7")
    assert changed.due_date == changed.created + 5 * 86_400
    assert client.v1.invoices.delete(invoice.id).deleted
    assert api.get(f"/v1/invoices/{invoice.id}").status_code == 404
    assert api.get("/v1/invoiceitems", invoice=invoice.id).json()["data"] == []


def test_numbers_run_by_customer(client: stripe.StripeClient) -> None:
    customer = new_customer(client, invoice_prefix="NW")
    numbers = [client.v1.invoices.send_invoice(draft(client, customer, 1).id).number for _ in range(2)]
    assert numbers == ["NW-0001", "NW-0002"]


def test_paying(client: stripe.StripeClient, api: Raw) -> None:
    elsewhere = client.v1.invoices.pay(opened(client, 700).id, {"paid_out_of_band": True})
    assert (elsewhere.status, elsewhere.amount_paid, elsewhere.amount_remaining) == ("paid", 700, 0)
    invoice = opened(client, 900)
    assert refusal(stripe.InvalidRequestError, client.v1.invoices.pay, invoice.id)["code"] == "resource_missing"
    declined = refusal(
        stripe.CardError, client.v1.invoices.pay, invoice.id, {"payment_method": "pm_card_visa_chargeDeclined"}
    )
    assert (declined["status"], declined["code"]) == (402, "card_declined")
    assert client.v1.invoices.retrieve(invoice.id).attempt_count == 1, "the failed attempt is kept"
    paid = client.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa", "expand": ["payment_intent"]})
    assert paid["payment_intent"].status == "succeeded"
    assert "already paid" in refusal(stripe.InvalidRequestError, client.v1.invoices.pay, invoice.id)["message"]
    charge = paid["payment_intent"].latest_charge
    refund = client.v1.refunds.create({"charge": charge, "amount": 400})
    assert refund.amount == 400
    assert client.v1.refunds.create({"payment_intent": paid["payment_intent"].id}).amount == 500
    error = refusal(stripe.InvalidRequestError, client.v1.refunds.create, {"charge": charge})
    assert error["code"] == "charge_already_refunded"


def test_nothing_to_pay_is_paid_at_once(client: stripe.StripeClient) -> None:
    credit = opened(client, 100, -150)
    assert (credit.status, credit.amount_due, credit.total) == ("paid", 0, -50)
    assert client.v1.customers.retrieve(str(credit.customer)).balance == -50


def test_voiding_and_writing_off(client: stripe.StripeClient) -> None:
    invoices = client.v1.invoices
    void = invoices.void_invoice(opened(client, 300).id)
    assert void.status == "void"
    assert client.v1.payment_intents.retrieve(void["payment_intent"]).cancellation_reason == "void_invoice"
    written_off = invoices.mark_uncollectible(opened(client, 300).id)
    assert written_off.status == "uncollectible"
    assert invoices.pay(written_off.id, {"paid_out_of_band": True}).status == "paid"
    for call, invoice_id in (
        (invoices.void_invoice, void.id),
        (invoices.void_invoice, written_off.id),
        (invoices.mark_uncollectible, void.id),
        (invoices.pay, void.id),
        (invoices.void_invoice, draft(client, new_customer(client), 1).id),
    ):
        assert refusal(stripe.InvalidRequestError, call, invoice_id)["status"] == 400


ALLOWED = {
    "draft": {"draft", "open", "paid", "gone"},
    "open": {"open", "paid", "void", "uncollectible"},
    "uncollectible": {"uncollectible", "paid", "void"},
    "paid": {"paid"},
    "void": {"void"},
    "gone": {"gone"},
}
STEPS = ("item", "finalize", "send", "pay", "void", "mark_uncollectible", "credit", "delete")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=8))
def test_no_row_of_calls_breaks_an_invoice(url: str, steps: list[str]) -> None:
    api, client = Raw(url), sdk(url)
    customer = new_customer(client)
    invoice_id, status = draft(client, customer, 1000).id, "draft"
    for step in steps:
        take(api, step, customer, invoice_id)
        answer = api.get(f"/v1/invoices/{invoice_id}")
        invoice = answer.json()
        after = invoice["status"] if answer.ok else "gone"
        assert after in ALLOWED[status], f"{step}: {status} became {after}"
        status = after
        if answer.ok:
            check_sums(invoice)


def take(api: Raw, step: str, customer: str, invoice_id: str) -> None:
    if step == "item":
        api.post("/v1/invoiceitems", {"customer": customer, "invoice": invoice_id, "amount": 70})
    elif step == "credit":
        api.post("/v1/credit_notes", {"invoice": invoice_id, "amount": 400, "out_of_band_amount": ""})
    elif step == "delete":
        requests.delete(f"{api.url}/v1/invoices/{invoice_id}", auth=(KEY, ""), timeout=WAIT)
    else:
        api.post(f"/v1/invoices/{invoice_id}/{step}", {"paid_out_of_band": "true"} if step == "pay" else {})


def check_sums(invoice: dict[str, Any]) -> None:
    assert invoice["subtotal"] == sum(line["amount"] for line in invoice["lines"]["data"])
    assert invoice["amount_due"] == invoice["total"] - invoice["pre_payment_credit_notes_amount"]
    assert invoice["amount_remaining"] == invoice["amount_due"] - invoice["amount_paid"]
    assert invoice["paid"] == (invoice["status"] == "paid")


# --- credit notes ---


def test_credit_notes_lower_what_is_due_and_can_be_taken_back(client: stripe.StripeClient) -> None:
    rate = client.v1.tax_rates.create({"display_name": "VAT", "inclusive": False, "percentage": 19}).id
    invoice = opened(client, 1000, 500, default_tax_rates=[rate])
    line = {"type": "invoice_line_item", "invoice_line_item": invoice.lines.data[0].id, "amount": 250}
    request: Any = {"invoice": invoice.id, "lines": [line], "reason": "order_change"}
    assert client.v1.credit_notes.preview(request).total == 298
    note = client.v1.credit_notes.create(request)
    assert (note.subtotal, note.total, note.type) == (250, 298, "pre_payment")
    assert note.number == f"{invoice.number}-CN-01"
    reread = client.v1.invoices.retrieve(invoice.id)
    assert (reread.total, reread.amount_due) == (1785, 1487)
    assert client.v1.credit_notes.void_credit_note(note.id).status == "void"
    assert client.v1.invoices.retrieve(invoice.id).amount_due == 1785
    refusal(stripe.InvalidRequestError, client.v1.credit_notes.void_credit_note, note.id)
    refusal(stripe.InvalidRequestError, client.v1.credit_notes.create, {"invoice": invoice.id, "amount": 1786})
    client.v1.credit_notes.create({"invoice": invoice.id, "amount": 1785})
    assert client.v1.invoices.retrieve(invoice.id).status == "paid"
    assert len(client.v1.credit_notes.list({"invoice": invoice.id}).data) == 2


def test_credit_after_payment_must_be_given_back(client: stripe.StripeClient) -> None:
    paid = client.v1.invoices.pay(opened(client, 1000).id, {"payment_method": "pm_card_visa"})
    refusal(stripe.InvalidRequestError, client.v1.credit_notes.create, {"invoice": paid.id, "amount": 600})
    note = client.v1.credit_notes.create(
        {"invoice": paid.id, "amount": 600, "refund_amount": 250, "credit_amount": 250, "out_of_band_amount": 100}
    )
    assert note.type == "post_payment"
    assert client.v1.refunds.retrieve(note["refund"]).amount == 250
    assert client.v1.customers.retrieve(str(paid.customer)).balance == -250
    assert client.v1.invoices.retrieve(paid.id).post_payment_credit_notes_amount == 600
    over = {"invoice": paid.id, "amount": 401, "out_of_band_amount": 401}
    refusal(stripe.InvalidRequestError, client.v1.credit_notes.create, over)
    not_final = {"invoice": draft(client, str(paid.customer), 5).id, "amount": 1}
    refusal(stripe.InvalidRequestError, client.v1.credit_notes.create, not_final)


# --- idempotency and faults ---


def test_a_key_repeats_the_first_answer(api: Raw) -> None:
    before = api.count("customer")
    first = api.post("/v1/customers", {"name": "K", "metadata[a]": "1"}, key="repeat")
    again = api.post("/v1/customers", {"metadata[a]": "1", "name": "K"}, key="repeat")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    assert api.count("customer") == before + 1


@pytest.mark.parametrize(("path", "form"), [("/v1/customers", {"name": "other"}), ("/v1/products", {"name": "first"})])
def test_a_key_is_for_one_request_only(client: stripe.StripeClient, api: Raw, path: str, form: dict[str, str]) -> None:
    api.post("/v1/customers", {"name": "first"}, key="one-request")
    answer = api.post(path, form, key="one-request")
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "idempotency_error"
    with pytest.raises(stripe.IdempotencyError):
        client.v1.products.create({"name": "first"}, {"idempotency_key": "one-request"})


def test_validation_leaves_a_key_unused_and_a_refusal_in_execution_does_not(api: Raw) -> None:
    assert api.post("/v1/customers", {"email": "bad"}, key="unused").status_code == 400
    assert api.post("/v1/customers", {"email": "good@mail.example"}, key="unused").status_code == 200
    path = "/v1/invoices/in_missing/pay"
    assert api.post(path, key="spent").status_code == 404
    assert api.post(path, key="spent").headers["Idempotent-Replayed"] == "true"


def test_a_key_in_flight_is_refused(api: Raw) -> None:
    api.fault("POST /v1/customers", "slow", delay=600)
    before = calls_of(api, "POST /v1/customers")
    threading.Thread(target=hang, args=(api, "flight"), daemon=True).start()
    while calls_of(api, "POST /v1/customers") == before:
        pass
    answer = api.post("/v1/customers", {"name": "S"}, key="flight")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "idempotency_key_in_use"
    assert api.post("/v1/customers", {"name": "S"}, key="another").status_code == 200


def calls_of(api: Raw, operation: str) -> int:
    return int(requests.get(f"{api.url}/_sandbox/requests", timeout=WAIT).json().get(operation, 0))


def hang(api: Raw, key: str) -> None:
    with suppress(requests.RequestException):
        requests.post(f"{api.url}/v1/customers", {"name": "S"}, headers={"Idempotency-Key": key}, auth=(KEY, ""))


def test_a_lost_answer_is_found_again_by_its_key(api: Raw) -> None:
    api.fault("POST /v1/customers", "reset_after")
    before = api.count("customer")
    with pytest.raises(requests.ConnectionError):
        api.post("/v1/customers", {"name": "lost"}, key="lost")
    assert api.post("/v1/customers", {"name": "lost"}, key="lost").headers["Idempotent-Replayed"] == "true"
    assert api.count("customer") == before + 1


def test_without_a_key_a_lost_answer_doubles(api: Raw) -> None:
    api.fault("POST /v1/customers", "reset_after")
    before = api.count("customer")
    with pytest.raises(requests.ConnectionError):
        api.post("/v1/customers", {"name": "twice"})
    api.post("/v1/customers", {"name": "twice"})
    assert api.count("customer") == before + 2


@pytest.mark.parametrize(("fault", "made"), [("status", 0), ("status_after_effect", 1)])
def test_a_500_is_stored_and_repeated_for_ever(api: Raw, fault: str, made: int) -> None:
    body = {"error": {"type": "api_error", "message": "sorry"}}
    api.fault("POST /v1/customers", fault, status=500, body=body)
    before = api.count("customer")
    for _ in range(3):
        answer = api.post("/v1/customers", {"name": "E"}, key=f"stored-{fault}")
        assert (answer.status_code, answer.json()) == (500, body)
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert api.count("customer") == before + made


def test_faults_at_the_edge_leave_a_key_unused(api: Raw, client: stripe.StripeClient) -> None:
    before = api.count("customer")
    api.fault("POST /v1/customers", "status", status=503)
    assert api.post("/v1/customers", {"name": "V"}, key="edge").status_code == 503
    api.fault("POST /v1/customers", "rate_limit", times=2)
    assert api.post("/v1/customers", {"name": "V"}, key="edge").status_code == 429
    refusal(stripe.RateLimitError, client.v1.customers.create, {"name": "V"})
    api.fault("POST /v1/customers", "unauthorized")
    refusal(stripe.AuthenticationError, client.v1.customers.create, {"name": "V"})
    api.fault("POST /v1/customers", "refuse_before")
    with pytest.raises(requests.ConnectionError):
        api.post("/v1/customers", {"name": "V"}, key="edge")
    assert api.count("customer") == before
    assert api.post("/v1/customers", {"name": "V"}, key="edge").status_code == 200


def test_the_sdks_own_retry_survives_a_lost_answer(url: str, api: Raw) -> None:
    api.fault("POST /v1/customers", "reset_after")
    before = api.count("customer")
    retrying = stripe.StripeClient(KEY, base_addresses={"api": url}, max_network_retries=2)
    assert retrying.v1.customers.create({"name": "R"}).name == "R"
    assert api.count("customer") == before + 1


def test_keys_and_ids_outlive_a_restart_and_pruning_forgets_them(tmp_path: Path, seed: Path) -> None:
    made = []
    for _ in range(2):
        with sandbox.serve(tmp_path, systems=["stripe"], seed_dir=seed) as endpoints:
            made.append(Raw(endpoints["stripe"]).post("/v1/customers", {"name": "P"}, key="kept").json())
    assert made[0] == made[1]
    with sandbox.serve(tmp_path, systems=["stripe"], seed_dir=seed) as endpoints:
        api = Raw(endpoints["stripe"])
        assert api.control("prune_idempotency") == {"pruned": 1}
        assert api.post("/v1/customers", {"name": "P"}, key="kept").json()["id"] != made[0]["id"]


# --- events and webhooks ---


@contextmanager
def receiver(*statuses: int) -> Iterator[tuple[str, "queue.Queue[tuple[str, bytes]]"]]:
    """A webhook endpoint that answers these statuses in turn, then 200."""
    received: queue.Queue[tuple[str, bytes]] = queue.Queue()
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(left.pop(0) if left else 200)
            self.end_headers()
            received.put((self.headers["Stripe-Signature"], body))

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", received
    finally:
        server.shutdown()
        server.server_close()


def test_events_tell_each_step(client: stripe.StripeClient) -> None:
    invoice = client.v1.invoices.send_invoice(draft(client, new_customer(client), 100).id)
    client.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    events = [event for event in client.v1.events.list({"type": "invoice.*", "limit": 50}).data][::-1]
    of_invoice = [event.type for event in events if event.data.object["id"] == invoice.id]
    assert of_invoice == [
        "invoice.created",
        "invoice.updated",
        "invoice.finalized",
        "invoice.sent",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    finalizing = next(
        event for event in events if event.type == "invoice.updated" and event.data.object["id"] == invoice.id
    )
    assert finalizing.data.previous_attributes is not None
    assert finalizing.data.previous_attributes["status"] == "draft"
    moments = [event.created for event in events]
    assert moments == sorted(set(moments))


def test_a_webhook_is_signed_and_carries_the_event(client: stripe.StripeClient) -> None:
    with receiver() as (hook, received):
        endpoint = client.v1.webhook_endpoints.create({"url": hook, "enabled_events": ["customer.created"]})
        assert endpoint.secret is not None
        assert endpoint.secret.startswith("whsec_")
        customer = new_customer(client)
        client.v1.customers.update(customer, {"name": "not asked for"})
        signature, body = received.get(timeout=WAIT)
        event = client.construct_event(body, signature, endpoint.secret)
        assert (event.type, event.data.object["id"]) == ("customer.created", customer)
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(body.replace(b"cus_", b"cus-"), signature, endpoint.secret)
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(body, signature, "whsec_wrong")
        assert client.v1.webhook_endpoints.list().data[0]["id"] == endpoint.id
        assert "secret" not in client.v1.webhook_endpoints.retrieve(endpoint.id)
        client.v1.webhook_endpoints.delete(endpoint.id)
        new_customer(client)
    assert received.empty()


def test_a_failed_delivery_is_tried_again_by_itself(client: stripe.StripeClient, api: Raw) -> None:
    with receiver(500) as (hook, received):
        endpoint = api.control(
            "webhook_endpoints", {"url": hook, "enabled_events": ["product.*"], "secret": "whsec_mine"}
        )
        client.v1.products.create({"name": "retried"})
        first, second = received.get(timeout=WAIT), received.get(timeout=WAIT)
        assert first[1] == second[1]
        assert client.construct_event(second[1], second[0], "whsec_mine").type == "product.created"
        client.v1.webhook_endpoints.delete(endpoint["id"])


def test_forced_delivery_answers_counts(client: stripe.StripeClient, api: Raw) -> None:
    with receiver(*[500] * 8) as (hook, received):
        endpoint = client.v1.webhook_endpoints.create({"url": hook, "enabled_events": ["price.created"]})
        product = client.v1.products.create({"name": "forced"}).id
        for amount in (1, 2):
            client.v1.prices.create({"product": product, "currency": "usd", "unit_amount": amount})
        while (counts := api.control("deliver_events"))["pending"]:
            assert counts["failed"] > 0
        bodies = [json.loads(received.get(timeout=WAIT)[1]) for _ in range(10)]
        assert len({body["id"] for body in bodies}) == 2
        events = client.v1.events.list({"type": "price.created", "limit": 2}).data
        assert [event.pending_webhooks for event in events] == [0, 0]
        client.v1.webhook_endpoints.delete(endpoint.id)


# --- the vendor's contract ---


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    folder = os.environ.get("HUB_SPEC_DIR")
    if not folder:
        pytest.skip("HUB_SPEC_DIR does not name the folder of vendor contracts")
    text = gzip.decompress((Path(folder) / "stripe" / "spec3.yaml.gz").read_bytes())
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, Any] = yaml.load(text, loader)
    assert document["info"]["version"] == API_VERSION
    return document


def json_schema(schema: Any) -> Any:
    """Turn OpenAPI 3.0 into JSON Schema: `nullable` becomes a choice with null."""
    if isinstance(schema, list):
        return [json_schema(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: json_schema(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


@pytest.fixture(scope="module")
def schemas(contract: dict[str, Any]) -> dict[str, Any]:
    return {"components": {"schemas": json_schema(contract["components"]["schemas"])}}


class Checked(Raw):
    """Requests whose answers are held against the vendor's description of that endpoint."""

    def __init__(self, url: str, contract: dict[str, Any], schemas: dict[str, Any]) -> None:
        super().__init__(url)
        self._paths, self._schemas = contract["paths"], schemas
        self.kinds: set[str] = set()

    def __call__(self, method: str, template: str, *ids: str, http: Any = 200, **form: Any) -> Any:
        path = template
        for object_id in ids:
            path = re.sub(r"\{\w+\}", object_id, path, count=1)
        query, body = (form, None) if method == "get" else (None, form)
        target = f"{self.url}{path}"
        answer = requests.request(method, target, params=query, data=body, auth=(KEY, ""), timeout=WAIT)
        assert answer.status_code == http, answer.text
        body = answer.json()
        self.check(self._answer_schema(method, template, http), body)
        return body

    def check(self, schema: Any, body: Any) -> None:
        errors = [f"{error.json_path}: {error.message[:300]}" for error in self.errors(schema, body)]
        assert not errors
        self.kinds.add(str(body.get("object", "error")))

    def errors(self, schema: Any, body: Any) -> Iterator[Any]:
        return Draft202012Validator({**self._schemas, **json_schema(schema)}).iter_errors(body)

    def _answer_schema(self, method: str, template: str, status: int) -> Any:
        responses = self._paths[template][method]["responses"]
        return responses.get(str(status), responses["default"])["content"]["application/json"]["schema"]


@pytest.fixture
def checked(url: str, contract: dict[str, Any], schemas: dict[str, Any]) -> Checked:
    return Checked(url, contract, schemas)


@pytest.mark.spec
def test_catalogue_and_customers_fit_the_contract(checked: Checked) -> None:
    form = {"name": "N", "email": "n@n.example", "address[city]": "Berlin", "tax_id_data[0][type]": "eu_vat"}
    customer = checked("post", "/v1/customers", **form, **{"tax_id_data[0][value]": "DE123456789"})["id"]
    checked("post", "/v1/customers/{customer}", customer, description="x")
    checked("get", "/v1/customers/search", query="email:'n@n.example'")
    checked("get", "/v1/customers", email="n@n.example")
    checked("delete", "/v1/customers/{customer}", customer)
    checked("get", "/v1/customers/{customer}", customer)
    checked("post", "/v1/customers/{customer}", customer, http=404, name="x")
    product = checked("post", "/v1/products", name="P")["id"]
    checked("post", "/v1/products/{id}", product, active="false")
    checked("get", "/v1/products")
    checked("post", "/v1/prices", product=product, currency="jpy", unit_amount="100")
    checked("post", "/v1/prices", product=product, currency="usd", unit_amount_decimal="0.25")
    checked("get", "/v1/prices", product=product)
    checked("post", "/v1/tax_rates", display_name="VAT", inclusive="false", percentage="8.875")
    checked("get", "/v1/tax_rates")
    assert {"customer", "product", "price", "tax_rate", "list", "search_result", "error"} <= checked.kinds


@pytest.mark.spec
def test_invoices_fit_the_contract_in_every_state(checked: Checked, client: stripe.StripeClient) -> None:
    customer = new_customer(client, tax_id_data=[{"type": "eu_vat", "value": "DE123456789"}])
    rate = checked("post", "/v1/tax_rates", display_name="VAT", inclusive="true", percentage="19")["id"]
    product = checked("post", "/v1/products", name="P")["id"]
    price = checked("post", "/v1/prices", product=product, currency="usd", unit_amount="5")["id"]
    made: list[str] = []
    for _ in range(5):
        terms = {"collection_method": "send_invoice", "days_until_due": "30", "default_tax_rates[0]": rate}
        made.append(checked("post", "/v1/invoices", customer=customer, **terms)["id"])
        item: Any = {"customer": customer, "invoice": made[-1]}
        checked("post", "/v1/invoiceitems", **item, amount="1000", description="A", **{"metadata[k]": "v"})
        checked("post", "/v1/invoiceitems", **item, price=price, quantity="3")
    deleted, voided, charged, written_off, elsewhere = made
    spare = checked("post", "/v1/invoiceitems", customer=customer, amount="5", currency="usd")["id"]
    checked("get", "/v1/invoiceitems", customer=customer)
    checked("get", "/v1/invoiceitems/{invoiceitem}", spare)
    checked("delete", "/v1/invoiceitems/{invoiceitem}", spare)
    checked("post", "/v1/invoices/{invoice}", deleted, description="changed")
    checked("delete", "/v1/invoices/{invoice}", deleted)
    for invoice in made[1:]:
        checked("post", "/v1/invoices/{invoice}/finalize", invoice)
        checked("post", "/v1/invoices/{invoice}/send", invoice)
    checked("post", "/v1/invoices/{invoice}/void", voided)
    checked("post", "/v1/invoices/{invoice}/pay", charged, http=402, payment_method="pm_card_visa_chargeDeclined")
    checked("post", "/v1/invoices/{invoice}/pay", charged, payment_method="pm_card_visa")
    checked("post", "/v1/invoices/{invoice}/mark_uncollectible", written_off)
    checked("post", "/v1/invoices/{invoice}/pay", elsewhere, paid_out_of_band="true")
    checked("post", "/v1/invoices/{invoice}/void", voided, http=400)
    for invoice in made[1:]:
        checked("get", "/v1/invoices/{invoice}/lines", invoice)
        expand = {"expand[0]": "customer", "expand[1]": "payment_intent", "expand[2]": "charge"}
        checked("get", "/v1/invoices/{invoice}", invoice, **expand)
    checked("get", "/v1/invoices", customer=customer, status="paid")
    checked("get", "/v1/invoices/search", query="total>0")


@pytest.mark.spec
def test_credit_notes_payments_and_events_fit_the_contract(checked: Checked, client: stripe.StripeClient) -> None:
    invoice = opened(client, 1000, 500)
    line = {"lines[0][type]": "invoice_line_item", "lines[0][invoice_line_item]": invoice.lines.data[0].id}
    custom = {"lines[1][type]": "custom_line_item", "lines[1][unit_amount]": "20", "lines[1][description]": "Service"}
    request = {"invoice": invoice.id, **line, "lines[0][quantity]": "1", **custom}
    checked("get", "/v1/credit_notes/preview", **request)
    note = checked("post", "/v1/credit_notes", **request)["id"]
    checked("get", "/v1/credit_notes/{credit_note}/lines", note)
    checked("post", "/v1/credit_notes/{id}/void", note)
    intent = checked("post", "/v1/invoices/{invoice}/pay", invoice.id, payment_method="pm_card_visa")["payment_intent"]
    checked("post", "/v1/credit_notes", invoice=invoice.id, amount="100", refund_amount="100")
    checked("get", "/v1/credit_notes", invoice=invoice.id)
    checked("post", "/v1/refunds", payment_intent=intent, amount="50", reason="duplicate")
    checked("get", "/v1/refunds", payment_intent=intent)
    charge = checked("get", "/v1/payment_intents/{intent}", intent, **{"expand[]": "latest_charge"})["latest_charge"]
    checked("get", "/v1/charges/{charge}", charge["id"])
    endpoint = checked("post", "/v1/webhook_endpoints", url="http://127.0.0.1:9/x", **{"enabled_events[]": "none.such"})
    checked("get", "/v1/webhook_endpoints")
    checked("delete", "/v1/webhook_endpoints/{webhook_endpoint}", endpoint["id"])
    events = checked("get", "/v1/events", limit="100")["data"]
    for event in events:
        checked("get", "/v1/events/{id}", event["id"])
        checked.check({"$ref": f"#/components/schemas/{event['data']['object']['object']}"}, event["data"]["object"])
    assert {"credit_note", "payment_intent", "charge", "refund", "event", "webhook_endpoint"} <= checked.kinds


@pytest.mark.spec
def test_the_contract_check_can_fail(checked: Checked, client: stripe.StripeClient) -> None:
    invoice = checked.get(f"/v1/invoices/{opened(client, 5).id}").json()
    schema = {"$ref": "#/components/schemas/invoice"}
    assert not list(checked.errors(schema, invoice))
    for damage in ({"amount_due": "5"}, {"status": "finalized"}, {"currency": None}, {"due_date": 1.5}):
        assert list(checked.errors(schema, {**invoice, **damage}))


LATER = {"number", "pricing"}
"""Parameters newer than the contract, taken from the SDK's typed parameters."""


@pytest.mark.spec
def test_every_parameter_is_the_vendors(contract: dict[str, Any]) -> None:
    described = {re.sub(r"\{\w+\}", "{id}", path): operations for path, operations in contract["paths"].items()}
    unknown = {}
    for endpoint in ENDPOINTS:
        if endpoint.path == "/v1/invoices/{id}/lines/{line}":
            continue
        operation = described[endpoint.path][endpoint.method.lower()]
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        form = operation.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded", {})
        names |= set(form.get("schema", {}).get("properties", {}))
        if extra := endpoint.fields - names - LATER:
            unknown[f"{endpoint.method} {endpoint.path}"] = sorted(extra)
    assert not unknown
