"""The flow of sales data: all of the seed becomes documents, and none of it an invoice."""

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import sandbox
from billhub import release, steps
from billhub.demo.connections import sandbox_environment
from billhub.flows import load_flows
from billhub.hub import Hub, open_hub
from billhub.store.engine import reading
from canonical_model.catalog import DOCUMENTS
from canonical_model.encoding import decode
from connectors.settings import parse, variable_name

SEED = Path(sandbox.__file__).parent / "seed" / "salesforce"
OBJECTS = {"product": "Product2", "contact": "Contact", "opportunity": "Opportunity", "sales_order": "Order"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that knows what sales knows, and the contracts."""
    folder = tmp_path_factory.mktemp("sales")
    with sandbox.serve(folder / "sandbox", systems=["salesforce"]) as endpoints:
        nowhere = dict.fromkeys(("avatax", "netsuite", "stripe", "smtp", "imap"), "http://127.0.0.1:1")
        env = sandbox_environment({**nowhere, **endpoints})
        opened = open_hub(
            as_of=date(2026, 1, 15),
            actor="olive",
            url=f"sqlite:///{folder / 'hub.sqlite'}",
            connection=lambda system: parse(f"billhub_{system}", env[variable_name(f"billhub_{system}")]),
        )
        for flow in ("sync_sales", "sync_contracts"):
            steps.run_flow(opened, load_flows()[flow])
        yield opened
        opened.close()


def documents(hub: Hub, entity: str) -> list[Any]:
    sql = text("SELECT body FROM documents WHERE entity = :entity ORDER BY canonical_id")
    with reading(hub.engine) as connection:
        return [decode(row.body, DOCUMENTS[entity]) for row in connection.execute(sql, {"entity": entity})]


def value(hub: Hub, sql: str) -> Any:
    with reading(hub.engine) as connection:
        return connection.execute(text(sql)).scalar_one()


@pytest.mark.parametrize(("entity", "name"), OBJECTS.items())
def test_every_record_becomes_a_document(hub: Hub, entity: str, name: str) -> None:
    with (SEED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        assert len(documents(hub, entity)) == len(list(csv.DictReader(file))) > 0
    assert value(hub, f"SELECT COUNT(*) FROM exceptions WHERE subject_id LIKE 'salesforce/{entity}/%'") == 0


def test_deals_are_worth_their_lines(hub: Hub) -> None:
    deals = [deal for deal in documents(hub, "opportunity") if deal.lines]
    assert {deal.stage for deal in deals} == {"open", "won", "lost"}
    for deal in deals:
        values = [line.unit_price * line.quantity * (1 - line.discount_percent / 100) for line in deal.lines]
        assert sum((value.amount for value in values), Decimal(0)) == deal.amount.amount, deal.name


def test_an_order_names_its_contact_and_its_contract(hub: Hub) -> None:
    orders = {order.order_id: order for order in documents(hub, "sales_order")}
    contacts = {contact.contact_id: contact for contact in documents(hub, "contact")}
    first = orders["00000101"]
    assert (first.contract_id, first.customer_id, first.legal_entity) == ("C-000001", "A-0001", "US")
    assert (contacts[first.bill_to_contact].name, contacts[first.bill_to_contact].role) == ("Ms. Ada Okafor", "billing")


def test_what_was_ordered_is_what_the_contract_bills(hub: Hub) -> None:
    shared = ("line_id", "product_code", "description", "quantity", "unit", "unit_price")
    ordered = {
        order.contract_id: [[getattr(line, name) for name in shared] for line in order.lines]
        for order in documents(hub, "sales_order")
        if order.status == "activated"
    }
    contracts = [contract for contract in documents(hub, "contract") if contract.status == "active"]
    assert len(contracts) > 200
    for contract in contracts:
        assert ordered[contract.contract_id] == [[getattr(line, name) for name in shared] for line in contract.lines]


def test_an_order_is_billed_by_its_contract_only(hub: Hub) -> None:
    release.plan(hub)
    assert value(hub, "SELECT COUNT(*) FROM invoices") > 100
    assert value(hub, "SELECT DISTINCT source_entity FROM invoices") == "contract"


def test_a_second_run_brings_nothing_new(hub: Hub) -> None:
    before = value(hub, "SELECT COUNT(*) FROM landed")
    steps.run_flow(hub, load_flows()["sync_sales"])
    assert value(hub, "SELECT COUNT(*) FROM landed") == before
