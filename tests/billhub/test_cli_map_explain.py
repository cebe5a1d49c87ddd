"""`billhub map explain`: one record of a file or of the store, by any version, as table, JSON and HTML."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from typer.testing import CliRunner

from billhub.cli import app
from billhub.cli.exits import CommandError
from billhub.cli.explaining import only
from billhub.explanation import explain_record, mapping_page
from billhub.explanation import html as page_of
from billhub.hub import Hub
from billhub.store import landed, mapping_versions
from billhub.store.engine import transaction
from connectors.contract import Page, RawRecord
from mappings import Bundle, bundle_of, load
from mappings.catalogue import ROOT
from mappings.testing.fixtures import read_input

ACCOUNT = ROOT / "salesforce" / "account.full.in.json"
PROBLEMS = ROOT / "salesforce" / "account.problems.in.json"
INVOICE = ROOT / "netsuite" / "invoice.full.in.json"

Run = Callable[..., Any]


@pytest.fixture
def run(hub: Hub, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("HUB_DATABASE_URL", database_url.replace("postgresql+psycopg://", "postgresql://", 1))

    def invoke(*arguments: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, ["map", "explain", *arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


def told(result: Any) -> Any:
    return msgspec.json.decode(result.stdout)


def test_the_table_shows_source_value_rule_and_line(run: Run) -> None:
    shown = " ".join(run("salesforce/account", "--record", str(ACCOUNT)).output.split())
    assert re.search(r"status active Active__c Yes from, map salesforce/account\.yaml:\d+", shown)
    assert "Ignored on purpose" in shown
    assert "Hub_Id__c customers are known by their account number in every system" in shown


def test_json_is_complete(run: Run) -> None:
    explained = told(run("salesforce/account", "--record", str(ACCOUNT), "--json"))
    assert explained.keys() == {
        "mapping", "version", "fingerprint", "record", "fields", "unmapped", "ignored", "problems",
    }  # fmt: skip
    street = next(each for each in explained["fields"] if each["field"] == "address.line1")
    assert street["value"] == "100 Main Street\r\nSuite 400"
    assert explained["fingerprint"] == bundle_of("salesforce/account").fingerprint


def test_only_the_fields_that_were_asked_for(run: Run) -> None:
    explained = told(run("salesforce/account", "--record", str(ACCOUNT), "--json", "--field", "address"))
    assert {each["field"].partition(".")[0] for each in explained["fields"]} == {"address"}


def test_a_looked_up_value_names_table_version_level_and_row(run: Run) -> None:
    explained = told(run("netsuite/invoice", "--record", str(INVOICE), "--json", "--field", "currency.internalId"))
    [currency] = explained["fields"]
    assert currency["lookup_row"].items() >= {"table": "netsuite_currency", "level": "default"}.items()
    table = " ".join(run("netsuite/invoice", "--record", str(INVOICE), "--field", "currency.internalId").output.split())
    assert f"netsuite_currency version {currency['lookup_row']['version']}, default" in table


def test_what_the_source_has_grown_is_said(run: Run, tmp_path: Path) -> None:
    grown = {**json.loads(ACCOUNT.read_text("utf-8")), "Brand_New__c": 1}
    (tmp_path / "grown.json").write_text(json.dumps(grown), "utf-8")
    result = run("salesforce/account", "--record", str(tmp_path / "grown.json"))
    assert "Not mapped: the source has grown a field" in result.output
    assert "Brand_New__c" in result.output


def test_problems_go_to_standard_error_and_end_with_1(run: Run) -> None:
    result = run("salesforce/account", "--record", str(PROBLEMS), code=1)
    problems = load("salesforce/account").apply(read_input(PROBLEMS)).problems
    assert all(each.message in " ".join(result.stderr.split()) for each in problems)


def test_a_landed_record_is_explained_in_its_newest_version(run: Run, hub: Hub) -> None:
    account = json.loads(ACCOUNT.read_text("utf-8"))
    with transaction(hub.engine) as connection:
        for place, name in enumerate(("Old name", "New name")):
            record = RawRecord(external_id="A-0001", version=str(place), body={**account, "Name": name})
            landed.land(connection, "salesforce", "account", Page(records=(record,), cursor=None, has_more=False))
    explained = told(run("salesforce/account", "--landed", "A-0001", "--json", "--field", "name"))
    assert [(each["field"], each["value"]) for each in explained["fields"]] == [("name", "New name")]
    assert "no account A-9 has come in" in run("salesforce/account", "--landed", "A-9", code=1).output


def test_exactly_one_record_is_to_be_named(run: Run) -> None:
    assert "--landed" in run("salesforce/account", code=2).output
    run("salesforce/account", "--record", str(ACCOUNT), "--landed", "A-0001", code=2)


@pytest.mark.parametrize("version", ["active", "number", "fingerprint"])
def test_a_kept_version_explains_as_it_was(run: Run, hub: Hub, version: str) -> None:
    shipped = load("salesforce/account")
    which = {"active": "active", "number": str(shipped.version), "fingerprint": shipped.fingerprint[:10]}[version]
    explained = told(run("salesforce/account", "--record", str(ACCOUNT), "--version", which, "--json"))
    assert (explained["version"], explained["fingerprint"]) == (shipped.version, shipped.fingerprint)


def test_the_active_version_need_not_be_the_one_of_the_files(run: Run, hub: Hub) -> None:
    bundle = bundle_of("salesforce/account")
    own = bundle.files[bundle.file].replace("from: Name,", "from: Site,", 1)
    own = re.sub(r"^version: \d+$", "version: 7", own, count=1, flags=re.MULTILINE)
    other = Bundle(name=bundle.name, files={**bundle.files, bundle.file: own})
    with transaction(hub.engine) as connection:
        mapping_versions.keep(connection, [(other, 7)], on="2026-01-01", by="ada")
    explained = told(
        run("salesforce/account", "--record", str(ACCOUNT), "--version", "7", "--json", "--field", "name", code=1)
    )
    assert explained["fields"][0]["source_path"] == "Site"
    assert (
        "there is no version 8" in run("salesforce/account", "--record", str(ACCOUNT), "--version", "8", code=3).output
    )


def test_the_page_shows_the_same_escaped_and_loads_nothing(run: Run, tmp_path: Path) -> None:
    hostile = {**json.loads(ACCOUNT.read_text("utf-8")), "Name": "<script>alert(1)</script>"}
    (tmp_path / "hostile.json").write_text(json.dumps(hostile), "utf-8")
    written = run("salesforce/account", "--record", str(tmp_path / "hostile.json"), "--html", "-").stdout
    page = html.document_fromstring(written)
    assert "<script>alert(1)</script>" in page.xpath("//td[@class='value']/text()")
    assert not page.xpath("//script | //link | //img | //@src | //@href")
    assert any(re.fullmatch(r"salesforce/account\.yaml:\d+", each) for each in page.xpath("//code/text()"))
    target = tmp_path / "page.html"
    run("salesforce/account", "--record", str(ACCOUNT), "--html", str(target))
    assert target.read_text("utf-8").startswith("<!doctype html>")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_can_be_explained_and_shown(value: Any) -> None:
    record = {"Name": value, "AccountNumber": value, "BillingCountryCode": value, "Extra": value}
    explained = explain_record(load("salesforce/account"), record, "a record")
    assert "<!doctype html>" in page_of(mapping_page(explained))


class Named(msgspec.Struct):
    field: str


@given(
    st.lists(
        st.from_regex(r"[a-z]{1,3}(\[[0-9]\])?(\.[a-z]{1,3}(\[[0-9]\])?){0,2}", fullmatch=True), min_size=1, unique=True
    )
)
def test_a_path_chooses_itself_and_what_is_inside_it_only(paths: list[str]) -> None:
    fields = [Named(field=path) for path in paths]
    for path in paths:
        chosen = [each.field for each in only(fields, path)]
        assert path in chosen
        assert all(each == path or each.startswith((f"{path}.", f"{path}[")) for each in chosen)
    assert only(fields, None) == only(fields, "*") == tuple(fields)
    with pytest.raises(CommandError, match="there is no field"):
        only(fields, "nothing.like.this")


def test_of_several_sources_in_an_item_each_names_its_item(run: Run) -> None:
    retail = ROOT / "netsuite" / "invoice.retail.in.json"
    explained = told(
        run("netsuite/invoice", "--record", str(retail), "--json", "--field", "itemList.item[1].description")
    )
    assert explained["fields"][0]["source_path"] == "invoice.lines[1].product_code, invoice.lines[1].description"
