"""The commands, on a store of their own, fed from a CSV of retail orders and taxed by the rate table: nothing here needs a network."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text
from typer.main import get_command
from typer.testing import CliRunner

from billhub import approvals as approvals_stage
from billhub.cli import app, exits, reference
from billhub.policy.model import DEFAULT_FILE
from billhub.store.engine import open_engine
from canonical_model.errors import ConfigurationError, HubError, IntegrityError
from connectors.errors import AmbiguousWriteError, CredentialsError, RejectedError, UnavailableError

AS_OF = ("--as-of", "2011-01-10")
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
GOOD = "536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom"
NAMELESS = "536366,22633,WARMER,4,2010-12-01 08:28:00,1.85,,United Kingdom"
LARGE = "536367,84879,ORNAMENT,10000,2010-12-01 08:34:00,12.00,13047,United Kingdom"
BROKEN = "536368,22960,JAM SET,six,2010-12-01 08:34:00,4.25,13047,United Kingdom"

Run = Callable[..., Any]


@pytest.fixture
def retail(tmp_path: Path) -> Callable[..., None]:
    """Writes the source file."""

    def write(*rows: str) -> None:
        (tmp_path / "retail.csv").write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")

    return write


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, retail: Callable[..., None]) -> Run:
    """Runs a command and checks its exit code; gives back what it wrote."""
    retail(GOOD, NAMELESS, LARGE, BROKEN)
    monkeypatch.setenv("HUB_DATABASE_URL", f"sqlite:///{tmp_path / 'hub.sqlite'}")
    monkeypatch.setenv("HUB_ACTOR", "ada")
    monkeypatch.setenv("AIRFLOW_CONN_BILLHUB_TAX_TABLE", "{}")
    monkeypatch.setenv("AIRFLOW_CONN_BILLHUB_ONLINE_RETAIL", json.dumps({"host": str(tmp_path / "retail.csv")}))
    for system in ("SALESFORCE", "NETSUITE", "AVATAX", "STRIPE", "EMAIL"):
        monkeypatch.delenv(f"AIRFLOW_CONN_BILLHUB_{system}", raising=False)

    def invoke(*arguments: str, code: int = 0, typed: str | None = None) -> Any:
        result = CliRunner().invoke(app, arguments, input=typed)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


@pytest.fixture
def billed(run: Run) -> Run:
    """The orders are in, and what can be released is."""
    run("sync", "--flow", "retail_orders", *AS_OF)
    run("release", *AS_OF)
    return run


def ids(run: Run, category: str) -> list[str]:
    found = json.loads(run("exceptions", "list", "--category", category, "--json").stdout)
    return [str(each["exception_id"]) for each in found]


def state_of(run: Run, invoice: str) -> str:
    return json.loads(run("invoice", "show", invoice, "--json").stdout)["state"]


# --- the whole


def test_help_is_quick_because_it_loads_no_store_and_no_connector() -> None:
    code = "import sys; import billhub.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "typer" in loaded
    assert not {"sqlalchemy", "alembic", "holidays", "requests", "billhub.hub", "airflow", "sandbox"} & set(loaded)


def commands() -> list[tuple[str, Any]]:
    def walk(command: Any, path: tuple[str, ...]) -> list[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        return (
            [(" ".join(path), command)] if inner is None else [x for n, c in inner.items() for x in walk(c, (*path, n))]
        )

    return walk(get_command(app), ())


@pytest.mark.parametrize(("path", "command"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_help_has_an_example_of_itself_and_explains_its_parameters(path: str, command: Any) -> None:
    assert f"Example: billhub {path}" in command.help
    assert all(parameter.help for parameter in command.params)


def test_the_reference_is_up_to_date() -> None:
    assert reference.main(["--check"]) == exits.DONE


def test_the_reference_is_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "PAGE", tmp_path / "cli.md")
    assert reference.main(["--check"]) == exits.FAILED
    assert "python -m billhub.cli.reference" in capsys.readouterr().err
    assert reference.main([]) == exits.DONE
    assert reference.main(["--check"]) == exits.DONE
    assert (tmp_path / "cli.md").read_text("utf-8") == reference.reference()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HubError("x"), 1),
        (IntegrityError("x"), 1),
        (RejectedError("x", connector="a", operation="b", code="c"), 1),
        (ConfigurationError("x"), 3),
        (CredentialsError("x", connector="a", operation="b"), 3),
        (approvals_stage.ApprovalRefusedError("x"), 4),
        (UnavailableError("x", connector="a", operation="b"), 5),
        (AmbiguousWriteError("x", connector="a", operation="b"), 5),
    ],
)
def test_every_error_has_its_exit_code(error: HubError, code: int) -> None:
    assert exits.code_of(error) == code
    assert code in exits.MEANINGS


def test_an_error_is_one_line_without_traceback(run: Run) -> None:
    result = run("invoice", "show", "US-000001", code=1)
    assert result.stderr.strip().splitlines() == ["there is no invoice 'US-000001'; see billhub invoice list"]
    assert result.stdout == ""


def test_a_defect_keeps_its_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_DATABASE_URL", "sqlite:////no/such/folder/hub.sqlite")
    result = CliRunner().invoke(app, ["runs", "list"])
    assert type(result.exception).__name__ == "OperationalError"


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("release", "--as-of", "15.01.2026"), ("exceptions", "show", "x")]
)
def test_a_command_line_that_cannot_be_understood_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    run(*arguments, code=2)


# --- sync, release, run, runs


def test_sync_says_what_came_in(run: Run) -> None:
    output = run("sync", "--flow", "retail_orders", *AS_OF).stdout
    assert "land_orders: 4 landed" in output
    assert "1 excepted" in output
    assert "3 mapped" in output


def test_sync_of_all_goes_on_after_a_flow_that_fails_and_ends_with_its_code(run: Run) -> None:
    result = run("sync", *AS_OF, code=3)
    assert "sync_accounts: connection billhub_salesforce is not set" in result.stderr
    assert "retail_orders: land_orders: 4 landed" in result.stdout


def test_sync_of_all_leaves_out_a_flow_without_schedule_and_connection(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_BILLHUB_ONLINE_RETAIL")
    assert "retail_orders: left out: connection billhub_online_retail is not set" in run("sync", *AS_OF, code=3).stderr
    assert "AIRFLOW_CONN_BILLHUB_ONLINE_RETAIL" in run("sync", "--flow", "retail_orders", *AS_OF, code=3).stderr


def test_a_system_that_does_not_answer_ends_with_5(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = {"host": "http://127.0.0.1:1", "extra": {"client_id": "a", "client_secret": "b"}}
    monkeypatch.setenv("AIRFLOW_CONN_BILLHUB_SALESFORCE", json.dumps(nowhere))
    assert "salesforce" in run("sync", "--flow", "sync_accounts", *AS_OF, code=5).stderr


def test_an_unknown_flow_says_which_there_are(run: Run) -> None:
    assert "retail_orders" in run("run", "nonsense", code=2).stderr


def test_release_says_what_happened(run: Run) -> None:
    run("run", "retail_orders", *AS_OF)
    output = run("release", *AS_OF).stdout
    assert "plan: 3 new" in output
    assert "1 held" in output
    assert "1 awaiting approval, 1 ready" in output
    assert "release: 1 released" in output


def test_runs_are_listed_latest_first(billed: Run) -> None:
    assert "land_orders" in billed("runs", "list", "--flow", "retail_orders").stdout
    runs = json.loads(billed("runs", "list", "--json").stdout)
    assert [each["step"] for each in runs][:2] == ["release", "approve"]
    assert {(each["actor"], each["as_of"], each["state"]) for each in runs} == {("ada", "2011-01-10", "done")}


def test_a_failed_run_is_kept_with_its_reason(run: Run) -> None:
    run("sync", "--flow", "sync_accounts", code=3)
    assert "billhub_salesforce" in run("runs", "list", "--state", "failed").stdout


def test_without_a_day_it_is_today(run: Run) -> None:
    before = datetime.now(UTC).date().isoformat()
    run("run", "retail_orders")
    after = datetime.now(UTC).date().isoformat()
    assert {each["as_of"] for each in json.loads(run("runs", "list", "--json").stdout)} <= {before, after}


# --- exceptions


def test_exceptions_are_listed_with_what_an_owner_needs(billed: Run) -> None:
    output = billed("exceptions", "list", *AS_OF).stdout
    for wanted in ("missing_customer", "order_536366", "7.40 GBP", "master-data", "2011-01-13", "Find the buyer"):
        assert wanted in output
    assert "mapping_defect" in output


@pytest.mark.parametrize(
    ("filters", "categories"),
    [
        (("--owner", "master-data"), {"missing_customer"}),
        (("--owner", "integration-team"), {"mapping_defect"}),
        (("--entity", "UK"), {"missing_customer", "mapping_defect"}),
        (("--entity", "US"), set()),
        (("--category", "mapping_defect"), {"mapping_defect"}),
        (("--state", "waived"), set()),
        (("--state", "all"), {"missing_customer", "mapping_defect"}),
    ],
)
def test_exceptions_can_be_filtered(billed: Run, filters: tuple[str, ...], categories: set[str]) -> None:
    found = json.loads(billed("exceptions", "list", *filters, "--json").stdout)
    assert {each["category"] for each in found} == categories


def test_a_deadline_that_is_over_is_marked(billed: Run) -> None:
    assert "2011-01-13 !" not in billed("exceptions", "list", "--as-of", "2011-01-13").stdout
    assert "2011-01-13 !" in billed("exceptions", "list", "--as-of", "2011-01-14").stdout


def test_an_exception_is_shown_with_its_history(billed: Run) -> None:
    [one] = ids(billed, "missing_customer")
    billed("exceptions", "assign", one, "--to", "frida", *AS_OF)
    output = billed("exceptions", "show", one).stdout
    for wanted in (
        "HUB-O02",
        "buyer.party_id",
        "(empty)",
        "the order names no customer",
        "frida",
        "exception.opened",
        "exception.assigned",
    ):
        assert wanted in output
    told = json.loads(billed("exceptions", "show", one, "--json").stdout)
    assert [entry["action"] for entry in told[0]["history"]] == ["exception.opened", "exception.assigned"]


def test_the_history_of_one_exception_is_not_that_of_its_neighbour(run: Run, retail: Callable[..., None]) -> None:
    retail(NAMELESS.replace("1.85", "0.00"), GOOD.replace("536365", "536366").replace("17850", ""))
    run("sync", "--flow", "retail_orders", *AS_OF)
    run("release", *AS_OF)
    told = [
        json.loads(run("exceptions", "show", *ids(run, each), "--json").stdout)[0]
        for each in ("missing_customer", "zero_price")
    ]
    assert [len(each["history"]) for each in told] == [1, 1]
    assert [each["history"][0]["detail"]["category"] for each in told] == ["missing_customer", "zero_price"]


def test_a_waiver_lets_the_record_pass_and_is_kept(billed: Run) -> None:
    [one] = ids(billed, "missing_customer")
    billed("exceptions", "resolve", one, "--reason", "a cash sale", *AS_OF)
    billed("release", *AS_OF)
    assert state_of(billed, "order_536366") == "released"
    output = billed("exceptions", "show", one).stdout
    assert "2011-01-10 by ada: a cash sale" in output
    assert "exception.waived" in output


def test_a_waiver_needs_its_reason(billed: Run) -> None:
    billed("exceptions", "resolve", *ids(billed, "missing_customer"), code=2)


def test_several_exceptions_are_changed_together_or_not_at_all(billed: Run) -> None:
    both = ids(billed, "missing_customer") + ids(billed, "mapping_defect")[:1]
    billed("exceptions", "assign", *both, "999", "--to", "frida", code=1)
    assert "frida" not in billed("exceptions", "list").stdout
    billed("exceptions", "assign", *both, "--to", "frida")
    assert billed("exceptions", "list").stdout.count("(frida)") == 2


def test_a_closed_exception_is_not_worked_on(billed: Run) -> None:
    [one] = ids(billed, "missing_customer")
    billed("exceptions", "resolve", one, "--reason", "a cash sale", *AS_OF)
    for command in (("resolve", one, "--reason", "again"), ("retry", one), ("assign", one, "--to", "x")):
        assert f"{one} is waived" in billed("exceptions", *command, code=4).stderr


def test_an_unknown_exception_is_said_so(billed: Run) -> None:
    assert "there is no exception 999" in billed("exceptions", "show", "999", code=1).stderr


def test_retry_of_what_was_not_mended_stays_open(billed: Run) -> None:
    [one] = ids(billed, "missing_customer")
    assert f"{one}: open" in billed("exceptions", "retry", one, *AS_OF).stdout
    assert state_of(billed, "order_536366") == "held"


def test_retry_runs_the_release_again_for_a_mended_record(billed: Run, retail: Callable[..., None]) -> None:
    [one] = ids(billed, "missing_customer")
    with open_engine().begin() as connection:  # as if the order had been corrected and synced
        body = "json_set(body, '$.customer_id', '13047')"
        connection.execute(
            text(f"UPDATE documents SET content_hash = 'new', body = {body} WHERE canonical_id = '536366'")
        )
    assert f"{one}: resolved" in billed("exceptions", "retry", one, *AS_OF).stdout
    assert state_of(billed, "order_536366") == "released"


def test_retry_maps_a_record_again_once_the_source_is_mended(billed: Run) -> None:
    both = ids(billed, "mapping_defect")  # the quantity, and the row as a whole
    with open_engine().begin() as connection:
        fixed = "replace(replace(body, '\"six\"', '\"6\"'), '\"Unreadable\"', '\"Raw\"')"
        connection.execute(text(f"UPDATE landed SET body = {fixed} WHERE external_id = '536368'"))
    output = billed("exceptions", "retry", *both, *AS_OF).stdout
    assert all(f"{one}: resolved" in output for one in both)


def test_retry_of_a_delivery_that_was_given_up_does_not_wait(billed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = {"host": "http://127.0.0.1:1", "login": "X", "password": "p"}
    extra = {"consumer_key": "a", "consumer_secret": "b", "token": "c"}
    monkeypatch.setenv("AIRFLOW_CONN_BILLHUB_NETSUITE", json.dumps({**nowhere, "extra": extra}))
    with open_engine().begin() as connection:
        connection.execute(text("UPDATE intents SET attempts = 4"))
    billed("deliver", *AS_OF)
    [one] = ids(billed, "failed_delivery")
    billed("exceptions", "retry", one, *AS_OF)
    customer = json.loads(billed("invoice", "show", "UK-000001", "--json").stdout)["deliveries"][0]
    assert [each["outcome"] for each in customer["attempts"]] == ["pending", "pending"]


# --- approvals


def test_approvals_show_amount_and_reason(billed: Run) -> None:
    output = billed("approvals", "list").stdout
    for wanted in ("order_536367", "141,000.00 GBP", "above the limit of 100,000.00 GBP", "ada"):
        assert wanted in output


def test_the_creator_is_refused(billed: Run) -> None:
    result = billed("approvals", "approve", "order_536367", code=4)
    assert (
        result.stderr.strip()
        == "ada created invoice order_536367 and may not approve or reject it; a second person has to decide"
    )
    assert state_of(billed, "order_536367") == "awaiting_approval"


def test_a_second_person_approves_and_the_next_release_lets_it_go(billed: Run) -> None:
    billed("approvals", "approve", "order_536367", "--actor", "frida", "--comment", "agreed", *AS_OF)
    billed("release", *AS_OF)
    assert state_of(billed, "order_536367") == "released"
    assert "frida" in billed("approvals", "list", "--state", "approved").stdout


def test_a_rejection_needs_its_reason_and_stops_the_invoice(billed: Run) -> None:
    billed("approvals", "reject", "order_536367", "--actor", "frida", code=2)
    billed("approvals", "reject", "order_536367", "--actor", "frida", "--comment", "wrong price", *AS_OF)
    billed("release", *AS_OF)
    assert state_of(billed, "order_536367") == "rejected"


def test_a_refusal_does_not_undo_the_others(billed: Run) -> None:
    result = billed("approvals", "approve", "order_536367", "order_536365", "--actor", "frida", code=4)
    assert "order_536367: approved by frida" in result.stdout
    assert "order_536365 is not waiting for approval" in result.stderr


def test_all_pending_is_asked_with_number_and_amount(billed: Run) -> None:
    asked = billed("approvals", "approve", "--all-pending", "--actor", "frida", code=1, typed="n\n")
    assert "approve 1 invoices, in all 141,000.00 GBP?" in asked.output
    assert state_of(billed, "order_536367") == "awaiting_approval"
    billed("approvals", "approve", "--all-pending", "--actor", "frida", typed="y\n")
    assert state_of(billed, "order_536367") == "ready"
    assert "nothing waits" in billed("approvals", "approve", "--all-pending", "--yes", "--actor", "frida").stdout


@pytest.mark.parametrize("arguments", [(), ("order_536367", "--all-pending")])
def test_approve_is_about_named_invoices_or_all(billed: Run, arguments: tuple[str, ...]) -> None:
    billed("approvals", "approve", *arguments, "--yes", "--actor", "frida", code=2)
    assert state_of(billed, "order_536367") == "awaiting_approval"


# --- invoices and audit


def test_invoices_are_listed_and_filtered(billed: Run) -> None:
    assert "UK-000001" in billed("invoice", "list").stdout
    held = json.loads(billed("invoice", "list", "--state", "held", "--json").stdout)
    assert [each["invoice_id"] for each in held] == ["order_536366"]
    assert json.loads(billed("invoice", "list", "--entity", "US", "--json").stdout) == []
    assert [
        each["number"] for each in json.loads(billed("invoice", "list", "--customer", "17850", "--json").stdout)
    ] == ["UK-000001"]


def test_a_held_invoice_tells_why(billed: Run) -> None:
    output = billed("invoice", "show", "order_536366").stdout
    for wanted in (
        "(no number yet)",
        "held",
        "1 failed",
        "HUB-O02",
        "missing_customer",
        "not decided yet",
        "none before its release",
    ):
        assert wanted in output


def test_a_released_invoice_tells_its_money(billed: Run) -> None:
    output = billed("invoice", "show", "UK-000001").stdout
    for wanted in (
        "Invoice UK-000001",
        "15.30 GBP",
        "Tax 17.5 % (S)",
        "2.68 GBP",
        "17.98 GBP",
        "United Kingdom",
        "balanced",
        "1100",
        "netsuite",
    ):
        assert wanted in output


def test_the_audit_is_verified(billed: Run) -> None:
    assert "the audit holds" in billed("audit", "verify").stdout
    assert json.loads(billed("audit", "verify", "--json").stdout)["first_broken"] is None


def test_a_broken_audit_is_seen(billed: Run) -> None:
    with open_engine().begin() as connection:  # behind the hub's back
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("UPDATE audit SET actor = 'nobody' WHERE seq = 2"))
    assert "broken at entry 2" in billed("audit", "verify", code=1).stderr
    assert json.loads(billed("audit", "verify", "--json", code=1).stdout)["first_broken"] == 2


# --- deliver


def test_nothing_to_deliver_is_said_so(run: Run) -> None:
    assert "nothing to do" in run("deliver", *AS_OF).stdout


def test_delivery_without_a_connection_names_it(billed: Run) -> None:
    assert "AIRFLOW_CONN_BILLHUB_NETSUITE" in billed("deliver", *AS_OF, code=3).stderr


# --- mappings


def test_mappings_are_listed_with_their_versions(run: Run) -> None:
    found = {each["mapping"]: each for each in json.loads(run("map", "list", "--json").stdout)}
    assert found["salesforce/account"]["fixtures"] >= 1
    assert len(found["salesforce/account"]["fingerprint"]) == 64
    assert "salesforce/account" in run("map", "list").stdout


@pytest.fixture
def account(tmp_path: Path) -> Path:
    path = tmp_path / "account.json"
    body = {
        "AccountNumber": "A-0001",
        "Name": "Northwind",
        "Active__c": "Yes",
        "BillingCountryCode": "us",
        "Grown__c": "new",
    }
    path.write_text(json.dumps(body))
    return path


def test_explain_shows_source_rule_and_reason(run: Run, account: Path) -> None:
    output = run("map", "explain", "salesforce/account", "--record", str(account)).stdout
    for wanted in ("BillingCountryCode", "country_code", "house terms apply", "Not mapped", "Grown__c"):
        assert wanted in output


def test_explain_for_scripts(run: Run, account: Path) -> None:
    told = json.loads(run("map", "explain", "salesforce/account", "--record", str(account), "--json").stdout)
    fields = {each["field"]: each for each in told["fields"]}
    assert (fields["address.country"]["value"], fields["address.country"]["result"]) == ("us", "US")
    assert told["unmapped"] == ["Grown__c"]
    assert told["problems"] == []


def test_explain_ends_with_1_for_a_record_that_cannot_be_mapped(run: Run, account: Path) -> None:
    account.write_text(account.read_text().replace('"Yes"', '"Perhaps"'))
    assert "Perhaps" in run("map", "explain", "salesforce/account", "--record", str(account), code=1).stderr


def test_explain_of_no_json_and_of_no_mapping(run: Run, account: Path) -> None:
    assert "no such mapping" in run("map", "explain", "salesforce/nothing", "--record", str(account), code=1).stderr
    account.write_text("{")
    assert (
        "account.json is no JSON"
        in run("map", "explain", "salesforce/account", "--record", str(account), code=1).stderr
    )


def test_fixtures_are_run(run: Run) -> None:
    assert "salesforce/account: " in run("map", "test", "salesforce/account").stdout


# --- doctor


def findings(run: Run, code: int) -> dict[str, dict[str, Any]]:
    return {each["what"]: each for each in json.loads(run("doctor", "--json", code=code).stdout)}


def test_doctor_names_what_is_missing_and_who_needs_it(run: Run) -> None:
    run("runs", "list")
    found = findings(run, exits.CONFIGURATION)
    good = ("policy file", "flows", "mappings", "store", "deliveries", "connection tax_table")
    assert {found[each]["code"] for each in good} == {exits.DONE}
    assert "AIRFLOW_CONN_BILLHUB_SALESFORCE" in found["connection salesforce"]["text"]
    assert "needed by US, DE, JP, flow sync_accounts, flow sync_contracts" in found["connection salesforce"]["text"]
    result = run("doctor", code=exits.CONFIGURATION)
    assert "ok         store" in result.stdout
    assert "wrong      connection netsuite" in result.stderr


def test_doctor_does_not_touch_a_store_without_tables(run: Run) -> None:
    for _ in range(2):
        assert "has schema none" in findings(run, exits.CONFIGURATION)["store"]["text"]


def test_doctor_reports_a_policy_file_that_does_not_fit_and_goes_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policy.yaml").write_text("version: one\n")
    monkeypatch.setenv("HUB_POLICY_FILE", str(tmp_path / "policy.yaml"))
    found = findings(run, exits.CONFIGURATION)
    assert found["policy file"]["code"] == exits.CONFIGURATION
    assert found["mappings"]["code"] == exits.DONE


def test_doctor_ends_with_5_when_all_is_configured_but_a_system_does_not_answer(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("runs", "list")
    (tmp_path / "policy.yaml").write_text(_one_entity_policy())
    (tmp_path / "flows").mkdir()
    monkeypatch.setenv("HUB_POLICY_FILE", str(tmp_path / "policy.yaml"))
    monkeypatch.setenv("HUB_FLOWS_DIR", str(tmp_path / "flows"))
    nowhere = {"host": "http://127.0.0.1:1", "login": "X", "password": "secret-token"}
    nowhere["extra"] = {"consumer_key": "a", "consumer_secret": "b", "token": "c"}
    monkeypatch.setenv("AIRFLOW_CONN_BILLHUB_NETSUITE", json.dumps(nowhere))
    found = findings(run, exits.UNAVAILABLE)
    assert found["connection netsuite"]["code"] == exits.UNAVAILABLE
    assert "secret-token" not in json.dumps(found)


def _one_entity_policy() -> str:
    """The shipped policy with only the entity whose systems the test sets up."""
    policy = yaml.safe_load(DEFAULT_FILE.read_text("utf-8"))
    policy["entities"] = {"UK": policy["entities"]["UK"]}
    return yaml.safe_dump(policy)
