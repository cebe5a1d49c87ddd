"""The story of an invoice holds everything the store knows of it, and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from billhub import approvals, release
from billhub.hub import Hub, open_hub
from billhub.store import documents, landed
from billhub.store.engine import reading, transaction
from billhub.store.schema import landed as landed_table
from billhub.story import InvoiceStory, UnknownInvoiceError, story
from canonical_model.catalog import identity
from canonical_model.contracts import Contract, ContractLine
from canonical_model.encoding import content_hash, encode
from canonical_model.money import Money
from canonical_model.orders import Order, OrderLine
from canonical_model.parties import Address, Customer
from connectors.contract import Page, RawRecord
from connectors.settings import Connection


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    opened = open_hub(
        as_of=date(2026, 1, 15),
        actor="ada",
        url=f"sqlite:///{tmp_path / 'hub.sqlite'}",
        connection=lambda system: Connection(conn_id=f"billhub_{system}"),
    )
    yield opened
    opened.close()


@pytest.fixture
def keep(hub: Hub) -> Callable[..., None]:
    """Keeps a canonical document as a sync would have left it."""

    def kept(entity: str, document: msgspec.Struct, *, version: str = "v1") -> None:
        name = identity(document)
        record = RawRecord(external_id=name, version=version, body={"id": name, "version": version})
        with transaction(hub.engine) as connection:
            landed.land(connection, "salesforce", entity, Page(records=(record,), cursor=None, has_more=False))
            [landed_id] = landed.newest_ids(connection, "salesforce", entity, [name])
            new = documents.NewDocument(
                canonical_id=name,
                content_hash=content_hash(document),
                body=encode(document).decode(),
                mapping=f"salesforce/{entity}",
                mapping_version=3,
                mapping_fingerprint="f" * 64,
                landed_id=landed_id,
            )
            documents.save(connection, entity, [new])

    return kept


@pytest.fixture
def tell(hub: Hub) -> Callable[[str], InvoiceStory]:
    def told(name: str) -> InvoiceStory:
        with reading(hub.engine) as connection:
            return story(connection, hub, name)

    return told


def contract(**changes: object) -> Contract:
    line = ContractLine(
        line_id="1",
        product_code="PLAT-ENT",
        description="Platform, Enterprise",
        quantity=Decimal(1),
        unit_price=Money(Decimal("480000.00"), "USD"),
    )
    fields = {
        "contract_id": "C-000001",
        "customer_id": "A-0001",
        "legal_entity": "US",
        "status": "active",
        "currency": "USD",
        "start_date": date(2026, 1, 1),
        "term_months": 12,
        "billing_frequency": "quarterly",
        "billing_timing": "in_advance",
        "price_book": "US Price Book",
        "lines": (line,),
    }
    return Contract(**{**fields, **changes})


def order(number: str, *, price: str = "10.00", **changes: object) -> Order:
    lines = tuple(
        OrderLine(
            line_id=str(place), product_code=f"P{place}", quantity=Decimal(2), unit_price=Money(Decimal(price), "GBP")
        )
        for place in (1, 2)
    )
    fields = {
        "order_id": number,
        "kind": "order",
        "legal_entity": "UK",
        "order_date": date(2010, 12, 1),
        "currency": "GBP",
        "lines": lines,
        "customer_id": "17850",
        "buyer_country": "GB",
    }
    return Order(**{**fields, **changes})


def released(hub: Hub) -> None:
    release.release_due(hub)


CUSTOMER = Customer(customer_id="A-0001", name="Northwind Analytics Corp", address=Address(country="US"))


def test_an_unknown_invoice_says_where_to_look(tell: Callable) -> None:
    with pytest.raises(UnknownInvoiceError, match="invoice list"):
        tell("US-000001")


def test_a_draft_shows_the_schedule_of_its_contract(hub: Hub, keep: Callable, tell: Callable) -> None:
    keep("customer", CUSTOMER)
    keep("contract", contract())
    release.plan(hub)
    told = tell("C-000001_2026-01-01")
    assert told.state == "draft"
    assert told.created_by == "ada"
    assert told.schedule is not None
    assert [str(period.net) for period in told.schedule.periods] == ["120,000.00 USD"] * 4
    assert str(told.schedule.year) == str(told.schedule.whole) == "480,000.00 USD"
    assert [period.is_this for period in told.schedule.periods] == [True, False, False, False]
    assert told.schedule.periods[0].invoice_id == "C-000001_2026-01-01"
    assert told.schedule.periods[3].end == date(2026, 12, 31)


def test_a_draft_has_no_tax_postings_or_deliveries_and_its_checks_wait(
    hub: Hub, keep: Callable, tell: Callable
) -> None:
    keep("contract", contract())
    release.plan(hub)
    told = tell("C-000001_2026-01-01")
    assert (told.taxes, told.postings, told.deliveries, told.approvals, told.exceptions) == ((), (), (), (), ())
    assert {check.result for check in told.checks} == {"waiting"}
    assert {"HUB-C12", "BR-16"} <= {check.rule for check in told.checks}
    assert [entry.action for entry in told.trail] == ["invoice.drafted"]


def test_the_sources_are_those_the_invoice_was_made_from(hub: Hub, keep: Callable, tell: Callable) -> None:
    keep("customer", CUSTOMER)
    keep("contract", contract(), version="v7")
    release.plan(hub)
    keep("contract", contract(purchase_order="PO-9"), version="v8")
    sources = tell("C-000001_2026-01-01").sources
    assert [(each.document, each.canonical_id, each.document_version, each.source_version) for each in sources] == [
        ("contract", "C-000001", 1, "v7"),
        ("customer", "A-0001", 1, "v1"),
    ]
    assert {(each.source, each.mapping_version) for each in sources} == {("salesforce", 3)}


def test_a_released_order_shows_tax_postings_and_deliveries(hub: Hub, keep: Callable, tell: Callable) -> None:
    keep("order", order("536365"))
    released(hub)
    told = tell("UK-000001")
    assert told.invoice.invoice_id == "order_536365"
    assert told.schedule is None
    assert told.state == "released"
    [tax] = told.taxes
    assert (str(tax.taxable), str(tax.tax), tax.rate) == ("40.00 GBP", "7.00 GBP", Decimal("0.175"))
    [posting] = told.postings
    assert posting.is_balanced
    assert [(line.account, str(line.debit), str(line.credit)) for line in posting.entry.lines] == [
        ("1100", "47.00 GBP", "0.00 GBP"),
        ("4200", "0.00 GBP", "40.00 GBP"),
        ("2200", "0.00 GBP", "7.00 GBP"),
    ]
    assert [(each.target, each.entity, each.state) for each in told.deliveries] == [
        ("netsuite", "customer", "pending"),
        ("netsuite", "invoice", "pending"),
    ]
    assert {check.result for check in told.checks} == {"passed"}
    assert told.trail_holds


def test_both_names_tell_the_same_story(hub: Hub, keep: Callable, tell: Callable) -> None:
    keep("order", order("536365"))
    released(hub)
    assert tell("UK-000001") == tell("order_536365")


def test_approvals_show_who_asked_and_who_decided(hub: Hub, keep: Callable, tell: Callable) -> None:
    keep("order", order("1", price="60000.00"))
    released(hub)
    assert [each.state for each in tell("order_1").approvals] == ["pending"]
    with transaction(hub.engine) as connection:
        approvals.decide(connection, replace(hub, actor="frida"), "order_1", approve=True, comment="agreed")
    [decision] = tell("order_1").approvals
    assert (decision.state, decision.created_by, decision.decided_by, decision.comment) == (
        "approved",
        "ada",
        "frida",
        "agreed",
    )
    assert str(decision.gross) == "282,000.00 GBP"


def test_a_broken_rule_is_failed_and_mended_once_it_holds(hub: Hub, keep: Callable, tell: Callable) -> None:
    keep("order", order("1", customer_id=None))
    released(hub)
    assert _result(tell("order_1"), "HUB-O02") == "failed"
    assert [each.category for each in tell("order_1").exceptions] == ["missing_customer"]
    keep("order", order("1"))
    released(hub)
    told = tell("order_1")
    assert _result(told, "HUB-O02") == "mended"
    actions = [entry.action for entry in told.trail]
    assert actions.index("exception.opened") < actions.index("exception.resolved") < actions.index("invoice.released")


def test_a_reported_finding_is_told_and_holds_nothing(hub: Hub, keep: Callable, tell: Callable) -> None:
    one = order("1")
    keep(
        "order", msgspec.structs.replace(one, lines=(one.lines[0], msgspec.structs.replace(one.lines[0], line_id="2")))
    )
    released(hub)
    told = tell("order_1")
    assert told.state == "released"
    assert _result(told, "HUB-O07") == "reported"


def test_a_changed_audit_entry_is_seen(hub: Hub, keep: Callable, tell: Callable) -> None:
    keep("order", order("1"))
    released(hub)
    with transaction(hub.engine) as connection:  # behind the hub's back, without the trigger that forbids it
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("UPDATE audit SET detail = 'not even JSON' WHERE action = 'invoice.taxed'"))
    told = tell("order_1")
    assert not told.trail_holds
    assert [entry.action for entry in told.trail if not entry.holds] == ["invoice.taxed"]


def test_the_story_is_plain_json(hub: Hub, keep: Callable, tell: Callable) -> None:
    keep("order", order("1"))
    released(hub)
    plain = msgspec.json.decode(encode(tell("order_1")))
    assert plain["invoice"]["totals"]["payable"] == {"amount": "47.00", "currency": "GBP"}


def test_a_landed_record_is_named_as_its_source_names_it(hub: Hub, keep: Callable, tell: Callable) -> None:
    keep("order", order("1"), version="2010-12-01")
    released(hub)
    [source] = tell("order_1").sources
    with reading(hub.engine) as connection:
        row = (
            connection.execute(landed_table.select().where(landed_table.c.landed_id == source.landed_id))
            .mappings()
            .one()
        )
    assert (source.source, source.record, source.external_id, source.source_version) == (
        row["source"],
        row["entity"],
        row["external_id"],
        row["version"],
    )


def _result(told: InvoiceStory, rule: str) -> str:
    [result] = [check.result for check in told.checks if check.rule == rule]
    return result
