"""`billhub map test`, `mutate` and `record`: differences that a person can read, what the fixtures overlook, and fixtures from landed records."""

import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from billhub.cli import app, exits
from billhub.cli.mapping.differing import WIDTH, abbreviated
from billhub.store import landed
from billhub.store.engine import open_engine, transaction
from connectors.contract import Page, RawRecord
from mappings import catalogue

Run = Callable[..., Any]
NAME = "salesforce/account"


@pytest.fixture
def run() -> Run:
    """Runs a command and checks its exit code; gives back what it wrote."""

    def invoke(*arguments: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, ("map", *arguments))
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


def change(file: Path, **fields: Any) -> None:
    """Other fields in a fixture's file; None takes one away."""
    content = json.loads(file.read_text("utf-8")) | fields
    file.write_text(json.dumps({name: value for name, value in content.items() if value is not None}), "utf-8")


# --- test


def test_sound_mappings_are_counted(run: Run, account_folder: Path) -> None:
    assert len(list(account_folder.glob("*.in.json"))) == 2
    output = run("test", NAME).stdout
    assert "salesforce/account: 2 fixtures" in output
    assert "all fixtures of 1 mappings hold" in output


def test_a_difference_is_shown_aligned_with_its_rule_and_line(run: Run, account_folder: Path) -> None:
    change(account_folder / "account.full.out.json", name="Southwind", tax_id=None, extra=1)
    result = run("test", NAME, code=1)
    lines = result.stdout.splitlines()
    assert "salesforce/account: 2 fixtures, broken" in lines
    assert "  account.full" in lines
    at = next(
        index
        for index, line in enumerate(lines)
        if line.startswith("    name is not what the fixture says (salesforce/account.yaml:")
    )
    assert lines[at].endswith(": from, text)")
    assert lines[at + 1 : at + 3] == ['      expected  "Southwind"', '      got       "Northwind Analytics Corp"']
    assert any(line.startswith("    tax_id is not in the fixture (") for line in lines)
    assert "    extra is missing (salesforce/account.yaml has no rule for it)" in lines
    assert "1 of 1 mappings do not keep to their fixtures: 3 differences in 1 fixtures" in result.stderr


def test_a_new_problem_reads_like_a_sentence(run: Run, account_folder: Path) -> None:
    change(account_folder / "account.full.in.json", BillingCountryCode="ZZ")
    output = run("test", NAME, code=1).stdout
    assert "    address.country is refused (salesforce/account.yaml:" in output
    assert "      got       a problem: 'ZZ' is not a country code of ISO 3166-1 alpha-2" in output


def test_update_shows_what_it_changes_and_writes_it(run: Run, account_folder: Path) -> None:
    change(account_folder / "account.full.in.json", Name="Southwind")
    output = run("test", NAME, "--update").stdout
    assert 'got       "Southwind"' in output
    assert "  wrote account.full.out.json" in output
    assert json.loads((account_folder / "account.full.out.json").read_text("utf-8"))["name"] == "Southwind"
    assert "wrote" not in run("test", NAME, "--update").stdout


def test_update_writes_an_outcome_that_is_not_there_yet(run: Run, account_folder: Path) -> None:
    shutil.copy(account_folder / "account.full.in.json", account_folder / "account.fresh.in.json")
    assert "account.fresh.in.json has no outcome" in run("test", NAME, code=1).stdout
    assert "  wrote account.fresh.out.json" in run("test", NAME, "--update").stdout
    run("test", NAME)


def test_update_leaves_what_it_cannot_mend(run: Run, account_folder: Path) -> None:
    (account_folder / "account.full.in.json").unlink()
    assert "account.full.out.json has no input" in run("test", NAME, "--update", code=1).stdout
    assert (account_folder / "account.full.out.json").exists()


def test_a_mapping_without_fixtures_is_not_sound(run: Run, account_folder: Path) -> None:
    for file in account_folder.glob("*.json"):
        file.unlink()
    assert "no fixtures: write salesforce/account.<case>.in.json" in run("test", NAME, code=1).stdout


def test_fixtures_for_scripts(run: Run, account_folder: Path) -> None:
    change(account_folder / "account.full.out.json", name="Southwind")
    (told,) = json.loads(run("test", NAME, "--json", code=1).stdout)
    assert (told["mapping"], told["fixtures"], told["written"]) == (NAME, 2, [])
    (difference,) = told["differences"]
    assert (difference["case"], difference["path"], difference["kind"]) == ("account.full", "name", "changed")
    assert json.loads(run("test", NAME, "--json", "--update").stdout)[0]["written"] == ["account.full.out.json"]


@pytest.mark.parametrize(
    ("expected", "actual", "shown"),
    [
        ("short", "other", ("short", "other")),
        ("a" * 300, "a" * 300 + "b", ("a" * WIDTH + "...", "a" * WIDTH + "...")),
        ("a" * 200 + "x" + "a" * 20, "a" * 200 + "y", ("..." + "a" * 30 + "x" + "a" * 20, "..." + "a" * 30 + "y")),
        ("x" * 300, "y", ("x" * WIDTH + "...", "y")),
    ],
)
def test_long_values_are_cut_around_what_differs(expected: str, actual: str, shown: tuple[str, str]) -> None:
    assert abbreviated(expected, actual) == shown


# --- mutate


def test_what_no_fixture_notices_is_told_with_line_and_change(run: Run, account_folder: Path) -> None:
    result = run("mutate", NAME)
    assert "salesforce/account" in result.stdout
    (line,) = [line for line in result.stdout.splitlines() if "address.region does without upper" in line]
    file, number, _ = line.split(":", 2)
    text = (account_folder.parent / file).read_text("utf-8").splitlines()[int(number) - 1]
    assert text.strip().startswith("region: ")
    assert " mutants are caught" in result.stdout


@pytest.mark.usefixtures("account_folder")
def test_a_threshold_decides_the_exit_code(run: Run) -> None:
    share = json.loads(run("mutate", NAME, "--json").stdout)[0]["percent"]
    run("mutate", NAME, "--at-least", str(share))
    assert (
        f"less than {share + 1} % of the mutants of {NAME} ({share} %)"
        in run("mutate", NAME, "--at-least", str(share + 1), code=1).stderr
    )


def test_scores_for_scripts(run: Run) -> None:
    (told,) = json.loads(run("mutate", "tax_table/transaction", "--json").stdout)
    assert told["mutants"] == told["caught"] + len(told["survivors"])
    assert told["percent"] == 100 * told["caught"] // told["mutants"]
    assert told["refused"] > 0


def test_a_mapping_that_is_not_sound_is_not_judged(run: Run, account_folder: Path) -> None:
    change(account_folder / "account.full.out.json", name="Southwind")
    assert "see billhub map test salesforce/account" in run("mutate", NAME, code=1).stderr


# --- record


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_file: Path) -> Path:
    """A store with two versions of one account and one of another."""
    shutil.copy(store_file, tmp_path / "hub.sqlite")
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    monkeypatch.setenv("HUB_DATABASE_URL", url)
    body = json.loads((catalogue.ROOT / "salesforce" / "account.full.in.json").read_text("utf-8"), parse_float=Decimal)
    records = [
        RawRecord(external_id="A-0001", version="1", body=body | {"Active__c": "No"}),
        RawRecord(external_id="A-0001", version="2", body=body | {"Phone": "+1 585 555 0100"}),
        RawRecord(external_id="A-0002", version="1", body=body | {"Active__c": "Perhaps"}),
    ]
    engine = open_engine(url)
    with transaction(engine) as connection:
        landed.land(connection, "salesforce", "account", Page(records=tuple(records), cursor="1", has_more=False))
    engine.dispose()
    return tmp_path


def recorded(folder: Path, case: str) -> tuple[dict[str, Any], dict[str, Any]]:
    given, expected = (json.loads((folder / f"account.{case}.{end}.json").read_text("utf-8")) for end in ("in", "out"))
    return given, expected


@pytest.mark.usefixtures("store")
def test_a_landed_record_becomes_a_masked_fixture_beside_the_mapping(run: Run, account_folder: Path) -> None:
    output = run("record", NAME, "A-0001", "--case", "seen").stdout
    given, expected = recorded(account_folder, "seen")
    assert given["Active__c"] == "Yes"  # the newest version
    assert given["Phone"] != "+1 585 555 0100"
    assert given["Billing_Email__c"].endswith(".example")
    assert expected["name"] == given["Name"] != "Northwind Analytics Corp"
    assert "account.seen.in.json" in output
    assert "account.seen.out.json" in output
    assert "masked (1)" in output
    assert "kept: country" in output
    assert "Northwind" not in output
    assert "salesforce/account: 3 fixtures" in run("test", NAME).stdout


def test_a_defect_stays_the_defect_it_is(run: Run, store: Path) -> None:
    run("record", NAME, "A-0002", "--case", "unknown_status", "--to", str(store / "new"))
    given, expected = recorded(store / "new", "unknown_status")
    assert given["Active__c"] not in ("Perhaps", "Yes", "No")
    assert [each["field"] for each in expected["problems"]] == ["status"]


def test_any_version_can_be_recorded_with_a_salt_and_kept_paths(run: Run, store: Path) -> None:
    told = [
        json.loads(
            run(
                "record",
                NAME,
                "--landed-id",
                number,
                "--case",
                f"v{number}",
                "--to",
                str(store),
                "--salt",
                "s",
                "--keep",
                "Name",
                "--json",
            ).stdout
        )
        for number in ("1", "2")
    ]
    (first, _), (second, _) = recorded(store, "v1"), recorded(store, "v2")
    assert (first["Active__c"], second["Active__c"]) == ("No", "Yes")
    assert first["AccountNumber"] == second["AccountNumber"] != "A-0001"
    assert first["Name"] == "Northwind Analytics Corp"
    assert told[0]["kept"]["Name"] == "asked for"
    assert [Path(file).name for file in told[1]["files"]] == ["account.v2.in.json", "account.v2.out.json"]


def test_a_fixture_is_not_overwritten_unless_asked(run: Run, store: Path) -> None:
    run("record", NAME, "A-0001", "--case", "seen", "--to", str(store))
    before = (store / "account.seen.in.json").read_bytes()
    message = run("record", NAME, "A-0001", "--case", "seen", "--to", str(store), code=1).stderr
    assert "account.seen.in.json and account.seen.out.json exist already" in message
    assert (store / "account.seen.in.json").read_bytes() == before
    run("record", NAME, "A-0001", "--case", "seen", "--to", str(store), "--force")
    assert (store / "account.seen.in.json").read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((NAME, "A-9999", "--case", "x"), exits.FAILED, "no account A-9999 has come in from salesforce"),
        ((NAME, "--landed-id", "99", "--case", "x"), exits.FAILED, "no account number 99 has come in"),
        (("salesforce/contract", "--landed-id", "1", "--case", "x"), exits.FAILED, "no contract number 1 has come in"),
        ((NAME, "--case", "x"), exits.USAGE, "say which record"),
        ((NAME, "A-0001", "--landed-id", "1", "--case", "x"), exits.USAGE, "say which record"),
        ((NAME, "A-0001", "--case", "../x"), exits.USAGE, "cannot name a fixture"),
        ((NAME, "A-0001", "--case", "x", "--keep", "Nmae"), exits.FAILED, "'Nmae' cannot be kept"),
        (("salesforce/nothing", "A-0001", "--case", "x"), exits.FAILED, "no such mapping"),
    ],
)
def test_what_cannot_be_recorded_is_said_and_nothing_is_written(
    run: Run, store: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    assert message in run("record", *arguments, "--to", str(store / "new"), code=code).stderr
    assert not (store / "new").exists()
