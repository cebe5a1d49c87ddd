"""Fixtures are run, their differences say where to look, and outcomes are written anew on request."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mappings
from mappings import catalogue
from mappings.testing.fixtures import Difference, read_input, run_fixtures, update_fixtures

NAME = "salesforce/account"
Change = Callable[..., None]


@pytest.fixture
def change(account_folder: Path) -> Change:
    """Changes fields of a fixture's file; None takes one away."""

    def write(file: str, **fields: Any) -> None:
        content = json.loads((account_folder / file).read_text("utf-8")) | fields
        kept = {name: value for name, value in content.items() if value is not None}
        (account_folder / file).write_text(json.dumps(kept), "utf-8")

    return write


@pytest.mark.usefixtures("account_folder")
def test_a_sound_mapping_has_no_differences() -> None:
    assert run_fixtures(NAME) == []
    assert update_fixtures(NAME) == []


def test_a_difference_names_case_place_rule_and_line(change: Change) -> None:
    change("account.full.out.json", name="Southwind")
    (difference,) = run_fixtures(NAME)
    assert difference == Difference(
        case="account.full",
        path="name",
        kind="changed",
        expected="Southwind",
        actual="Northwind Analytics Corp",
        rule="from, text",
        origin=difference.origin,
    )
    file, line = difference.origin.split(":")
    assert (catalogue.ROOT / file).read_text("utf-8").splitlines()[int(line) - 1].strip().startswith("name: ")


def test_a_nested_object_is_traced_to_a_field_in_it_and_a_part_of_money_to_the_money(change: Change) -> None:
    change("account.full.out.json", address=None)
    (difference,) = run_fixtures(NAME)
    assert (difference.path, difference.kind, difference.rule) == ("address", "unexpected", "from, text, one_line")


def test_a_field_that_the_mapping_does_not_make_points_to_its_file(change: Change) -> None:
    change("account.full.out.json", invented=1)
    (difference,) = run_fixtures(NAME)
    assert (difference.path, difference.kind, difference.rule, difference.origin) == (
        "invented",
        "missing",
        "",
        f"{NAME}.yaml",
    )


def test_a_record_that_is_now_refused_shows_the_problem(change: Change) -> None:
    change("account.full.in.json", BillingCountryCode="ZZ")
    (difference,) = run_fixtures(NAME)
    assert (difference.path, difference.kind, difference.expected) == ("address.country", "refused", "US")
    assert difference.actual["value"] == "ZZ"


def test_an_input_without_outcome_is_incomplete_until_it_is_written(account_folder: Path) -> None:
    (account_folder / "account.full.out.json").rename(account_folder / "kept")
    (difference,) = run_fixtures(NAME)
    assert (difference.case, difference.kind) == ("account.full", "incomplete")
    assert "account.full.out.json" in difference.actual
    assert "--update" in difference.actual
    assert update_fixtures(NAME) == [account_folder / "account.full.out.json"]
    assert (account_folder / "account.full.out.json").read_bytes() == (account_folder / "kept").read_bytes()
    assert run_fixtures(NAME) == []


def test_an_outcome_without_input_stays_and_counts(account_folder: Path) -> None:
    (account_folder / "account.full.in.json").unlink()
    (difference,) = run_fixtures(NAME)
    assert (difference.case, difference.kind) == ("account.full", "incomplete")
    assert "account.full.in.json" in difference.actual
    assert update_fixtures(NAME) == []
    assert (account_folder / "account.full.out.json").exists()


def test_a_mapping_without_fixtures_counts(account_folder: Path) -> None:
    for path in account_folder.glob("*.json"):
        path.unlink()
    (difference,) = run_fixtures(NAME)
    assert (difference.case, difference.kind) == ("account", "incomplete")
    assert "no fixtures" in difference.actual


@pytest.mark.parametrize("text", ["{", "[]", "null"])
@pytest.mark.parametrize("end", ["in", "out"])
def test_a_file_without_a_json_object_is_named(account_folder: Path, text: str, end: str) -> None:
    (account_folder / f"account.full.{end}.json").write_text(text)
    (difference,) = run_fixtures(NAME)
    assert (difference.kind, difference.actual) == ("incomplete", f"account.full.{end}.json holds no JSON object")


def test_only_what_differs_is_written_anew(account_folder: Path, change: Change) -> None:
    before = (account_folder / "account.problems.out.json").stat().st_mtime_ns
    change("account.full.in.json", Name="Southwind")
    assert update_fixtures(NAME) == [account_folder / "account.full.out.json"]
    assert json.loads((account_folder / "account.full.out.json").read_text("utf-8"))["name"] == "Southwind"
    assert (account_folder / "account.problems.out.json").stat().st_mtime_ns == before


def test_cases_of_a_longer_name_belong_to_another_mapping(account_folder: Path) -> None:
    (account_folder / "account_team.full.in.json").write_text("{}")
    assert run_fixtures(NAME) == []


def test_numbers_of_an_input_stay_exact(tmp_path: Path) -> None:
    (tmp_path / "x.in.json").write_text('{"a": 1.10, "b": 12345678901234567890.123}')
    assert str(read_input(tmp_path / "x.in.json")["b"]) == "12345678901234567890.123"


@pytest.mark.parametrize("name", mappings.names())
def test_the_files_are_as_update_writes_them(name: str) -> None:
    for path in (catalogue.ROOT / name).parent.glob(f"{Path(name).name}.*.out.json"):
        text = path.read_text("utf-8")
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n", path.name
