"""`billhub drift`: what people see of drift, and how they decide."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from billhub.cli import app, exits
from billhub.hub import Hub, open_hub
from canonical_model.encoding import encode

sys.path.insert(0, str(Path(__file__).parent))

from conftest import AS_OF
from drift_ground import NEW, WHOLE, account, bring_in, map_all

Run = Callable[..., Any]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub on the store that the commands find, with two accounts that wait and one that was mapped."""
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    monkeypatch.setenv("HUB_DATABASE_URL", url)
    opened = open_hub(as_of=AS_OF, actor="olive", url=url)
    bring_in(opened, account("A-1", **NEW), account("A-2", **NEW), account("A-3"))
    return opened


@pytest.fixture
def run(hub: Hub) -> Run:
    """Runs a command and checks its exit code; gives back what it wrote."""

    def invoke(*arguments: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


def test_drift_is_listed_with_value_records_and_policy(run: Run) -> None:
    shown = " ".join(run("drift", "list").stdout.split())
    assert (
        "1 salesforce/account new_field Segment__c nothing something Enterprise 2 quarantine open 2026-01-15" in shown
    )
    [row] = json.loads(run("drift", "list", "--json").stdout)
    assert (row["drift_id"], row["records"], row["expected"]) == (1, {"quarantined": 2}, "nothing")
    assert json.loads(run("drift", "list", "--state", "accepted", "--json").stdout) == []


def test_one_drift_is_shown_with_who_reads_the_field_and_examples(run: Run) -> None:
    shown = " ".join(run("drift", "show", "1").stdout.split())
    for wanted in (
        "sample Enterprise",
        "records 2 quarantined",
        "read by none",
        "examples A-1, A-2",
        "accept 1 --reason",
    ):
        assert wanted in shown
    data = json.loads(run("drift", "show", "1", "--json").stdout)
    assert (data["mapping"], data["read_by"], data["examples"]) == ("salesforce/account version 1", [], ["A-1", "A-2"])


def test_a_field_that_is_read_is_shown_with_the_fields_it_makes(run: Run, hub: Hub) -> None:
    bring_in(hub, account("A-4", Tax_Registration__c={"odd": 1}))
    assert json.loads(run("drift", "show", "2", "--json").stdout)["read_by"] == ["tax_id"]


def test_accepted_records_are_mapped_by_the_next_run(run: Run, hub: Hub) -> None:
    said = run(
        "drift", "accept", "1", "--reason", "nobody reads it", "--actor", "frida", "--as-of", "2026-01-16"
    ).stdout
    assert said == "drift 1 accepted; records: 2 back to work\n"
    assert map_all(hub) == {"mapped": 2}
    [row] = json.loads(run("drift", "list", "--state", "accepted", "--json").stdout)
    assert (row["decided_by"], row["decided_on"], row["reason"]) == ("frida", "2026-01-16", "nobody reads it")
    assert row["records"] == {"mapped": 2}


def test_refused_records_stay_refused(run: Run) -> None:
    assert run("drift", "refuse", "1", "--reason", "put it back").stdout == "drift 1 refused; records: 2 refused\n"
    assert "drift 1 was refused by" in run("drift", "refuse", "1", "--reason", "again", code=exits.REFUSED).stderr
    assert run("drift", "accept", "1", "--reason", "after all").stdout == "drift 1 accepted; records: 2 back to work\n"


def test_a_decision_needs_a_reason_and_a_drift(run: Run) -> None:
    assert "a decision needs its reason" in run("drift", "accept", "1", code=exits.REFUSED).stderr
    assert "there is no drift 7; see billhub drift list" in run("drift", "show", "7", code=exits.REFUSED).stderr
    assert "there is no drift 7" in run("drift", "refuse", "7", "--reason", "x", code=exits.REFUSED).stderr


def test_a_source_that_no_flow_brings_in_cannot_be_checked(run: Run) -> None:
    assert "no flow brings in anything from 'acme'" in run("drift", "check", "acme", code=exits.CONFIGURATION).stderr


def test_a_source_that_cannot_describe_is_said_to_be_so(run: Run) -> None:
    said = run("drift", "check", "online_retail")
    assert said.stderr == "online_retail cannot describe its fields: drift shows only on its records\n"
    found = json.loads(run("drift", "check", "online_retail", "--json").stdout)
    assert found == {"cannot_describe": ["online_retail"], "described": []}


def test_a_contract_is_drafted_from_records(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    file.write_bytes(encode([{**WHOLE, **NEW}, {**WHOLE, "Billing_Email__c": None}]))
    text = run("map", "contract", "salesforce/account", "--records", str(file)).stdout
    assert "  Segment__c: {type: text, optional: true}\n" in text
    assert "  Billing_Email__c: [text, null]\n" in text
    assert (
        "only records of a source have a contract" in run("map", "contract", "stripe/invoice", code=exits.FAILED).stderr
    )
