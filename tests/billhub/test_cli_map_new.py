"""`billhub map new`: a draft on the screen, in a file or as data; nothing is overwritten, and the compiler refuses it until it is decided."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from billhub.cli import app, exits
from canonical_model.errors import MappingError
from mappings import compile_file
from mappings.drafting import THRESHOLD

RECORD = {"CustNo": "A-0007", "Company": "Brandt KG", "Country": "DE", "Curr": "EUR", "Colour": "red"}

Run = Callable[..., Any]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "acme-erp_customer.json"
    path.write_text(json.dumps(RECORD), "utf-8")
    return path


@pytest.fixture
def run(sample: Path) -> Run:
    """Runs the command on the sample."""
    return lambda *options, source=sample, to="customer": CliRunner().invoke(
        app, ["map", "new", "--from", str(source), "--to", to, *map(str, options)]
    )


def test_the_draft_is_shown_and_what_is_open_is_counted(run: Run) -> None:
    result = run()
    assert result.exit_code == exits.DONE
    lines = result.stdout.splitlines()
    assert "mapping: acme/erp_customer" in lines
    assert "  customer_id: {from: CustNo, transform: text}  # 1.00: name, 1 sample like an identifier" in lines
    assert 'owner: "TODO: the team that answers for this mapping"' in lines
    assert "fields have a rule" in result.stderr
    assert "1 source paths are read by no rule" in result.stderr


def test_the_options_name_system_entity_and_owner(run: Run) -> None:
    lines = run("--system", "acme", "--entity", "kunde", "--owner", "finance-systems").stdout.splitlines()
    assert {"mapping: acme/kunde", "owner: finance-systems"} <= set(lines)


@pytest.mark.parametrize(
    ("file", "name"),
    [("sample.json", "sample/customer"), ("2026.json", "source/customer"), ("SAP Kunde.json", "sap/kunde")],
)
def test_the_name_of_the_file_says_system_and_entity(run: Run, sample: Path, file: str, name: str) -> None:
    source = sample.rename(sample.with_name(file))
    assert f"mapping: {name}" in run(source=source).stdout.splitlines()


def test_the_file_is_written_once_and_refused_by_the_compiler(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "mappings" / "acme" / "erp_customer.yaml"
    result = run("--out", out)
    assert (result.exit_code, result.stdout) == (exits.DONE, f"wrote {out}\n")
    written = out.read_text("utf-8")
    with pytest.raises(MappingError, match="ignore: Colour: still to be decided"):
        compile_file(out)
    again = run("--out", out)
    assert again.exit_code == exits.USAGE
    assert f"{out} exists already and stays as it is; name another file with --out" in again.stderr
    assert out.read_text("utf-8") == written


def test_the_proposals_as_data(run: Run) -> None:
    data = json.loads(run("--json").stdout)
    by_field = {each["field"]: each for each in data["fields"]}
    assert (data["mapping"], data["target"], data["records"], data["unread"]) == (
        "acme/erp_customer",
        "customer",
        1,
        ["Colour"],
    )
    currency = by_field["currency"]
    assert (currency["source_path"], currency["confidence"], currency["undecided"]) == ("Curr", 1.0, False)
    assert currency["components"] == {"name": 1.0, "place": 1.0, "values": 1.0, "weight": 0.6}
    assert by_field["status"]["undecided"]


def test_a_higher_threshold_proposes_less(run: Run) -> None:
    assert "name: {from: Company" in run().stdout
    assert "name: {todo:" in run("--threshold", "0.9").stdout
    assert run().stdout == run("--threshold", THRESHOLD).stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--system", "Acme ERP"),
            "'Acme ERP' cannot be a name in a mapping; say --system in small letters, digits and _",
        ),
        (("--entity", "Kunde"), "'Kunde' cannot be a name in a mapping; say --entity in small letters, digits and _"),
    ],
)
def test_names_that_a_mapping_cannot_have_are_refused(run: Run, options: tuple[str, ...], message: str) -> None:
    result = run(*options)
    assert (result.exit_code, result.stderr.strip()) == (exits.USAGE, message)


def test_an_unknown_document_is_refused_with_those_there_are(run: Run) -> None:
    result = run(to="bill")
    assert result.exit_code == exits.USAGE
    assert "there is no canonical document 'bill' for --to; there are customer, " in result.stderr


def test_a_file_that_is_no_sample_is_refused_with_the_next_step(run: Run, sample: Path) -> None:
    sample.write_text("[1]", "utf-8")
    result = run()
    assert result.exit_code == exits.FAILED
    assert (
        f"{sample.name} holds int as record 1, not an object; give one record as an object, or a list of objects"
        in result.stderr
    )


def test_a_folder_that_cannot_be_written_to_is_told(run: Run, sample: Path) -> None:
    result = run("--out", sample / "below" / "customer.yaml")
    assert result.exit_code == exits.FAILED
    assert "cannot be written: Not a directory" in result.stderr


def test_keys_that_no_path_can_say_are_told(run: Run, sample: Path) -> None:
    sample.write_text(json.dumps({**RECORD, "net amount": "1.00"}), "utf-8")
    assert "no path can say 'net amount': have the connector rename its keys to letters, digits and _" in run().stderr
