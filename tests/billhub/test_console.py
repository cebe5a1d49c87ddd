"""The console: what people see is what the store holds, and what they do is checked again on the server."""

import os
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from httpx import Response
from lxml import html
from sqlalchemy import select, update

from billhub import audit, exceptions
from billhub.billing import plan
from billhub.console import NotSignedInError, User, create_app
from billhub.console.access import form_token
from billhub.flows import load_flows
from billhub.hub import Hub
from billhub.overview import overview
from billhub.steps import run_flow
from billhub.store import documents, landed
from billhub.store.engine import reading, transaction
from billhub.store.schema import approvals, intents, invoices
from billhub.store.schema import audit as audit_table
from billhub.store.schema import exceptions as exception_table
from canonical_model.catalog import identity
from canonical_model.contracts import Contract, ContractLine
from canonical_model.encoding import content_hash, encode
from canonical_model.money import Money
from canonical_model.parties import Address, Customer
from canonical_model.violations import Violation
from connectors.contract import Page, RawRecord

SECRET = "the console's secret in tests"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
DAY = "2026-01-12 08:26:00"
ORDERS = (
    f"900001,71053,LANTERN,60000,{DAY},3.39,17850.0,United Kingdom",  # above the approval limit
    f"900002,71053,LANTERN <b>RED</b>,6,{DAY},2.55,17850.0,United Kingdom",
    f"900003,71053,LANTERN,2,{DAY},3.39,,United Kingdom",  # held: no customer
    f"C900004,71053,LANTERN,-1,{DAY},27.50,14527.0,United Kingdom",
)
WAITING, RELEASED, HELD = "order_900001", "order_900002", "order_900003"
APPROVE = f"/api/approvals/{WAITING}/approve"
PAGES = (
    "/",
    "/invoices",
    f"/invoices/{WAITING}",
    f"/invoices/{RELEASED}",
    f"/invoices/{HELD}",
    "/exceptions",
    "/exceptions/1",
    "/approvals",
)


def user_of(request: Request) -> User:
    """Who the test says is asking; vic is the viewer."""
    name = request.headers.get("x-user")
    if not name:
        raise NotSignedInError("nobody is signed in")
    return User(username=name, may_act=name != "vic")


class Browser:
    """A person's requests to the console, mounted below /billing-hub as in Airflow."""

    def __init__(self, client: TestClient, user: str | None) -> None:
        self.client, self.user = client, user

    def get(self, path: str, **headers: str) -> Response:
        return self.client.get(f"/billing-hub{path}", headers=self.headers(headers), follow_redirects=False)

    def page(self, path: str) -> html.HtmlElement:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return html.document_fromstring(answer.text)

    def api(self, path: str, body: Any = None, **headers: str) -> Response:
        """A POST with a bearer token."""
        given = self.headers({"authorization": "Bearer one", **headers})
        return self.client.post(f"/billing-hub{path}", json={} if body is None else body, headers=given)

    def send(self, path: str, fields: dict[str, str], **headers: str) -> Response:
        """A form of the console's own pages."""
        given = self.headers({"origin": "http://testserver", **headers})
        return self.client.post(f"/billing-hub{path}", data=fields, headers=given, follow_redirects=False)

    def token(self) -> str:
        return form_token(SECRET, User(username=self.user or "", may_act=True))

    def headers(self, more: dict[str, str]) -> dict[str, str]:
        return {
            **({"x-user": self.user} if self.user else {}),
            **{name.replace("_", "-"): value for name, value in more.items()},
        }


@pytest.fixture
def filled(hub: Hub, tmp_path: Path, database_url: str) -> Hub:
    """Four orders of olive, taken through sync and release: one waits for approval, two are released, one is held."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join((HEADER, *ORDERS)) + "\n")
    os.environ["AIRFLOW_CONN_BILLHUB_ONLINE_RETAIL"] = f'{{"conn_type": "billhub_online_retail", "host": "{file}"}}'
    os.environ["AIRFLOW_CONN_BILLHUB_TAX_TABLE"] = '{"conn_type": "billhub_tax_table"}'
    for flow in ("retail_orders", "invoice_release"):
        run_flow(hub, load_flows()[flow])
    os.environ["HUB_DATABASE_URL"] = database_url
    os.environ["HUB_AS_OF"] = "2026-01-15"
    return hub


@pytest.fixture
def browse(filled: Hub) -> Callable[[str | None], Browser]:
    outer = FastAPI()
    outer.mount(
        "/billing-hub", create_app(user_of=user_of, login_url=lambda path: f"/login?next={path}", secret=SECRET)
    )
    client = TestClient(outer)
    return lambda user: Browser(client, user)


@pytest.fixture
def uma(browse: Callable[[str | None], Browser]) -> Browser:
    """An operator who did not create anything."""
    return browse("uma")


def one(hub: Hub, table: Any, column: str, value: object) -> Any:
    with reading(hub.engine) as connection:
        return connection.execute(select(table).where(table.c[column] == value)).mappings().one()


def set_state(hub: Hub, invoice_id: str, state: str) -> None:
    with transaction(hub.engine) as connection:
        connection.execute(update(invoices).where(invoices.c.invoice_id == invoice_id).values(state=state))


def error(answer: Response) -> dict[str, str]:
    problem: dict[str, str] = answer.json()["error"]
    assert set(problem) == {"message", "record", "field", "rule", "next_step"}
    assert problem["message"]
    assert problem["next_step"]
    return problem


class TestReading:
    def test_the_summary_is_the_overview(self, filled: Hub, uma: Browser) -> None:
        with reading(filled.engine) as connection:
            assert uma.get("/api/summary").content == encode(overview(connection, filled))

    def test_invoices_by_state_and_entity(self, uma: Browser) -> None:
        def ids(query: str) -> list[str]:
            return [item["invoice_id"] for item in uma.get(f"/api/invoices?{query}").json()["items"]]

        assert ids("state=held") == [HELD]
        assert ids("state=held&state=awaiting_approval") == [HELD, WAITING]
        assert ids("entity=US") == []
        assert len(ids("entity=UK")) == 4

    def test_invoices_page_by_page(self, uma: Browser) -> None:
        first = uma.get("/api/invoices?limit=3").json()
        rest = uma.get("/api/invoices?limit=3&offset=3").json()
        assert (first["total"], len(first["items"]), len(rest["items"])) == (4, 3, 1)
        assert len({item["invoice_id"] for item in first["items"] + rest["items"]}) == 4

    def test_one_invoice_by_number_and_by_identifier(self, filled: Hub, uma: Browser) -> None:
        number = one(filled, invoices, "invoice_id", RELEASED)["number"]
        by_number = uma.get(f"/api/invoices/{number}")
        assert by_number.json()["invoice"]["totals"]["payable"] == {"amount": "18.36", "currency": "GBP"}
        assert by_number.content == uma.get(f"/api/invoices/{RELEASED}").content

    def test_exceptions_by_category_and_owner(self, uma: Browser) -> None:
        found = uma.get("/api/exceptions?category=missing_customer&owner=master-data").json()
        assert (found["total"], found["items"][0]["invoice_id"]) == (1, HELD)
        assert uma.get("/api/exceptions?owner=tax-desk").json()["total"] == 0
        assert uma.get("/api/exceptions?state=resolved").json()["total"] == 0

    def test_what_waits_for_approval(self, uma: Browser) -> None:
        [asked] = uma.get("/api/approvals").json()["items"]
        assert (asked["invoice_id"], asked["created_by"], asked["gross"]["amount"]) == (WAITING, "olive", "244080.00")
        assert uma.get("/api/approvals?state=approved").json()["items"] == []

    def test_the_api_describes_itself_behind_the_gate(
        self, uma: Browser, browse: Callable[[str | None], Browser]
    ) -> None:
        assert "/api/summary" in uma.get("/api/openapi.json").json()["paths"]
        assert browse(None).get("/api/openapi.json").status_code == 401

    @pytest.mark.parametrize("path", ["/api/invoices/none", "/invoices/none"])
    def test_an_unknown_invoice(self, uma: Browser, path: str) -> None:
        answer = uma.get(path)
        assert answer.status_code == 404
        assert "none" in answer.text

    @pytest.mark.parametrize(
        ("query", "field"), [("limit=0", "limit"), ("offset=-1", "offset"), ("as_of=soon", "as_of")]
    )
    def test_bad_queries_name_the_field(self, uma: Browser, query: str, field: str) -> None:
        answer = uma.get(f"/api/invoices?{query}")
        assert (answer.status_code, error(answer)["field"]) == (422, field)


class TestAccess:
    @pytest.mark.parametrize("path", [*PAGES, "/console.css"])
    def test_anonymous_pages_lead_to_the_login_and_back(
        self, browse: Callable[[str | None], Browser], path: str
    ) -> None:
        answer = browse(None).get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next=/billing-hub{path}")

    def test_anonymous_calls_are_refused(self, browse: Callable[[str | None], Browser]) -> None:
        assert error(browse(None).get("/api/summary"))["rule"] == "signed_in"
        assert browse(None).api(APPROVE).status_code == 401

    def test_an_anonymous_form_leads_to_the_first_page(self, browse: Callable[[str | None], Browser]) -> None:
        answer = browse(None).send(f"/approvals/{WAITING}/approve", {})
        assert answer.headers["location"] == "/login?next=/billing-hub/"

    @pytest.mark.parametrize("path", PAGES)
    def test_a_viewer_reads_and_sees_no_buttons(self, browse: Callable[[str | None], Browser], path: str) -> None:
        assert browse("vic").page(path).xpath("//form[@method='post']") == []

    @pytest.mark.parametrize(
        "path", [APPROVE, "/api/exceptions/1/retry", "/approvals/x/approve", "/exceptions/1/resolve"]
    )
    def test_a_viewer_changes_nothing(self, browse: Callable[[str | None], Browser], path: str) -> None:
        vic = browse("vic")
        assert vic.api(path).status_code == 403
        assert vic.send(path, {"token": vic.token(), "content_hash": "x", "reason": "x"}).status_code == 403

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"origin": "https://elsewhere.example"},
            {"origin": "null"},
            {"sec_fetch_site": "cross-site", "origin": "http://testserver"},
            {"sec_fetch_site": "same-site", "origin": "http://testserver"},
            {"authorization": "Basic eDp5"},
            {"authorization": "Bearer "},
        ],
    )
    def test_a_cookie_counts_only_from_our_own_pages(self, filled: Hub, uma: Browser, headers: dict[str, str]) -> None:
        answer = uma.client.post(f"/billing-hub{APPROVE}", json={}, headers=uma.headers(headers))
        assert (answer.status_code, error(answer)["rule"]) == (403, "same_origin")
        assert one(filled, invoices, "invoice_id", WAITING)["state"] == "awaiting_approval"

    @pytest.mark.parametrize("headers", [{"origin": "http://testserver"}, {"sec_fetch_site": "same-origin"}])
    def test_our_own_pages_may_call_the_api(self, uma: Browser, headers: dict[str, str]) -> None:
        assert uma.client.post(f"/billing-hub{APPROVE}", json={}, headers=uma.headers(headers)).status_code == 200

    @pytest.mark.parametrize("made_for", [None, "olive", "vic"])
    def test_a_form_needs_the_users_own_token(self, filled: Hub, uma: Browser, made_for: str | None) -> None:
        token = form_token(SECRET, User(username=made_for, may_act=True)) if made_for else "made up"
        answer = uma.send(f"/approvals/{WAITING}/approve", {"token": token, "content_hash": "x"})
        assert answer.status_code == 403
        assert "too old" in answer.text
        assert one(filled, invoices, "invoice_id", WAITING)["state"] == "awaiting_approval"

    def test_a_token_of_another_secret_is_no_token(self, uma: Browser) -> None:
        token = form_token("another secret", User(username="uma", may_act=True))
        assert uma.send("/exceptions/1/retry", {"token": token}).status_code == 403

    @pytest.mark.parametrize("path", ["/", "/api/summary", "/invoices/none", "/console.css"])
    def test_nothing_is_cached_or_framed_elsewhere(self, uma: Browser, path: str) -> None:
        headers = uma.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'self'" in headers["content-security-policy"]


class TestDeciding:
    def test_a_second_person_approves(self, filled: Hub, uma: Browser) -> None:
        answer = uma.api(APPROVE, {"comment": "checked against the order", "as_of": "2026-01-16"})
        assert answer.status_code == 200
        decided = answer.json()
        assert (decided["state"], decided["decided_by"], decided["decided_on"]) == ("approved", "uma", "2026-01-16")
        assert one(filled, invoices, "invoice_id", WAITING)["state"] == "ready"
        entry = one(filled, audit_table, "action", "approval.approved")
        assert (entry["actor"], entry["subject"]) == ("uma", WAITING)
        assert entry["at"] == "2026-01-15T00:00:00Z"  # HUB_AS_OF's, whatever business date the caller names
        with reading(filled.engine) as connection:
            assert audit.first_broken(connection) is None

    def test_the_audit_shows_the_true_instant(self, filled: Hub, uma: Browser) -> None:
        del os.environ["HUB_AS_OF"]
        uma.api(APPROVE, {"as_of": "2026-01-15"})
        assert one(filled, audit_table, "action", "approval.approved")["at"] > "2026-01-16"

    def test_a_second_person_rejects(self, filled: Hub, uma: Browser) -> None:
        assert uma.api(f"/api/approvals/{WAITING}/reject", {"comment": "wrong price"}).json()["state"] == "rejected"
        assert one(filled, invoices, "invoice_id", WAITING)["state"] == "rejected"

    @pytest.mark.parametrize("verb", ["approve", "reject"])
    def test_the_creator_is_refused(self, filled: Hub, browse: Callable[[str | None], Browser], verb: str) -> None:
        answer = browse("olive").api(f"/api/approvals/{WAITING}/{verb}")
        assert (answer.status_code, error(answer)["rule"], error(answer)["record"]) == (403, "four_eyes", WAITING)
        assert one(filled, approvals, "invoice_id", WAITING)["state"] == "pending"

    def test_a_decision_is_given_once(self, uma: Browser, browse: Callable[[str | None], Browser]) -> None:
        uma.api(APPROVE)
        for again in (uma.api(APPROVE), browse("ada").api(f"/api/approvals/{WAITING}/reject")):
            assert (again.status_code, error(again)["rule"]) == (409, "awaiting_approval")

    def test_nothing_waits(self, uma: Browser) -> None:
        answer = uma.api(f"/api/approvals/{HELD}/approve")
        assert (answer.status_code, error(answer)["record"]) == (409, HELD)

    def test_an_unknown_invoice(self, uma: Browser) -> None:
        answer = uma.api("/api/approvals/none/approve")
        assert (answer.status_code, error(answer)["record"]) == (404, "none")

    @pytest.mark.parametrize("state", ["draft", "withdrawn", "held"])
    def test_an_old_question_about_an_invoice_that_moved_on(self, filled: Hub, uma: Browser, state: str) -> None:
        """The question may still stand when the draft was changed or withdrawn; its answer must not bring the invoice back."""
        set_state(filled, WAITING, state)
        assert uma.get("/api/approvals").json()["items"] == []
        assert WAITING not in uma.get("/approvals").text
        assert uma.api(APPROVE).status_code == 409
        assert one(filled, invoices, "invoice_id", WAITING)["state"] == state

    def test_only_what_was_shown_is_approved(self, filled: Hub, uma: Browser) -> None:
        answer = uma.api(APPROVE, {"content_hash": "0" * 64})
        assert (answer.status_code, error(answer)["rule"]) == (409, "content_hash")
        asked = one(filled, approvals, "invoice_id", WAITING)
        assert uma.api(APPROVE, {"content_hash": asked["content_hash"]}).status_code == 200

    @pytest.mark.parametrize(
        ("body", "field"), [({"as_of": "soon"}, "as_of"), ({"coment": "x"}, "coment"), ({"comment": 7}, "comment")]
    )
    def test_bad_bodies_name_the_field(self, uma: Browser, body: dict[str, object], field: str) -> None:
        answer = uma.api(APPROVE, body)
        assert (answer.status_code, error(answer)["field"]) == (422, field)

    def test_the_buttons_of_a_page_decide(self, filled: Hub, uma: Browser) -> None:
        [form] = uma.page(f"/invoices/{WAITING}").xpath("//form[contains(@class, 'decide')]")
        fields = {name: value or "" for name, value in form.fields.items()} | {"comment": "fine"}
        answer = uma.send(form.action.removeprefix("/billing-hub"), fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/billing-hub/approvals?done=approved")
        assert "Approved." in uma.get("/approvals?done=approved").text
        assert one(filled, approvals, "invoice_id", WAITING)["comment"] == "fine"

    def test_the_other_button_rejects(self, filled: Hub, uma: Browser) -> None:
        [form] = uma.page("/approvals").xpath("//form[contains(@class, 'decide')]")
        [target] = form.xpath(".//button/@formaction")
        uma.send(target.removeprefix("/billing-hub"), {name: value or "" for name, value in form.fields.items()})
        assert one(filled, invoices, "invoice_id", WAITING)["state"] == "rejected"

    @pytest.mark.parametrize("path", ["/approvals", f"/invoices/{WAITING}"])
    def test_the_creator_sees_no_buttons(self, browse: Callable[[str | None], Browser], path: str) -> None:
        page = browse("olive").page(path)
        assert page.xpath("//form[contains(@class, 'decide')]") == []
        assert "a second person has to decide" in page.text_content()

    def test_the_creators_own_form_is_refused(self, filled: Hub, browse: Callable[[str | None], Browser]) -> None:
        olive, asked = browse("olive"), one(filled, approvals, "invoice_id", WAITING)
        answer = olive.send(
            f"/approvals/{WAITING}/approve", {"token": olive.token(), "content_hash": asked["content_hash"]}
        )
        assert answer.status_code == 403
        assert "olive created invoice" in answer.text


class TestExceptionDesk:
    @pytest.fixture
    def number(self, filled: Hub) -> int:
        """The exception that holds an order without a customer."""
        return int(one(filled, exception_table, "category", "missing_customer")["exception_id"])

    def test_retry_says_what_takes_it_up(self, uma: Browser, number: int) -> None:
        assert uma.api(f"/api/exceptions/{number}/retry").json() == {"exception_id": number, "taken_up_by": "release"}

    def test_retry_needs_no_body(self, uma: Browser, number: int) -> None:
        headers = uma.headers({"authorization": "Bearer one"})
        assert uma.client.post(f"/billing-hub/api/exceptions/{number}/retry", headers=headers).status_code == 200

    def test_a_refused_delivery_is_sent_again(self, filled: Hub, uma: Browser) -> None:
        intent = one(filled, intents, "external_key", RELEASED)
        refusal = Violation(
            rule_id="HUB-D:X", category="target_rejected", path="netsuite.invoice", value="", message="no"
        )
        problem = exceptions.Problem(
            subject_type="delivery", subject_id=intent["key"], violation=refusal, invoice_id=RELEASED
        )
        with transaction(filled.engine) as connection:
            connection.execute(
                update(intents).where(intents.c.key == intent["key"]).values(state="rejected", attempts=1)
            )
            exceptions.settle(connection, filled, subject_type="delivery", examined=[intent["key"]], problems=[problem])
        refused = one(filled, exception_table, "category", "target_rejected")["exception_id"]
        assert uma.api(f"/api/exceptions/{refused}/retry").json()["taken_up_by"] == "deliver"
        assert one(filled, intents, "key", intent["key"])["state"] == "pending"

    def test_waiving_needs_a_reason_and_keeps_it(self, filled: Hub, uma: Browser, number: int) -> None:
        for body in ({}, {"reason": ""}, {"reason": "   "}):
            answer = uma.api(f"/api/exceptions/{number}/resolve", body)
            assert (answer.status_code, error(answer)["field"]) == (422, "reason")
        waived = uma.api(f"/api/exceptions/{number}/resolve", {"reason": "cash sale"}).json()
        assert (waived["state"], waived["closed_by"], waived["resolution"]) == ("waived", "uma", "cash sale")
        assert one(filled, audit_table, "action", "exception.waived")["actor"] == "uma"

    def test_given_to_a_person(self, filled: Hub, uma: Browser, number: int) -> None:
        assert uma.api(f"/api/exceptions/{number}/assign", {"assignee": "mia"}).json()["assignee"] == "mia"
        assert one(filled, audit_table, "action", "exception.assigned")["actor"] == "uma"

    @pytest.mark.parametrize(
        ("verb", "body"), [("retry", {}), ("resolve", {"reason": "x"}), ("assign", {"assignee": "mia"})]
    )
    def test_what_is_closed_stays_closed(self, uma: Browser, number: int, verb: str, body: dict[str, str]) -> None:
        uma.api(f"/api/exceptions/{number}/resolve", {"reason": "cash sale"})
        answer = uma.api(f"/api/exceptions/{number}/{verb}", body)
        assert (answer.status_code, error(answer)["record"]) == (409, str(number))

    @pytest.mark.parametrize(
        ("verb", "body"), [("retry", {}), ("resolve", {"reason": "x"}), ("assign", {"assignee": "mia"})]
    )
    def test_an_unknown_exception(self, uma: Browser, verb: str, body: dict[str, str]) -> None:
        answer = uma.api(f"/api/exceptions/99999/{verb}", body)
        assert (answer.status_code, error(answer)["rule"]) == (404, "exists")
        assert uma.api(f"/api/exceptions/one/{verb}", body).status_code == 422

    @pytest.mark.parametrize(
        ("verb", "field", "said"),
        [("retry", {}, "Put back"), ("resolve", {"reason": "x"}, "Waived"), ("assign", {"assignee": "m"}, "Assigned")],
    )
    def test_the_forms_of_its_page(
        self, uma: Browser, number: int, verb: str, field: dict[str, str], said: str
    ) -> None:
        path = f"/exceptions/{number}"
        targets = [form.action for form in uma.page(path).xpath("//form[@method='post']")]
        assert f"/billing-hub{path}/{verb}" in targets
        answer = uma.send(f"{path}/{verb}", {"token": uma.token(), **field})
        assert answer.status_code == 303
        assert said in uma.get(answer.headers["location"].removeprefix("/billing-hub")).text

    def test_a_closed_one_has_no_forms(self, uma: Browser, number: int) -> None:
        uma.api(f"/api/exceptions/{number}/resolve", {"reason": "cash sale"})
        page = uma.page(f"/exceptions/{number}")
        assert page.xpath("//form") == []
        assert "cash sale" in page.text_content()

    def test_what_people_write_is_shown_as_text(self, uma: Browser, number: int) -> None:
        uma.api(f"/api/exceptions/{number}/assign", {"assignee": "<script>alert(1)</script>"})
        for path in (f"/exceptions/{number}", "/exceptions"):
            assert uma.page(path).xpath("//script") == []
            assert "&lt;script&gt;" in uma.get(path).text


class TestPages:
    @pytest.mark.parametrize("path", PAGES)
    def test_every_page_is_sound(self, uma: Browser, path: str) -> None:
        """Works without scripts, has one heading of the first order, labels every field and scopes every header."""
        page = uma.page(path)
        assert page.xpath("//script | //@style | //@onclick | //style") == []
        assert len(page.xpath("//h1")) == 1
        assert page.xpath("//th[not(@scope)]") == []
        fields = page.xpath("//input[not(@type='hidden')] | //select | //textarea")
        assert all(field.xpath("ancestor::label") for field in fields)
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids))
        assert len(page.xpath("//nav//a[@aria-current='page']")) == 1

    def test_the_overview_to_the_cent(self, uma: Browser) -> None:
        [row] = uma.page("/").xpath("//section[@aria-labelledby='totals']//tbody/tr")
        cells = [re.sub(r"\s+", " ", cell.text_content()).strip() for cell in row.xpath("./td")]
        assert cells[:8] == ["GBP", "203,394.58 4", "-12.20 2", "203,400.00 1", "6.78 1", "–", "–", "-14.64"]

    def test_its_amounts_lead_to_the_invoices(self, uma: Browser) -> None:
        [link] = uma.page("/").xpath("//td[contains(@class, 'held')]/a/@href")
        listed = uma.page(link.removeprefix("/billing-hub")).xpath("//tbody/tr/th/a/text()")
        assert listed == [HELD]

    def test_markup_in_data_is_text(self, uma: Browser) -> None:
        page = uma.page(f"/invoices/{RELEASED}")
        assert page.xpath("//b") == []
        assert "LANTERN <b>RED</b>" in page.text_content()

    def test_an_invoice_shows_its_story(self, filled: Hub, uma: Browser) -> None:
        text = " ".join(uma.page(f"/invoices/{RELEASED}").text_content().split())
        number = one(filled, invoices, "invoice_id", RELEASED)["number"]
        for shown in (
            number,
            "18.36 GBP",
            "General ledger",
            "4200",
            "netsuite",
            "pending",
            "invoice.released",
            "every entry fits the chain",
        ):
            assert shown in text

    def test_search_finds_part_of_a_name(self, uma: Browser) -> None:
        assert uma.page("/invoices?search=900003").xpath("//tbody/tr/th/a/text()") == [HELD]
        assert uma.page("/invoices?search=%25").xpath("//tbody/tr/th/a/text()") == []  # a wildcard is only a character

    def test_a_business_date_that_was_asked_for_stays_on(self, uma: Browser) -> None:
        page = uma.page("/exceptions?as_of=2026-02-01")
        assert page.xpath("//time[@datetime='2026-02-01']")
        assert all("as_of=2026-02-01" in link for link in page.xpath("//nav[@aria-label='Console']/a/@href"))
        assert page.xpath("//form[@method='get']/input[@name='as_of']/@value") == ["2026-02-01"]
        assert page.xpath("//strong[@class='late']")  # by then the deadline is over

    def test_a_bad_business_date_can_be_left(self, uma: Browser) -> None:
        answer = uma.get("/?as_of=soon")
        assert answer.status_code == 422
        assert html.document_fromstring(answer.text).xpath("//a/@href") == ["/billing-hub/"]

    def test_a_bad_setting_is_named(self, uma: Browser) -> None:
        os.environ["HUB_AS_OF"] = "someday"
        answer = uma.get("/api/summary")
        assert answer.status_code == 503
        assert "HUB_AS_OF" in error(answer)["message"]

    def test_long_lists_are_turned_over(self, filled: Hub, uma: Browser) -> None:
        found = [
            Violation(rule_id=f"HUB-X{place:02}", category="zero_price", path="", value="", message="m")
            for place in range(60)
        ]
        problems = [exceptions.Problem(subject_type="record", subject_id="r", violation=each) for each in found]
        with transaction(filled.engine) as connection:
            exceptions.settle(connection, filled, subject_type="record", examined=["r"], problems=problems)
        first = uma.page("/exceptions?category=zero_price")
        [following] = first.xpath("//a[@rel='next']/@href")
        second = uma.page(following.removeprefix("/billing-hub"))
        shown = [page.xpath("//tbody/tr/th/a/text()") for page in (first, second)]
        assert [len(each) for each in shown] == [50, 10]
        assert not set(shown[0]) & set(shown[1])
        assert second.xpath("//a[@rel='prev']")
        assert second.xpath("//a[@rel='next']") == []


class TestContracts:
    def test_a_draft_shows_its_schedule_in_the_currencys_precision(self, filled: Hub, uma: Browser) -> None:
        address = Address(country="JP", city="Tokyo", postal_code="100-0005", line1="2-4-1 Marunouchi")
        keep(filled, "customer", Customer(customer_id="A-1", name="鈴木商事", address=address, currency="JPY"))
        line = ContractLine(
            line_id="1",
            product_code="P",
            description="Platform",
            quantity=Decimal(1),
            unit_price=Money(Decimal(1000000), "JPY"),
        )
        contract = Contract(
            contract_id="C-1",
            customer_id="A-1",
            legal_entity="JP",
            status="active",
            currency="JPY",
            start_date=date(2026, 1, 1),
            term_months=12,
            billing_frequency="quarterly",
            billing_timing="in_advance",
            price_book="JP Price Book",
            lines=(line,),
        )
        keep(filled, "contract", contract)
        plan(filled)
        text = " ".join(uma.page("/invoices/C-1_2026-01-01").text_content().split())
        for shown in (
            "鈴木商事",
            "250,000 JPY",
            "1,000,000 JPY in all",
            "2026-04-01 to 2026-06-30",
            "Net, not taxed yet",
        ):
            assert shown in text


def keep(hub: Hub, entity: str, document: msgspec.Struct) -> None:
    """A canonical document as a sync would have left it."""
    name = identity(document)
    with transaction(hub.engine) as connection:
        page = Page(records=(RawRecord(external_id=name, version="1", body={"id": name}),), cursor=None, has_more=False)
        landed.land(connection, "salesforce", entity, page)
        [landed_id] = landed.newest_ids(connection, "salesforce", entity, [name])
        new = documents.NewDocument(
            canonical_id=name,
            content_hash=content_hash(document),
            body=encode(document).decode(),
            mapping=f"salesforce/{entity}",
            mapping_version=1,
            mapping_fingerprint="0" * 64,
            landed_id=landed_id,
        )
        documents.save(connection, entity, [new])


def test_every_field_is_explained_on_a_page_of_its_own_that_loads_nothing(browse: Callable[..., Browser]) -> None:
    vic = browse("vic")
    [link] = vic.page(f"/invoices/{RELEASED}").xpath("//h2[@id='sources']//a/@href")
    answer = vic.get(link.removeprefix("/billing-hub"))
    explained = html.document_fromstring(answer.text)
    assert "style-src 'sha256-" in answer.headers["Content-Security-Policy"]
    assert "lines[0].net" in explained.xpath("//tbody/tr/th/code/text()")
    assert "LANTERN <b>RED</b>" in explained.xpath("//td[@class='value']/text()")
    assert not explained.xpath("//script | //link | //img | //@src | //@style")
