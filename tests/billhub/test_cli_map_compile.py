"""`billhub map compile`: what a mapping is compiled to, as code and in figures."""

import json

import pytest
from typer.testing import CliRunner

import mappings
from billhub.cli import app


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["map", "compile", *arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def test_it_says_version_rules_and_fingerprint() -> None:
    mapping = mappings.load("salesforce/account")
    told = run("salesforce/account")
    assert f"salesforce/account: version {mapping.version}, 16 rules, fingerprint {mapping.fingerprint}" in " ".join(
        told.split()
    )


def test_it_tells_of_the_mapping_with_its_overlays_as_well() -> None:
    base, uk = json.loads(run("netsuite/invoice", "--json"))
    assert base["overlays"] == []
    assert uk["overlays"] == ["netsuite/overlays/invoice.uk.yaml"]
    assert uk["rules"] > base["rules"]
    assert "netsuite/invoice with netsuite/overlays/invoice.uk.yaml" in " ".join(run("netsuite/invoice").split())


@pytest.mark.parametrize(
    ("option", "start"), [("--show", "def map_record(record):"), ("--careful", "def map_record(record, errors):")]
)
def test_the_code_can_be_printed_and_is_python(option: str, start: str) -> None:
    for name in ("salesforce/account", "netsuite/invoice"):
        text = run(name, option)
        compile(text, name, "exec")
        assert text.count(start) == len(mappings.load(name).variants)
    assert "\n# with netsuite/overlays/invoice.uk.yaml\n" in text


def test_an_unknown_mapping_is_a_clear_error() -> None:
    assert "there is no such mapping" in run("salesforce/nothing", code=1)
