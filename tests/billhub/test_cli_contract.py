"""The worked example through the commands alone: from a signed contract in the CRM to the invoice in the books, against all stand-ins."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

import sandbox
from billhub.cli import app
from billhub.demo.connections import sandbox_environment
from sandbox.server import DEFAULT_SEED

AS_OF = ("--as-of", "2026-01-15")
ACCOUNTS = {"A-0001", "A-0907"}
"""The worked example, and a buyer who wants a purchase order number and gave none."""

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sandbox.Endpoints]:
    """All stand-ins, with a CRM that has two customers only."""
    folder = tmp_path_factory.mktemp("contract")
    shutil.copytree(DEFAULT_SEED, folder / "seed")
    crm = folder / "seed" / "salesforce"
    _keep(crm / "Account.csv", "AccountNumber", ACCOUNTS)
    _keep(crm / "Contact.csv", "Account.AccountNumber", ACCOUNTS)
    contracts = _keep(crm / "Contract.csv", "Account.AccountNumber", ACCOUNTS, gives="ContractNumber")
    _keep(crm / "Contract_Amendment__c.csv", "Contract__r.ContractNumber", contracts)
    deals = _keep(crm / "Opportunity.csv", "Account.AccountNumber", ACCOUNTS, gives="Name")
    _keep(crm / "OpportunityLineItem.csv", "Opportunity.Name", deals)
    orders = _keep(crm / "Order.csv", "Contract.ContractNumber", contracts, gives="OrderNumber")
    _keep(crm / "OrderItem.csv", "Order.OrderNumber", orders)
    with sandbox.serve(folder / "state", seed_dir=folder / "seed") as running:
        yield running


@pytest.fixture(scope="module")
def run(endpoints: sandbox.Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The commands on one store; ada creates and frida approves, and AvaTax refuses the recorded document once."""
    state = {"HUB_DATABASE_URL": "", "HUB_STATE_DIR": str(tmp_path_factory.mktemp("hub")), "HUB_ACTOR": "ada"}
    environment = {**sandbox_environment(endpoints), **state}

    def invoke(*arguments: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, arguments, env=environment)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    for flow in ("sync_accounts", "sync_contracts"):
        invoke("sync", "--flow", flow, *AS_OF)
    invoke("release", *AS_OF)
    invoke("approvals", "approve", "C-000001_2026-01-01", "--actor", "frida", "--comment", "as signed", *AS_OF)
    invoke("release", *AS_OF)
    _refuse_once(endpoints["avatax"])
    return invoke


@pytest.fixture(scope="module")
def refused(run: Run) -> str:
    """What deliver said when AvaTax refused."""
    output: str = run("deliver", *AS_OF).stdout
    return output


@pytest.fixture(scope="module")
def story(run: Run, refused: str) -> str:
    """The story of the invoice once the refused delivery was retried."""
    [exception] = json.loads(run("exceptions", "list", "--category", "target_rejected", "--json").stdout)
    output = run("exceptions", "retry", str(exception["exception_id"]), *AS_OF).stdout
    assert f"{exception['exception_id']}: resolved" in output
    told: str = run("invoice", "show", "US-000001").stdout
    return told


def test_a_refused_delivery_waits_at_the_desk_and_holds_back_what_follows(refused: str) -> None:
    assert "1 rejected" in refused
    assert "not delivered yet: " in refused
    assert "pending" in refused


def test_retry_delivers_to_every_target(run: Run, story: str) -> None:
    told = json.loads(run("invoice", "show", "US-000001", "--json").stdout)
    assert told["state"] == "delivered"
    assert {each["target"] for each in told["deliveries"]} == {"avatax", "netsuite", "stripe", "email", "salesforce"}
    assert {each["state"] for each in told["deliveries"]} == {"confirmed"}
    tax = next(each for each in told["deliveries"] if each["target"] == "avatax")
    assert [each["outcome"] for each in tax["attempts"]] == ["rejected", "confirmed"]


@pytest.mark.parametrize(
    "wanted",
    [
        "Northwind Analytics Corp (A-0001)",
        "Purchase order  PO-70468",
        "PLAT-ENT",
        "120,000.00 USD",
        "Tax 8 % (S)",
        "9,600.00 USD",
        "129,600.00 USD",
        "480,000.00 USD",
        "2026-10-01",
        "salesforce/contract, version 1",
        "MONROE",
        "4,800.00 USD",
        "as signed",
        "frida",
        "Deferred revenue",
        "balanced",
    ],
)
def test_the_story_for_a_finance_person(story: str, wanted: str) -> None:
    assert wanted in story


def test_all_four_periods_of_the_year_are_in_the_story(story: str) -> None:
    schedule = story.split("Billing schedule of C-000001", 1)[1].split("Made from", 1)[0]
    assert schedule.count("120,000.00 USD") == 4
    assert schedule.count("480,000.00 USD") == 2
    assert "US-000001, delivered" in schedule


def test_a_held_invoice_names_rule_and_owner(run: Run) -> None:
    told = json.loads(run("invoice", "show", "C-000907_2026-01-01", "--json").stdout)
    assert told["state"] == "held"
    assert [check["rule"] for check in told["checks"] if check["result"] == "failed"] == ["HUB-C18"]
    assert [(each["category"], each["owner"]) for each in told["exceptions"]] == [
        ("missing_purchase_order", "account-manager")
    ]


def test_doctor_is_content(run: Run) -> None:
    output = run("doctor").stdout
    for system in ("avatax", "netsuite", "stripe", "email", "salesforce", "tax_table"):
        assert f"ok         connection {system}: " in output


def test_the_audit_holds_to_the_end(run: Run, story: str) -> None:
    assert "the audit holds" in run("audit", "verify").stdout


def _keep(path: Path, column: str, wanted: set[str], *, gives: str | None = None) -> set[str]:
    """Leave only the rows with one of these values; returns what these have in another column."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row[column] in wanted]
    with path.open(newline="", encoding="utf-8") as file:
        header = next(csv.reader(file))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)
    return {row[gives or column] for row in rows}


def _refuse_once(url: str) -> None:
    reason = {"code": "InvalidAddress", "message": "The address is not deliverable.", "details": []}
    fault = {"match": "POST /api/v2/transactions/create", "fault": "status", "status": 400, "body": {"error": reason}}
    answer = requests.post(f"{url}/_sandbox/faults", json=fault, timeout=30)
    assert answer.status_code == 201, answer.text
