"""How an invoice came about can be told from the store alone, the same a year later, and doubts are said loudly."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lxml import html
from sqlalchemy import text
from typer.testing import CliRunner

import sandbox
from billhub import approvals, sync
from billhub.cli import app
from billhub.demo.connections import sandbox_environment
from billhub.flows import Feed, load_flows
from billhub.hub import Hub, compiled, open_hub
from billhub.release import release_ready, route_approvals
from billhub.steps import run_flow
from billhub.store import documents, landed, mapping_versions
from billhub.store.engine import reading, transaction
from billhub.store.mapping_versions import Activation
from billhub.story import InvoiceExplanation, UnknownInvoiceError, explain
from billhub.story.derivation import derivations
from billhub.story.explained import FieldExplanation
from billhub.story.fields import leaves, pattern_of
from canonical_model.encoding import decode, encode
from canonical_model.errors import MappingError
from canonical_model.invoices import Invoice
from canonical_model.parties import Customer
from connectors.contract import Page, RawRecord
from connectors.settings import parse, variable_name
from mappings import Bundle, bundle_of, catalogue

WORKED_EXAMPLE = "C-000001_2026-01-01"
RETAIL = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,HOLDER <b>,6,2026-01-12 08:26:00,2.555,17850,United Kingdom
536365,22633,,4,2026-01-12 08:26:00,1.85,17850,United Kingdom
C536366,22633,WARMER,-4,2026-01-12 08:28:00,1.85,17850,United Kingdom
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the seed and three retail documents released on 2026-01-15, the worked example with a second person's approval."""
    folder = tmp_path_factory.mktemp("released")
    (folder / "retail.csv").write_text(RETAIL, "utf-8")
    with sandbox.serve(folder / "sandbox", systems=["salesforce", "avatax", "netsuite"]) as endpoints:
        nowhere = dict.fromkeys(("stripe", "smtp", "imap"), "http://127.0.0.1:1")
        env = sandbox_environment({**nowhere, **endpoints})
        env[variable_name("billhub_online_retail")] = json.dumps({"host": str(folder / "retail.csv")})
        hub = open_hub(
            as_of=date(2026, 1, 15),
            actor="olive",
            url=f"sqlite:///{folder / 'hub.sqlite'}",
            connection=lambda system: parse(f"billhub_{system}", env[variable_name(f"billhub_{system}")]),
        )
        for flow in ("sync_accounts", "sync_contracts", "retail_orders", "invoice_release"):
            run_flow(hub, load_flows()[flow])
        with transaction(hub.engine) as connection:
            frida = replace(hub, actor="frida")
            approvals.decide(connection, frida, WORKED_EXAMPLE, approve=True, comment="agreed")
        route_approvals(hub)
        release_ready(hub)
        hub.close()
    return folder / "hub.sqlite"


Opened = Callable[..., Hub]


@pytest.fixture
def opened(released: Path, tmp_path: Path) -> Iterator[Opened]:
    """Opens hubs on a copy of that store."""
    shutil.copy(released, tmp_path / "hub.sqlite")
    hubs: list[Hub] = []

    def made(as_of: date = date(2026, 1, 15)) -> Hub:
        hubs.append(open_hub(as_of=as_of, actor="ada", url=f"sqlite:///{tmp_path / 'hub.sqlite'}"))
        return hubs[-1]

    yield made
    for hub in hubs:
        hub.close()


@pytest.fixture
def hub(opened: Opened) -> Hub:
    return opened()


def explained(hub: Hub, name: str = WORKED_EXAMPLE) -> InvoiceExplanation:
    with reading(hub.engine) as connection:
        return explain(connection, hub, name)


def field(explanation: InvoiceExplanation, path: str) -> FieldExplanation:
    [found] = [each for each in explanation.fields if each.field == path]
    return found


def written_at(origin: str) -> str:
    """The line of a mapping file."""
    file, _, line = origin.partition(":")
    return bundle_of(file.removesuffix(".yaml")).files[file].splitlines()[int(line) - 1].strip()


def change(hub: Hub, sql: str, **values: Any) -> None:
    """Behind the hub's back."""
    with transaction(hub.engine) as connection:
        connection.execute(text(sql), values)


def test_the_worked_example_from_the_net_to_the_line_of_the_mapping(hub: Hub) -> None:
    told = explained(hub)
    assert told.warnings == ()
    net = field(told, "lines[0].net")
    assert str(net.value["amount"]) == "120000.00"
    assert net.how == (
        "period 1 of 4: 480,000.00 USD for contract year 1, split over its 4 quarters by months with largest remainders"
    )
    price = net.bases[0]
    assert (price.document, price.path, price.value) == (
        "contract C-000001 v1",
        "lines[0].unit_price",
        {"amount": "480000.0", "currency": "USD"},
    )
    assert price.trace is not None
    assert (price.trace.source_path, price.trace.value) == ("OrderItems[0].UnitPrice", "480000.0")
    assert price.trace.rule == "from, decimal, money $.CurrencyIsoCode"
    assert written_at(price.trace.origin).startswith("unit_price: {from: UnitPrice")
    discount = net.bases[2]
    assert discount.trace is not None
    assert (discount.path, discount.trace.reason) == ("discount_percent", "no discount was agreed")


def test_totals_and_tax_of_the_worked_example(hub: Hub) -> None:
    told = explained(hub)
    totals = {each: str(field(told, f"totals.{each}").value["amount"]) for each in ("net", "tax", "payable")}
    assert totals == {"net": "120000.00", "tax": "9600.00", "payable": "129600.00"}
    [tax] = field(told, "lines[0].taxes[1].tax").bases
    assert (tax.document, tax.path) == (f"tax quote {WORKED_EXAMPLE}", "lines[0].jurisdictions[1].tax")
    assert tax.trace is not None
    assert (tax.trace.source_path, tax.trace.value, tax.trace.mapping) == (
        "lines[0].details[1].tax",
        "4800.00",
        "avatax/tax_quote",
    )


def test_number_and_day_of_issue_are_given_at_release(hub: Hub) -> None:
    told = explained(hub)
    assert told.number is not None
    place = int(told.number.removeprefix("US-"))
    assert field(told, "number").how == f"number {place} of series US, given at release on 2026-01-15"
    assert field(told, "issue_date").how == "the day of its release, 2026-01-15"
    assert {each.field for each in told.fields if each.is_confirmed is None} == {
        "number",
        "issue_date",
        *(each.field for each in told.fields if each.field.startswith("seller.") and each.field != "seller.party_id"),
    }
    assert field(told, "seller.name").how.endswith("; policy version 1 was in force at release")


def test_both_names_give_the_same_explanation(hub: Hub) -> None:
    told = explained(hub)
    assert told.number is not None
    assert explained(hub, told.number) == told
    with pytest.raises(UnknownInvoiceError, match="invoice list"):
        explained(hub, "US-999999")


def test_the_documents_it_was_made_from_checked_against_and_taxed_by(hub: Hub) -> None:
    assert [(each.name, each.used_for, each.agreement) for each in explained(hub).documents] == [
        ("contract C-000001 v1", "draft", "same"),
        ("customer A-0001 v1", "draft", "same"),
        ("price book entry US Price Book/PLAT-ENT/USD v1", "check", "same"),
        (f"tax quote {WORKED_EXAMPLE}", "tax", "same"),
    ]


def test_every_field_of_every_released_invoice_of_the_seed_has_a_derivation(hub: Hub) -> None:
    with reading(hub.engine) as connection:
        rows = connection.execute(text("SELECT source_entity, body FROM invoices WHERE number IS NOT NULL")).all()
    assert {entity for entity, _ in rows} == {"contract", "order"}
    for entity, body in rows:
        missing = {pattern_of(each) for each in leaves(decode(body, Invoice))} - derivations(entity).keys()
        assert not missing


def test_released_invoices_of_every_kind_agree_with_their_documents(hub: Hub) -> None:
    """The first of every legal entity, currency, number of lines and terms, credit notes and retail orders among them."""
    kinds = """SELECT min(invoice_id) FROM invoices WHERE number IS NOT NULL
        GROUP BY legal_entity, currency, document_type, min(line_count, 2), tax_minor = 0,
            body LIKE '%Contract discount%', body LIKE '%in_arrears%'"""
    with reading(hub.engine) as connection:
        names = list(connection.execute(text(kinds)).scalars())
    assert len(names) > 8
    for name in names:
        told = explained(hub, name)
        assert told.warnings == (), name
        given = {each.field.partition(".")[0] for each in told.fields if each.is_confirmed is None}
        assert given <= {"number", "issue_date", "seller"}
        assert all(basis.trace is not None for each in told.fields for basis in each.bases), name


def test_a_credit_note_is_explained_from_the_cancellation(hub: Hub) -> None:
    told = explained(hub, "order_C536366")
    quantity = field(told, "lines[0].quantity")
    assert (told.document_type, str(quantity.value)) == ("381", "4")
    assert [(each.path, each.value) for each in quantity.bases] == [
        ("lines[0].quantity", "-4"),
        ("kind", "cancellation"),
    ]
    assert field(told, "number").how.startswith("number 1 of series UK-CN")
    country = field(told, "buyer.address.country").bases[0].trace
    assert country is not None
    assert (country.value, country.result) == ("United Kingdom", "GB")
    assert "buyer_country:" in written_at(country.origin)


# a year later


def moved_on(hub: Hub) -> None:
    """Other versions of the mappings are active, and buyer, contract and price have newer versions made by them."""
    changes = {
        "salesforce/account": ("{from: Name, transform: text}", "{from: Name, transform: [text, upper]}"),
        "salesforce/contract": (
            "{from: PO_Number__c, transform: text}",
            "{from: PO_Number__c, transform: [text, lower]}",
        ),
        "salesforce/price_book_entry": ("owner:", "# moved on\nowner:"),
        "avatax/tax_quote": ("[text, lower]", "[text, upper]"),
    }
    for name, (old, new) in changes.items():
        activate(hub, name, old, new)
    received_again(hub, "account", "customer", "A-0001", Name="Northwind Analytics Holding")
    received_again(hub, "contract", "contract", "C-000001", PO_Number__c="PO-NEXT-YEAR")
    received_again(hub, "price_book_entry", "price_book_entry", "US Price Book/PLAT-ENT/USD", UnitPrice="999.00")


def activate(hub: Hub, name: str, old: str, new: str) -> None:
    bundle = bundle_of(name)
    own = re.sub(r"^version: \d+$", "version: 99", bundle.files[bundle.file], count=1, flags=re.MULTILINE)
    assert old in own
    changed = Bundle(name=name, files={**bundle.files, bundle.file: own.replace(old, new, 1)})
    made = Activation(
        mapping=name,
        fingerprint=changed.fingerprint,
        action="promoted",
        activated_on="2026-06-01",
        activated_by="ada",
        reason="moved on",
    )
    with transaction(hub.engine) as connection:
        mapping_versions.keep(connection, [(changed, 99)], on="2026-06-01", by="ada")
        mapping_versions.activate(connection, [made])


def received_again(hub: Hub, entity: str, document: str, external_id: str, **fields: str) -> None:
    feed = Feed(source="salesforce", entity=entity, document=document)
    with transaction(hub.engine) as connection:
        query = "SELECT body, native_id FROM landed WHERE entity = :entity AND external_id = :name"
        [(body, native)] = connection.execute(text(query), {"entity": entity, "name": external_id})
        record = RawRecord(
            external_id=external_id, native_id=native, version="2026-12-01", body={**json.loads(body), **fields}
        )
        landed.land(connection, "salesforce", entity, Page(records=(record,), cursor=None, has_more=False))
    for batch in sync.batches(hub, feed):
        assert sync.map_batch(hub, feed, batch)["changed"] == 1


def test_a_year_later_it_is_the_same_to_the_byte(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = encode(explained(opened()))
    moved_on(opened(date(2026, 12, 1)))
    monkeypatch.setattr(catalogue, "ROOT", tmp_path)  # the files are gone as well
    for remembered in (catalogue.bundle_of, catalogue.load, compiled):
        remembered.cache_clear()
    later = opened(date(2027, 1, 15))
    with pytest.raises(MappingError, match="no such mapping"):
        catalogue.load("salesforce/account")
    with reading(later.engine) as connection:
        buyer = documents.load(connection, "customer", ["A-0001"], Customer)["A-0001"]
    assert buyer.name == "NORTHWIND ANALYTICS HOLDING"
    assert encode(explained(later)) == before


def test_without_stored_lineage_it_would_not_be_and_that_is_said(opened: Opened) -> None:
    """The control arm: an invoice of before lineage was kept is shown with the buyer of today."""
    moved_on(opened(date(2026, 12, 1)))
    later = opened(date(2027, 1, 15))
    change(later, "DELETE FROM invoice_sources")
    told = explained(later)
    assert told.warnings[0].startswith("the documents were not noted when this invoice was made")
    assert any(each.startswith("buyer.name is Northwind Analytics Corp; computed anew") for each in told.warnings)
    assert {each.name for each in told.documents} >= {"contract C-000001 v1", "customer A-0001 v2"}
    name = field(told, "buyer.name")
    assert (name.value, name.is_confirmed, name.computed) == (
        "Northwind Analytics Corp",
        False,
        "NORTHWIND ANALYTICS HOLDING",
    )


# what does not agree is said


def test_a_version_that_is_not_kept_is_said_and_the_stored_value_shown(hub: Hub) -> None:
    change(hub, "UPDATE documents SET mapping_fingerprint = :other WHERE canonical_id = 'A-0001'", other="e" * 64)
    told = explained(hub)
    assert told.warnings == (
        "customer A-0001 v1 cannot be confirmed: the store does not keep the texts of salesforce/account with fingerprint eeeeeeeeeeee; "
        "the document as it is kept is shown",
    )
    [name] = field(told, "buyer.name").bases
    assert (name.value, name.trace) == ("Northwind Analytics Corp", None)


def test_a_version_that_no_longer_compiles_is_said(hub: Hub) -> None:
    broken = json.dumps({"salesforce/account.yaml": "mapping: salesforce/account\n"})
    change(hub, "UPDATE mapping_versions SET bundle = :broken WHERE mapping = 'salesforce/account'", broken=broken)
    [warning] = explained(hub).warnings
    assert "cannot compile the version that was used" in warning


def test_a_document_that_its_mapping_does_not_give_is_said(hub: Hub) -> None:
    change(hub, "UPDATE landed SET body = replace(body, 'Rochester', 'Buffalo') WHERE external_id = 'A-0001'")
    told = explained(hub)
    [warning] = told.warnings
    assert "customer A-0001 v1" in warning
    assert "another document than the one that is kept" in warning
    [city] = field(told, "buyer.address.city").bases
    assert city.trace is not None
    assert (city.value, city.trace.value) == ("Rochester", "Buffalo")


def test_an_amount_that_does_not_follow_from_the_documents_is_said(hub: Hub) -> None:
    change(hub, "UPDATE documents SET body = replace(body, '480000.0', '400000.0') WHERE canonical_id = 'C-000001'")
    told = explained(hub)
    assert any(
        "lines[0].net is 120,000.00 USD; computed anew from the documents it is 100,000.00 USD" in each
        for each in told.warnings
    )
    assert field(told, "lines[0].net").is_confirmed is False
    assert field(told, "currency").is_confirmed is True


def test_a_tax_answer_that_does_not_fit_is_said(hub: Hub) -> None:
    change(
        hub,
        "UPDATE invoices SET tax_answer = replace(tax_answer, '4800.00', '4700.00') WHERE invoice_id = :id",
        id=WORKED_EXAMPLE,
    )
    told = explained(hub)
    assert any(each.startswith(f"tax quote {WORKED_EXAMPLE} cannot be confirmed") for each in told.warnings)
    assert any(each.startswith("lines[0].taxes[0].tax is 4,800.00 USD") for each in told.warnings)


def test_an_invoice_without_known_documents_still_shows_its_values(hub: Hub) -> None:
    change(hub, "DELETE FROM invoice_sources")
    change(hub, "UPDATE invoices SET source_version = 9 WHERE invoice_id = :id", id=WORKED_EXAMPLE)
    told = explained(hub)
    assert any("do not say enough to compute this invoice anew" in each for each in told.warnings)
    assert field(told, "lines[0].net").bases == ()
    assert str(field(told, "totals.payable").value["amount"]) == "129600.00"


def test_a_draft_can_be_explained_before_it_is_taxed(hub: Hub) -> None:
    [name] = [each for each in _states(hub, "held") if each.startswith("C-")][:1]
    told = explained(hub, name)
    assert field(told, "number").how == "none yet: given at release"
    assert not [each for each in told.warnings if "computed anew from the documents it is" in each]


def _states(hub: Hub, state: str) -> list[str]:
    with reading(hub.engine) as connection:
        query = text("SELECT invoice_id FROM invoices WHERE state = :state ORDER BY 1")
        return list(connection.execute(query, {"state": state}).scalars())


# on the command line


@pytest.fixture
def run(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    hub = opened()
    monkeypatch.setenv("HUB_DATABASE_URL", hub.engine.url.render_as_string(hide_password=False))

    def invoke(*arguments: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, ["invoice", "explain", *arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


def test_the_table_tells_field_rule_source_and_mapping(run: Callable[..., Any]) -> None:
    shown = " ".join(run(WORKED_EXAMPLE, "--field", "lines[0].net").output.split())
    assert "lines[0].net 120,000.00 USD period 1 of 4: 480,000.00 USD" in shown
    assert "contract C-000001 v1 lines[0].unit_price = 480,000.00 USD" in shown
    assert "read from OrderItems[0].UnitPrice: 480000.0" in shown
    assert "reason: no discount was agreed" in shown
    assert "totals.net" not in shown


def test_a_star_and_an_item_choose_several_fields(run: Callable[..., Any]) -> None:
    def fields(pattern: str) -> list[str]:
        told = msgspec.json.decode(run(WORKED_EXAMPLE, "--json", "--field", pattern).output)
        return [each["field"] for each in told["fields"]]

    assert fields("lines[*].taxes[*].tax") == ["lines[0].taxes[0].tax", "lines[0].taxes[1].tax"]
    assert set(fields("totals")) == {"totals.net", "totals.tax", "totals.gross", "totals.payable"}


def test_an_unknown_field_says_which_there_are(run: Callable[..., Any]) -> None:
    assert "lines[*].net" in run(WORKED_EXAMPLE, "--field", "lines[0].nett", code=1).output


def test_the_page_holds_every_field_escaped_and_loads_nothing(run: Callable[..., Any], tmp_path: Path) -> None:
    run("order_536365", "--html", str(tmp_path / "page.html"))
    written = (tmp_path / "page.html").read_text("utf-8")
    page = html.document_fromstring(written)
    told = msgspec.json.decode(run("order_536365", "--json").output)
    assert page.xpath("//tbody/tr/th/code/text()") != []
    assert {each["field"] for each in told["fields"]} == set(page.xpath("//tbody/tr/th/code/text()"))
    assert "HOLDER <b>" in page.xpath("//td[@class='value']/text()")
    assert not page.xpath("//script | //link | //img | //b | //@src | //@href")
    assert written == run("order_536365", "--html", "-").output


def test_doubts_go_to_standard_error(run: Callable[..., Any], tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as store, store:
        store.execute("UPDATE landed SET body = replace(body, 'Rochester', 'Buffalo')")
    assert "customer A-0001 v1 cannot be confirmed" in run(WORKED_EXAMPLE, "--field", "number").stderr
