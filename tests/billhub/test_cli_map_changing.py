"""Changing a mapping from the command line: what is seen, what is refused, and the exact command to run next."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from billhub.cli import app, exits
from billhub.cli.examination import examine
from billhub.hub import Hub, open_hub
from billhub.promotion.references import on_disk
from billhub.store import mapping_versions
from billhub.store.engine import transaction

sys.path.insert(0, str(Path(__file__).parent))

from promotion_ground import ACCOUNTS, ORDERS, account, activate, altered, brought_in, order, release_orders

AS_OF = ("--as-of", "2026-01-15")
INVOICE = "netsuite/invoice"

Run = Callable[..., Any]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_file: Path) -> Iterator[Hub]:
    """A store with two customers and a released order; ada acts."""
    (tmp_path / "hub.sqlite").write_bytes(store_file.read_bytes())
    monkeypatch.setenv("HUB_DATABASE_URL", f"sqlite:///{tmp_path / 'hub.sqlite'}")
    monkeypatch.setenv("HUB_ACTOR", "ada")
    monkeypatch.setenv("AIRFLOW_CONN_BILLHUB_TAX_TABLE", "{}")
    hub = open_hub(as_of=None, actor="ada")
    brought_in(hub, ACCOUNTS, account("A-1"), account("A-2", Name="North\nwind"))
    brought_in(hub, ORDERS, order("1", ("6", "2.55"), ("4", "0.333")))
    release_orders(hub)
    yield hub
    hub.close()


@pytest.fixture
def run(hub: Hub) -> Run:
    """Runs `billhub map ...` and checks its exit code."""

    def invoke(*arguments: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, ["map", *arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


@pytest.fixture
def older(hub: Hub) -> str:
    """The files differ from the active version of netsuite/invoice. Gives the latter's fingerprint."""
    version = altered(INVOICE, ('separator: " "', 'separator: "/"'), version=1)
    activate(hub, version)
    return version.fingerprint


def written(folder: Path, name: str, old: str, new: str) -> str:
    """The shipped mapping with a changed line, as a file of its own."""
    bundle = on_disk(name).bundle
    file = folder / bundle.file
    file.parent.mkdir(parents=True)
    assert old in bundle.files[bundle.file]
    file.write_text(bundle.files[bundle.file].replace(old, new), "utf-8")
    return str(file)


@pytest.fixture
def one_line(tmp_path: Path) -> str:
    return written(
        tmp_path,
        "salesforce/account",
        "name: {from: Name, transform: text}",
        "name: {from: Name, transform: [text, one_line]}",
    )


# looking


def test_versions_for_people_and_for_scripts(run: Run, older: str) -> None:
    shown = run("versions", INVOICE).stdout
    assert "retired, on disk" in shown
    assert older[:12] in shown
    found = json.loads(run("versions", INVOICE, "--json").stdout)
    assert [(each["state"], each["version"], each["by"]) for each in found] == [
        ("active", 1, "ada"),
        ("retired", on_disk(INVOICE).number, "ada"),
    ]
    assert "online_retail/order" in run("versions").stdout
    assert "there is no mapping 'x/y'" in run("versions", "x/y", code=exits.CONFIGURATION).stderr


def test_a_diff_is_told_by_field_with_its_sums_and_hash(run: Run, one_line: str) -> None:
    shown = run("diff", one_line).stdout
    assert "salesforce/account@active: version 1" in shown
    assert "2 landed records of salesforce/account" in shown
    assert "North, wind" in shown
    assert "1 of 2 differ (1 changed), 0 invoices are affected; nothing was written" in shown
    summary = json.loads(run("diff", one_line, "--json").stdout)["summary"]
    assert f"diff hash: {summary['hash']}" in shown
    same = json.loads(run("diff", "salesforce/account@active", one_line, "--json").stdout)["summary"]
    assert same["hash"] == summary["hash"]


def test_a_diff_for_a_script_has_every_record(run: Run, one_line: str) -> None:
    told = json.loads(run("diff", one_line, "--json").stdout)
    [change] = told["changes"]
    assert (change["subject"], change["effect"], change["fields"]) == (
        "A-2",
        "changed",
        [{"path": "name", "kind": "changed", "old": "North\nwind", "new": "North, wind"}],
    )
    assert (told["summary"]["examined"], told["summary"]["effects"]) == (2, {"changed": 1})
    nothing = json.loads(run("diff", "salesforce/account", "--json").stdout)
    assert (nothing["changes"], nothing["summary"]["effects"]) == ([], {})


def test_all_lists_every_record_with_its_invoices_and_amounts(run: Run, tmp_path: Path) -> None:
    file = written(tmp_path, "online_retail/order", "{from: Quantity,", "{from: LineNo,")
    shown = run("diff", file, "--all").stdout
    assert "lines[0].quantity changes: 6 -> 1" in shown
    assert "invoice UK-000001 (released): net 16.63 GBP -> 3.22 GBP, -13.41 GBP" in shown
    assert "released already: not changed by this; a correction needs a credit note" in shown


def test_dangerous_and_unread_is_said_aloud(run: Run, tmp_path: Path) -> None:
    file = written(tmp_path, "salesforce/account", "customer_id: {from: AccountNumber,", "customer_id: {from: Name,")
    shown = run("diff", file, "--all").stdout
    assert "DANGEROUS: 2 records would become other documents" in shown
    assert "becomes document Northwind instead of A-1" in shown
    assert "AccountNumber  no longer read or ignored" in shown


def test_a_sample_says_that_it_is_one(run: Run, one_line: str) -> None:
    assert "of a sample: a promotion needs that of everything" in run("diff", one_line, "--sample", "1").stdout


def test_what_cannot_be_compared_is_said(run: Run, one_line: str) -> None:
    assert "different mappings" in run("diff", one_line, INVOICE, code=exits.CONFIGURATION).stderr
    assert "there is no version 77" in run("diff", f"{INVOICE}@77", code=exits.CONFIGURATION).stderr


# deciding


def test_a_promotion_shows_the_effect_first_and_then_takes_the_command_it_named(run: Run, older: str) -> None:
    asked = run("promote", INVOICE, "--reason", "as it's meant", *AS_OF, code=exits.REFUSED)
    assert "Invoice/order_1" in asked.stdout
    assert "pending: would be sent differently" in asked.stdout
    command = next(line for line in asked.stderr.splitlines() if "billhub map promote" in line)
    words = shlex.split(command[command.index("billhub map promote") :])
    assert words[2:6] == ["promote", INVOICE, "--reason", "as it's meant"]
    number = on_disk(INVOICE).number
    assert f"{INVOICE}: version {number} (" in run(*words[2:]).stdout
    assert f"version {number} of {INVOICE}" in run(*words[2:], code=exits.REFUSED).stderr  # is active already

    back = run("rollback", INVOICE, "--reason", "the slash was right", *AS_OF).stdout
    assert f"version 1 ({older[:12]}) is active again" in back
    states = [each["state"] for each in json.loads(run("versions", INVOICE, "--json").stdout)]
    assert states == ["active", "retired"]


def test_a_hash_that_is_not_that_of_the_effect_is_refused(run: Run, older: str) -> None:
    refused = run("promote", INVOICE, "--reason", "x", "--diff", "0" * 64, *AS_OF, code=exits.REFUSED)
    assert "the effect is no longer what was looked at" in refused.stderr
    assert [
        each["version"] for each in json.loads(run("versions", INVOICE, "--json").stdout) if each["state"] == "active"
    ] == [1]


def test_a_decision_needs_its_reason(run: Run) -> None:
    for command in ("promote", "rollback"):
        assert "say why" in run(command, INVOICE, code=exits.USAGE).stderr


def test_nothing_to_promote_and_nothing_to_go_back_to(run: Run) -> None:
    assert "is active already" in run("promote", INVOICE, "--reason", "x", code=exits.REFUSED).stderr
    assert "has no version before" in run("rollback", INVOICE, "--reason", "x", code=exits.REFUSED).stderr


def test_a_rollback_says_how_many_records_wait(run: Run, hub: Hub) -> None:
    activate(
        hub, altered("salesforce/account", ("billing_email: {from: Billing_Email__c,", "billing_email: {from: Name,"))
    )
    shipped = on_disk("salesforce/account").fingerprint[:10]
    later = open_hub(as_of=None, actor="ada")
    brought_in(later, ACCOUNTS, account("A-3"))
    later.close()
    back = run("rollback", "salesforce/account", "--to", shipped, "--reason", "e-mails were names", "--remap", *AS_OF)
    assert "1 records wait to be mapped again" in back.stdout


# doctor


def findings() -> dict[str, Any]:
    return {each.what: each for each in examine()}


def test_doctor_names_the_files_that_differ_from_the_active_versions(older: str) -> None:
    found = findings()["active mappings"]
    assert found.code == exits.DONE
    assert f"files that differ: {INVOICE}, see billhub map diff {INVOICE}" in found.text


def test_doctor_names_an_active_version_that_cannot_be_compiled(hub: Hub) -> None:
    bundle = on_disk(INVOICE).bundle
    broken = type(bundle)(name=INVOICE, files={bundle.file: "version: 1\n"})
    with transaction(hub.engine) as connection:
        mapping_versions.keep(connection, [(broken, 1)], on="2026-01-01", by="ada")
        made = mapping_versions.history(connection, INVOICE)[0]
        values = {name: getattr(made, name) for name in made.__struct_fields__}
        mapping_versions.activate(connection, [type(made)(**values | {"fingerprint": broken.fingerprint})])
    found = findings()["active mappings"]
    assert found.code == exits.CONFIGURATION
    assert f"this release cannot compile the active version 1 of {INVOICE}" in found.text
    assert f"mend it with billhub map promote {INVOICE}" in found.text
