"""Delivery against the sandbox: each target ends with exactly one effect, whatever fails on the way, and nothing fails silently."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Connection, insert, select, text, update

import sandbox
from billhub import audit, exceptions, release
from billhub.deliver import deliver_due, drain, retry_rejected
from billhub.deliver.engine import retry_exception
from billhub.deliver.worker import is_dead, worker_name
from billhub.hub import Hub, open_hub
from billhub.retry import ATTEMPTS, waiting_ms
from billhub.store import intents
from billhub.store.engine import reading, transaction
from billhub.store.schema import audit as audit_table
from billhub.store.schema import documents
from billhub.store.schema import intents as intent_table
from canonical_model.errors import ConfigurationError
from connectors.errors import CredentialsError
from connectors.settings import variable_name

sys.path.insert(0, str(Path(__file__).parent))

import delivery_ground as ground
from delivery_ground import Case, Field

pytestmark = pytest.mark.xdist_group("delivery")

TAX, BOOKS, CRM = "POST /api/v2/transactions/create", "upsertList", "PATCH .*/composite/sobjects"
PATIENCE_SECONDS = 20


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with ground.field(tmp_path_factory.mktemp("delivery"), 600) as made:
        yield made


@pytest.fixture(autouse=True)
def connected(field: Field) -> Iterator[None]:
    """The environment leads to the sandbox, which has no faults left over at the end. A slow answer is one of more than half a second."""
    os.environ.update(field.env)
    for system in ("avatax", "netsuite", "stripe", "email", "salesforce"):
        ground.set_extra(system, "read_timeout", "0.5")
    yield
    field.clear()


@pytest.fixture
def released(field: Field, hub: Hub) -> Callable[[int], list[Case]]:
    """Releases so many invoices into the empty store of `hub`; call it once."""

    def make(count: int) -> list[Case]:
        cases = field.take(count)
        ground.plant(hub, field.synced, cases)
        assert release.release_due(hub)["released"] == count
        return cases

    return make


def _until_the_end(hub: Hub, *cases: Case) -> None:
    """Run after run, with the waiting times in between moved instead of waited for, until nothing is left."""
    for _ in range(2 * ATTEMPTS):
        deliver_due(hub)
        if all(set(ground.states(hub, case).values()) == {"confirmed"} for case in cases):
            return
        ground.make_due(hub)
    raise AssertionError([ground.rows(hub, case) for case in cases])


def _open(hub: Hub) -> list[Mapping[str, Any]]:
    with reading(hub.engine) as connection:
        return exceptions.listed(connection)


def _row(hub: Hub, case: Case, target: str, entity: str | None = None) -> Mapping[str, Any]:
    [row] = [
        row for row in ground.rows(hub, case) if row["target"] == target and (entity is None or row["entity"] == entity)
    ]
    return row


def _confirmed_once(hub: Hub) -> bool:
    """No intent was confirmed twice, and none was tried again after it was confirmed."""
    query = text("SELECT intent_id, outcome FROM attempts ORDER BY attempt_id")
    with reading(hub.engine) as connection:
        seen: set[int] = set()
        for row in connection.execute(query):
            if row.intent_id in seen:
                return False
            if row.outcome == "confirmed":
                seen.add(row.intent_id)
    return True


# The whole way


def test_an_invoice_goes_the_whole_way_in_order(field: Field, hub: Hub, released: Callable) -> None:
    [case] = released(1)
    assert deliver_due(hub) == {"confirmed": len(ground.CHAIN)}
    assert field.world().deviations(case) == []
    query = select(audit_table.c.detail).where(audit_table.c.action == "delivery.confirmed").order_by(audit_table.c.seq)
    with reading(hub.engine) as connection:
        keys = [json.loads(detail)["key"] for detail in connection.execute(query).scalars()]
        assert audit.first_broken(connection) is None
    assert [tuple(key.split(":")[:2]) for key in keys] == ground.CHAIN
    with reading(hub.engine) as connection:
        assert connection.execute(text("SELECT state FROM invoices")).scalar_one() == "delivered"


def test_a_second_run_sends_nothing(field: Field, hub: Hub, released: Callable) -> None:
    released(1)
    deliver_due(hub)
    before = {system: field.requests(system) for system in ground.SYSTEMS}
    ground.make_due(hub)
    assert deliver_due(hub) == {}
    assert {system: field.requests(system) for system in ground.SYSTEMS} == before


def test_a_batch_goes_in_the_calls_that_take_many(field: Field, hub: Hub, released: Callable) -> None:
    cases = released(12)
    before = field.requests("netsuite").get(BOOKS, 0)
    deliver_due(hub)
    assert field.requests("netsuite")[BOOKS] - before == 3  # customers, invoices, journal entries
    world = field.world()
    assert {case: world.deviations(case) for case in cases} == {case: [] for case in cases}


def test_a_payload_is_written_down_before_it_is_sent_and_sent_again_as_it_was(
    field: Field, hub: Hub, released: Callable
) -> None:
    [case] = released(1)
    field.fault("netsuite", BOOKS, "refuse_before")
    deliver_due(hub)
    sent = _row(hub, case, "netsuite", "customer")
    assert sent["state"] == "uncertain"
    _rename(hub, case)  # a change of the buyer in between belongs to the next invoice
    _until_the_end(hub, case)
    again = _row(hub, case, "netsuite", "customer")
    kept = ("payload", "content_hash", "mapping_version")
    assert [again[name] for name in kept] == [sent[name] for name in kept]
    assert field.world().of("netsuite", "customer", case)[0]["companyName"] == f"Buyer {case.place} Corp"


def test_a_rejected_one_is_made_anew_from_todays_data(field: Field, hub: Hub, released: Callable) -> None:
    [case] = released(1)
    field.refuse(case, "USER_ERROR")
    deliver_due(hub)
    _rename(hub, case)
    field.refuse(case, "")
    with transaction(hub.engine) as connection:
        retry_rejected(connection, hub)
    deliver_due(hub)
    assert field.world().of("netsuite", "customer", case)[0]["companyName"] == "Renamed"


def _rename(hub: Hub, case: Case) -> None:
    """As a sync would leave the buyer after the CRM gave it another name."""
    current = documents.c.is_current & (documents.c.canonical_id == case.account)
    with transaction(hub.engine) as connection:
        body = connection.execute(select(documents.c.body).where(current)).scalar_one()
        new = body.replace(f"Buyer {case.place} Corp", "Renamed")
        assert new != body
        connection.execute(update(documents).where(current).values(body=new))


# Faults, one at each write


WRITES = {
    "customer in the books": ("netsuite", BOOKS, 0),
    "tax transaction": ("avatax", TAX, 0),
    "invoice in the books": ("netsuite", BOOKS, 1),
    "journal entry": ("netsuite", BOOKS, 2),
    "customer at the gateway": ("stripe", "POST /v1/customers", 0),
    "draft": ("stripe", "POST /v1/invoices", 0),
    "second item": ("stripe", "POST /v1/invoiceitems", 1),
    "finalizing": ("stripe", "POST /v1/invoices/{id}/finalize", 0),
    "mail": ("mail", "SMTP DATA", 0),
    "status": ("salesforce", CRM, 0),
}
DOWN = {"error": {"type": "api_error", "code": "ServerError", "message": "something went wrong"}}
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "reset_after": {},
    "refuse_before": {},
    "half_answer": {},
    "garbage": {},
    "slow": {"delay": 1.2},
    "rate_limit": {},
    "status": {"status": 500, "body": DOWN},
    "status_after_effect": {"status": 500, "body": DOWN},
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", WRITES)
def test_after_a_fault_there_is_still_exactly_one(
    field: Field, open_on: Callable[[], Hub], write: str, fault: str
) -> None:
    hub = open_on()
    [case] = field.take(1)
    ground.plant(hub, field.synced, [case])
    release.release_due(hub)
    system, match, after = WRITES[write]
    field.fault(system, match, fault, after=after, **_for_mail(FAULTS[fault]) if system == "mail" else FAULTS[fault])
    deliver_due(hub)
    left = {state for state in ground.states(hub, case).values() if state != "confirmed"}
    assert left <= {"uncertain", "pending"}
    assert left
    _until_the_end(hub, case)
    assert field.world().deviations(case) == []
    assert _confirmed_once(hub)
    assert _open(hub) == []


def _for_mail(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**fields, "status": 451, "body": "4.3.0 Try again later"} if "status" in fields else fields


@pytest.fixture
def open_on(tmp_path: Path) -> Iterator[Callable[[], Hub]]:
    """Opens hubs on one empty SQLite file; for the many cases in which the database makes no difference."""
    opened: list[Hub] = []

    def make() -> Hub:
        opened.append(open_hub(as_of=sandbox.DEFAULT_AS_OF, actor="olive", url=f"sqlite:///{tmp_path / 'hub.sqlite'}"))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.mark.parametrize("write", WRITES)
def test_a_lost_answer_is_in_doubt_and_resolved(field: Field, hub: Hub, released: Callable, write: str) -> None:
    [case] = released(1)
    system, match, after = WRITES[write]
    field.fault(system, match, "reset_after", after=after)
    deliver_due(hub)
    [doubtful] = [row for row in ground.rows(hub, case) if row["state"] == "uncertain"]
    assert doubtful["error_code"] == "no_answer"
    assert all(row["state"] == "pending" for row in ground.rows(hub, case) if row["intent_id"] > doubtful["intent_id"])
    _until_the_end(hub, case)
    assert field.world().deviations(case) == []
    attempts = [each for each in ground.history(hub, case, doubtful["target"]) if each[0] > 1]
    assert attempts == [(2, "resolve", "confirmed")]


def test_what_is_looked_up_and_found_is_not_sent_again(field: Field, hub: Hub, released: Callable) -> None:
    [case] = released(1)
    field.fault("mail", "SMTP DATA", "reset_after")
    deliver_due(hub)
    sent = field.requests("mail")["SMTP DATA"]
    _until_the_end(hub, case)
    assert field.requests("mail")["SMTP DATA"] == sent


def test_one_in_doubt_waits_until_its_request_can_no_longer_take_effect(
    field: Field, hub: Hub, released: Callable
) -> None:
    ground.set_extra("email", "in_flight_window", "600")
    [case] = released(1)
    field.fault("mail", "SMTP DATA", "refuse_before")
    began = intents.now_ms()
    deliver_due(hub)
    row = _row(hub, case, "email")
    assert row["state"] == "uncertain"
    assert row["not_before"] >= began + 600_000
    sent = field.requests("mail")["SMTP DATA"]
    assert deliver_due(hub) == {}
    assert field.requests("mail")["SMTP DATA"] == sent
    _until_the_end(hub, case)
    assert field.world().deviations(case) == []


def test_where_the_look_up_fails_the_others_go_on(field: Field, hub: Hub, released: Callable) -> None:
    first, second = released(2)
    field.fault("stripe", "POST /v1/invoices/{id}/finalize", "reset_after")
    field.fault("netsuite", BOOKS, "rate_limit", after=1)  # keeps both invoices out of the books in the first run
    deliver_due(hub)
    ground.make_due(hub)
    deliver_due(hub)
    in_doubt, other = sorted((first, second), key=lambda case: _row(hub, case, "stripe")["state"] != "uncertain")
    with transaction(hub.engine) as connection:  # as if the other had not been due before
        key = _row(hub, other, "stripe")["intent_id"]
        values = {"state": "pending", "native_id": None, "answer": None}
        connection.execute(update(intent_table).where(intent_table.c.intent_id == key).values(**values))
    ground.make_due(hub)
    field.fault("stripe", "GET /v1/invoices/search", "status", status=503, body="{}")
    deliver_due(hub)
    assert _row(hub, in_doubt, "stripe")["state"] == "uncertain"
    assert _row(hub, other, "stripe")["state"] == "confirmed"
    assert ground.history(hub, in_doubt, "stripe") == [(1, "write", "uncertain"), (2, "resolve", "uncertain")]
    _until_the_end(hub, first, second)
    assert [field.world().deviations(case) for case in (first, second)] == [[], []]


# Attempts and giving up


def test_attempts_are_kept_and_wait_longer_each_time(field: Field, hub: Hub, released: Callable) -> None:
    [case] = released(1)
    field.fault("avatax", TAX, "rate_limit", times=3)
    for attempt in range(1, 4):
        began = intents.now_ms()
        ground.make_due(hub)
        deliver_due(hub)
        assert _row(hub, case, "avatax")["not_before"] >= began + waiting_ms(attempt, None)
    _until_the_end(hub, case)
    assert ground.history(hub, case, "avatax") == [
        (1, "write", "pending"),
        (2, "write", "pending"),
        (3, "write", "pending"),
        (4, "write", "confirmed"),
    ]


def test_the_targets_own_waiting_time_is_kept(field: Field, hub: Hub, released: Callable) -> None:
    [case] = released(1)
    field.fault("avatax", TAX, "status", status=429, headers={"Retry-After": "77"}, body="{}")
    began = intents.now_ms()
    deliver_due(hub)
    assert _row(hub, case, "avatax")["not_before"] >= began + 77_000


def test_one_that_is_given_up_is_an_exception_and_stays_alive(field: Field, hub: Hub, released: Callable) -> None:
    [case] = released(1)
    field.fault("avatax", TAX, "status", times=None, status=503, headers={"Retry-After": "1"}, body="{}")
    for attempt in range(ATTEMPTS):
        assert _open(hub) == [], f"after {attempt} attempts"
        ground.make_due(hub)
        deliver_due(hub)
    [given_up] = _open(hub)
    assert (given_up["category"], given_up["subject_id"], given_up["owner"]) == (
        "failed_delivery",
        _row(hub, case, "avatax")["key"],
        "integration-team",
    )
    assert _row(hub, case, "avatax")["state"] == "pending"
    field.clear()
    _until_the_end(hub, case)
    assert _open(hub) == []
    assert field.world().deviations(case) == []


def test_a_target_may_say_anything(field: Field, hub: Hub, released: Callable) -> None:
    [case] = released(1)
    words = "no\x00 good " + "x" * 500
    body = {
        "error": {"code": words, "message": words, "details": [{"code": words, "message": words, "refersTo": words}]}
    }
    field.fault("avatax", TAX, "status", status=400, body=body)
    deliver_due(hub)
    row = _row(hub, case, "avatax")
    assert (row["state"], row["error_code"]) == ("rejected", words.replace("\x00", "")[:120])
    [refused] = _open(hub)
    assert refused["category"] == "target_rejected"


# Refusals and conflicts


def test_a_refused_record_is_an_exception_and_the_others_go_on(field: Field, hub: Hub, released: Callable) -> None:
    cases = released(4)
    bad, good = cases[1], [cases[0], *cases[2:]]
    field.refuse(bad, "CLOSED_TRAN_PRD")
    deliver_due(hub)
    world = field.world()
    assert [world.deviations(case) for case in good] == [[], [], []]
    [refused] = _open(hub)
    assert (refused["category"], refused["subject_id"], refused["invoice_id"]) == (
        "target_rejected",
        _row(hub, bad, "netsuite", "customer")["key"],
        bad.invoice_id,
    )
    assert "CLOSED_TRAN_PRD" in refused["message"]
    assert world.of("stripe", "invoice", bad) == world.of("mail", "Message", bad) == []

    with transaction(hub.engine) as connection:
        assert retry_rejected(connection, hub) == 1
    deliver_due(hub)
    [still] = _open(hub)
    assert still["exception_id"] == refused["exception_id"]

    field.refuse(bad, "")
    with transaction(hub.engine) as connection:
        assert retry_exception(connection, hub, refused["exception_id"]) == "deliver"
    deliver_due(hub)
    assert _open(hub) == []
    assert field.world().deviations(bad) == []
    assert [outcome for _, _, outcome in ground.history(hub, bad, "netsuite")] == [
        "rejected",
        "rejected",
        "confirmed",
        "confirmed",
        "confirmed",
    ]


def test_other_contents_under_our_code_at_the_tax_engine_are_a_conflict(
    field: Field, hub: Hub, released: Callable
) -> None:
    [case] = released(1)
    drain(hub, "netsuite")
    foreign = _foreign_transaction(field, case)
    deliver_due(hub)
    [conflict] = _open(hub)
    assert conflict["category"] == "content_conflict"
    assert "customerCode: " + case.account + ", SOMEBODY-ELSE" in conflict["message"]
    assert field.world().of("netsuite", "invoice", case) == []
    field.remove("avatax", "Transaction", foreign)
    with transaction(hub.engine) as connection:
        retry_exception(connection, hub, conflict["exception_id"])
    deliver_due(hub)
    assert (_open(hub), field.world().deviations(case)) == ([], [])


def _foreign_transaction(field: Field, case: Case) -> str:
    """Put somebody else's committed document under our code; returns under which name the stand-in keeps it."""
    login = json.loads(os.environ["AIRFLOW_CONN_BILLHUB_AVATAX"])
    document = {
        "type": "SalesInvoice",
        "companyCode": "MERIDIAN-US",
        "code": case.number,
        "date": "2026-01-15",
        "customerCode": "SOMEBODY-ELSE",
        "commit": True,
        "addresses": {"singleLocation": {"line1": "1 Main", "city": "Rochester", "region": "NY", "postalCode": "14604", "country": "US"}},
        "lines": [{"number": "1", "amount": 5, "itemCode": "X"}],
    }  # fmt: skip
    url = f"{field.endpoints['avatax']}/api/v2/transactions/create"
    requests.post(url, json=document, auth=(login["login"], login["password"]), timeout=30).raise_for_status()
    return f"MERIDIAN-US/SalesInvoice/{case.number}"


def test_an_invoice_changed_at_the_gateway_is_a_conflict_until_it_is_mended(
    field: Field, hub: Hub, released: Callable
) -> None:
    [case] = released(1)
    field.fault("stripe", "POST /v1/invoices/{id}/finalize", "reset_after")
    deliver_due(hub)
    [invoice] = field.world().of("stripe", "invoice", case)
    field.change("stripe", "invoice", invoice["id"], {"description": "something else"})
    ground.make_due(hub)
    deliver_due(hub)
    [conflict] = _open(hub)
    assert conflict["category"] == "content_conflict"
    assert f"description: {invoice['description']!r} was sent, the target has 'something else'" in conflict["message"]
    with transaction(hub.engine) as connection:
        retry_exception(connection, hub, conflict["exception_id"])
    deliver_due(hub)
    assert [each["exception_id"] for each in _open(hub)] == [conflict["exception_id"]]
    field.change("stripe", "invoice", invoice["id"], {"description": invoice["description"]})
    with transaction(hub.engine) as connection:
        retry_exception(connection, hub, conflict["exception_id"])
    deliver_due(hub)
    assert (_open(hub), field.world().deviations(case)) == ([], [])


def test_a_draft_with_another_item_is_a_conflict(field: Field, hub: Hub, released: Callable) -> None:
    [case] = released(1)
    field.fault("stripe", "POST /v1/invoiceitems", "reset_after", after=1)
    deliver_due(hub)
    item = field.world().of("stripe", "invoiceitem", case)[1]
    field.change("stripe", "invoiceitem", item["id"], {"amount": item["amount"] + 1})
    ground.make_due(hub)
    deliver_due(hub)
    [conflict] = _open(hub)
    assert conflict["category"] == "content_conflict"
    assert field.world().of("stripe", "invoice", case)[0]["status"] == "draft"


def test_a_mail_with_another_text_under_our_identifier_is_a_conflict(
    field: Field, hub: Hub, released: Callable
) -> None:
    [case] = released(1)
    field.fault("mail", "SMTP DATA", "reset_after")
    deliver_due(hub)
    [mail] = field.world().of("mail", "Message", case)
    content = requests.get(f"{field.endpoints['mail']}/messages/{mail['uid']}", timeout=30).content
    other = content.replace(b"Please find attached", b"Please do not find attached")
    assert other != content
    field.change("mail", "MessageContent", str(mail["uid"]), {"base64": base64.b64encode(other).decode()})
    for _ in range(2):  # asking for a retry without mending anything does not make it right
        ground.make_due(hub)
        deliver_due(hub)
        [conflict] = _open(hub)
        assert conflict["category"] == "content_conflict"
        assert "Please do not find attached" in conflict["message"]
        with transaction(hub.engine) as connection:
            retry_exception(connection, hub, conflict["exception_id"])
    field.change("mail", "MessageContent", str(mail["uid"]), {"base64": base64.b64encode(content).decode()})
    deliver_due(hub)
    assert (_open(hub), field.world().deviations(case)) == ([], [])


def test_refused_credentials_stop_the_run_and_a_later_run_completes_it(
    field: Field, hub: Hub, released: Callable
) -> None:
    cases = released(2)
    field.fault("netsuite", BOOKS, "unauthorized", times=None, after=1)
    with pytest.raises(CredentialsError):
        deliver_due(hub)
    assert [_row(hub, case, "netsuite", "invoice")["state"] for case in cases] == ["uncertain", "uncertain"]
    assert [_row(hub, case, "stripe")["state"] for case in cases] == ["pending", "pending"]
    field.clear()
    _until_the_end(hub, *cases)
    world = field.world()
    assert [world.deviations(case) for case in cases] == [[], []]


def test_a_target_that_cannot_go_on_holds_up_no_other(
    hub: Hub, released: Callable, open_as: Callable[..., Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    [case] = released(1)
    independent = update(intent_table).where(intent_table.c.target.in_(["avatax", "salesforce"])).values(after_key=None)
    with transaction(hub.engine) as connection:
        connection.execute(independent)
    for system in ("avatax", "netsuite"):
        monkeypatch.delenv(variable_name(f"billhub_{system}"))
    with pytest.raises(ConfigurationError, match="billhub_avatax") as raised:
        deliver_due(open_as(), wait_seconds=PATIENCE_SECONDS)
    [note] = raised.value.__notes__
    assert note.startswith("netsuite could not go on either")
    assert "billhub_netsuite" in note
    assert _row(hub, case, "salesforce")["state"] == "confirmed"
    assert _row(hub, case, "avatax")["state"] == "pending"


def test_a_target_with_nothing_to_do_needs_no_settings(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable_name("billhub_avatax"))
    assert drain(hub, "avatax") == {}


def test_refused_credentials_of_the_mail_server_leave_what_was_not_reached_as_it_was(
    field: Field, hub: Hub, released: Callable
) -> None:
    cases = released(3)
    field.fault("mail", "SMTP DATA", "unauthorized", times=None, after=1)
    with pytest.raises(CredentialsError):
        deliver_due(hub)
    assert [_row(hub, case, "email")["state"] for case in cases] == ["confirmed", "uncertain", "pending"]
    field.clear()
    _until_the_end(hub, *cases)
    world = field.world()
    assert [world.deviations(case) for case in cases] == [[], [], []]


@pytest.mark.parametrize("fault", ["unauthorized", "rate_limit"])
def test_an_expired_token_of_the_crm_is_renewed_or_waited_for(
    field: Field, hub: Hub, released: Callable, fault: str
) -> None:
    [case] = released(1)
    field.fault("salesforce", CRM, fault)
    deliver_due(hub)
    assert _row(hub, case, "salesforce")["state"] == ("confirmed" if fault == "unauthorized" else "pending")
    _until_the_end(hub, case)
    assert field.world().deviations(case) == []


# Several workers

WORKER = """
import sys
from datetime import date
from billhub.deliver import deliver_due, engine
from billhub.hub import open_hub
engine.BATCH = 2
hub = open_hub(as_of=date(2026, 1, 15), actor="worker", url=sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
counts = deliver_due(hub, wait_seconds=int(sys.argv[2]))
print(sum(counts.values()), flush=True)
"""


@pytest.fixture
def start(database_url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts workers: processes that wait for a line and then deliver what is due, and tell how many outcomes they recorded."""
    started: list[subprocess.Popen[str]] = []

    def worker(wait_seconds: int = 0) -> subprocess.Popen[str]:
        program = [sys.executable, "-c", WORKER, database_url, str(wait_seconds)]
        process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield worker
    for process in started:
        process.kill()
        process.communicate()


def _go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_two_workers_deliver_each_intent_once(field: Field, hub: Hub, released: Callable, start: Callable) -> None:
    cases = released(10)
    workers = [start(wait_seconds=2), start(wait_seconds=2)]
    for worker in workers:
        _go(worker)
    told = [int(worker.communicate(timeout=120)[0]) for worker in workers]
    _until_the_end(hub, *cases)
    world = field.world()
    assert {case: world.deviations(case) for case in cases} == {case: [] for case in cases}
    assert sum(told) <= len(ground.CHAIN) * len(cases)
    with reading(hub.engine) as connection:
        attempts = connection.execute(text("SELECT COUNT(*), COUNT(DISTINCT intent_id) FROM attempts")).one()
        assert tuple(attempts) == (len(ground.CHAIN) * len(cases),) * 2
        assert audit.first_broken(connection) is None


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_what_one_worker_is_claiming_another_passes_over(hub: Hub, released: Callable) -> None:
    released(3)
    with transaction(hub.engine) as one, transaction(hub.engine) as other:
        other.execute(text("SET LOCAL lock_timeout = '2s'"))
        first = intents.claim(one, "netsuite", worker="one", limit=1)
        second = intents.claim(other, "netsuite", worker="other", limit=10)
    assert (len(first), len(second)) == (1, 2)
    assert {row["intent_id"] for row in first}.isdisjoint(row["intent_id"] for row in second)


def test_a_worker_suspended_past_its_lease_does_not_record_over_the_next(
    field: Field, hub: Hub, released: Callable, start: Callable
) -> None:
    ground.set_extra("avatax", "read_timeout", "30")
    [case] = released(1)
    drain(hub, "netsuite")
    sleeper = start()
    calls = field.requests("avatax")[TAX]
    field.fault("avatax", TAX, "slow", delay=2)
    _go(sleeper)
    _wait_for(lambda: field.requests("avatax")[TAX] > calls)
    sleeper.send_signal(signal.SIGSTOP)
    _end_leases(hub)
    _until_the_end(hub, case)
    sleeper.send_signal(signal.SIGCONT)
    told = sleeper.communicate(timeout=PATIENCE_SECONDS)[0]
    assert told == "0\n"
    assert ground.history(hub, case, "avatax") == [(1, "write", "uncertain"), (2, "resolve", "confirmed")]
    assert _row(hub, case, "avatax")["state"] == "confirmed"
    assert field.world().deviations(case) == []


def test_a_worker_suspended_among_its_mails_sends_none_that_the_next_has_sent(
    field: Field, hub: Hub, released: Callable, start: Callable
) -> None:
    ground.set_extra("email", "read_timeout", "30")
    cases = released(4)
    for target in ("netsuite", "avatax", "netsuite", "stripe"):
        drain(hub, target)
    sleeper = start()
    sent = field.requests("mail").get("SMTP DATA", 0)
    field.fault("mail", "SMTP DATA", "slow", delay=2)
    _go(sleeper)
    _wait_for(lambda: field.requests("mail").get("SMTP DATA", 0) > sent)
    sleeper.send_signal(signal.SIGSTOP)
    # Its first mail is at the server, though the server has not answered yet; the others it still means to send.
    _wait_for(lambda: len(field.world().of("mail", "Message", cases[0])) == 1)
    _end_leases(hub)
    _until_the_end(hub, *cases)
    sleeper.send_signal(signal.SIGCONT)
    sleeper.communicate(timeout=PATIENCE_SECONDS)
    world = field.world()
    assert {case: world.deviations(case) for case in cases} == {case: [] for case in cases}
    assert _confirmed_once(hub)


def _end_leases(hub: Hub) -> None:
    with transaction(hub.engine) as connection:
        held = connection.execute(
            update(intent_table).where(intent_table.c.state == "sending").values(lease_until=intents.now_ms() - 1)
        )
        assert held.rowcount > 0


@pytest.mark.parametrize(
    ("owner", "lease_left_ms", "taken_over"),
    [("elsewhere/1/aaaa", 60_000, False), ("elsewhere/1/aaaa", -1, True), (None, 60_000, True)],
)
def test_a_lease_is_waited_for_unless_its_holder_is_known_to_be_dead(
    field: Field, hub: Hub, released: Callable, owner: str | None, lease_left_ms: int, taken_over: bool
) -> None:
    [case] = released(1)
    values = {"state": "sending", "attempts": 1, "lease_until": intents.now_ms() + lease_left_ms}
    values["lease_owner"] = owner or _name_of_a_dead_process()
    with transaction(hub.engine) as connection:
        connection.execute(
            update(intent_table)
            .where(intent_table.c.key == _row(hub, case, "netsuite", "customer")["key"])
            .values(**values)
        )
    deliver_due(hub)
    row = _row(hub, case, "netsuite", "customer")
    assert row["state"] == ("uncertain" if taken_over else "sending")
    assert row["error_code"] == ("worker_lost" if taken_over else None)
    assert ground.history(hub, case, "netsuite") == ([(1, "write", "uncertain")] if taken_over else [])
    _end_or_nothing(hub)
    _until_the_end(hub, case)
    assert field.world().deviations(case) == []


def _end_or_nothing(hub: Hub) -> None:
    with transaction(hub.engine) as connection:
        connection.execute(update(intent_table).where(intent_table.c.state == "sending").values(lease_until=0))


def _name_of_a_dead_process() -> str:
    program = "from billhub.deliver.worker import worker_name; print(worker_name())"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_only_its_holder_renews_a_lease(hub: Hub, released: Callable) -> None:
    [case] = released(1)
    with transaction(hub.engine) as connection:
        [claimed] = intents.claim(connection, "netsuite", worker="holder", limit=10)
        connection.execute(update(intent_table).values(lease_until=1))
        assert intents.renew(connection, "another", [claimed["intent_id"]]) == set()
        assert _lease(connection) == 1
        assert intents.renew(connection, "holder", [claimed["intent_id"]]) == {claimed["intent_id"]}
        assert _lease(connection) > intents.now_ms()
    assert _row(hub, case, "netsuite", "customer")["lease_owner"] == "holder"


def _lease(connection: Connection) -> int:
    query = select(intent_table.c.lease_until).where(intent_table.c.state == "sending")
    return int(connection.execute(query).scalar_one())


def test_who_is_dead() -> None:
    place, pid, _ = worker_name().rsplit("/", 2)
    assert len(worker_name()) <= 80
    assert not is_dead(worker_name())
    assert is_dead(f"{place}/{pid}/00000000")  # an earlier process that had the id this one has now
    assert not is_dead(f"{place}/{os.getppid()}/00000000")
    assert not is_dead(f"elsewhere/{pid}/00000000")
    assert is_dead(_name_of_a_dead_process())


def test_a_forked_process_is_another_worker() -> None:
    reader, writer = os.pipe()
    mine = worker_name()
    child = os.fork()
    if child == 0:
        os.write(writer, worker_name().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 200).decode() != mine
    os.close(reader)
    os.close(writer)


# Records that invoices share


def test_versions_of_a_shared_record_go_one_after_the_other(field: Field, hub: Hub, released: Callable) -> None:
    [case] = released(1)
    first = _row(hub, case, "netsuite", "customer")
    newer = {name: value for name, value in first.items() if name != "intent_id"} | {"key": f"{first['key']}-newer"}
    with transaction(hub.engine) as connection:
        connection.execute(insert(intent_table).values(**newer))
    field.fault("netsuite", BOOKS, "reset_after")
    deliver_due(hub)
    assert _shared(hub, case) == ["uncertain", "pending"]
    assert deliver_due(hub) == {}
    _until_the_end(hub, case)
    assert _shared(hub, case) == ["confirmed", "confirmed"]
    query = text("SELECT intent_id FROM attempts WHERE outcome = 'confirmed' ORDER BY attempt_id")
    with reading(hub.engine) as connection:
        order: Sequence[int] = list(connection.execute(query).scalars())
    assert order.index(first["intent_id"]) < order.index(max(order))


def _shared(hub: Hub, case: Case) -> list[str]:
    query = select(intent_table.c.state).where(intent_table.c.external_key == case.account)
    with reading(hub.engine) as connection:
        return list(connection.execute(query.order_by(intent_table.c.intent_id)).scalars())
