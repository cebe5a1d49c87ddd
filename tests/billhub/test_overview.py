"""The overview adds up: every place to what came in, credit notes negative, in each currency's own precision."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update

from billhub import exceptions
from billhub.flows import load_flows
from billhub.hub import Hub
from billhub.overview import EntityTotals, Overview, Volume, overview
from billhub.steps import run_flow
from billhub.store.engine import reading, transaction
from billhub.store.invoices import OPEN_STATES, RELEASED_STATES
from billhub.store.schema import intents, invoices
from canonical_model.encoding import encode
from canonical_model.money import Money
from canonical_model.violations import Violation

PLACES = ("released", "held", "awaiting_approval", "in_progress", "rejected")
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
DAY = "2026-01-12 08:26:00"
ORDERS = (
    f"900001,71053,LANTERN,60000,{DAY},3.39,17850.0,United Kingdom",  # above the approval limit
    f"900002,71053,LANTERN,6,{DAY},2.55,17850.0,United Kingdom",
    f"900003,71053,LANTERN,2,{DAY},3.39,,United Kingdom",  # held: no customer
    f"C900004,71053,LANTERN,-1,{DAY},27.50,14527.0,United Kingdom",
)


@pytest.fixture
def filled(hub: Hub, tmp_path: Path) -> Hub:
    """Four orders taken through sync and release: one waits for approval, two are released, one is held."""
    file = tmp_path / "orders.csv"
    file.write_text("\n".join((HEADER, *ORDERS)) + "\n")
    os.environ["AIRFLOW_CONN_BILLHUB_ONLINE_RETAIL"] = f'{{"conn_type": "billhub_online_retail", "host": "{file}"}}'
    os.environ["AIRFLOW_CONN_BILLHUB_TAX_TABLE"] = '{"conn_type": "billhub_tax_table"}'
    for flow in ("retail_orders", "invoice_release"):
        run_flow(hub, load_flows()[flow])
    return hub


def seen(hub: Hub) -> Overview:
    with reading(hub.engine) as connection:
        return overview(connection, hub)


def gbp(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


def volume(documents: int, net: str, gross: str) -> Volume:
    return Volume(documents=documents, net=gbp(net), gross=gbp(gross))


def test_an_empty_store(hub: Hub) -> None:
    assert seen(hub) == Overview(as_of=date(2026, 1, 15), totals=(), exceptions=(), deliveries=(), runs=())


def test_totals_by_entity_and_currency(filled: Hub) -> None:
    assert seen(filled).totals == (
        EntityTotals(
            legal_entity="UK",
            currency="GBP",
            came_in=volume(4, "203394.58", "244065.36"),
            released=volume(2, "-12.20", "-14.64"),  # 15.30 and a credit note of 27.50; 18.36 and 33.00 with tax
            held=volume(1, "6.78", "0.00"),
            awaiting_approval=volume(1, "203400.00", "244080.00"),
            in_progress=volume(0, "0.00", "0.00"),
            rejected=volume(0, "0.00", "0.00"),
        ),
    )


def test_withdrawn_drafts_never_came_in(filled: Hub) -> None:
    with transaction(filled.engine) as connection:
        held = invoices.c.state == "held"
        connection.execute(update(invoices).where(held).values(state="withdrawn"))
    [totals] = seen(filled).totals
    assert (totals.came_in.documents, totals.held.documents) == (3, 0)


def test_exceptions_by_category(filled: Hub) -> None:
    [missing] = seen(filled).exceptions
    assert (missing.category, missing.owner, missing.open, missing.overdue) == ("missing_customer", "master-data", 1, 0)
    assert missing.next_deadline == date(2026, 1, 20)  # three working days after a Thursday


@pytest.mark.parametrize(("as_of", "overdue"), [(date(2026, 1, 20), 0), (date(2026, 1, 21), 1)])
def test_overdue_is_after_the_deadline(filled: Hub, as_of: date, overdue: int) -> None:
    [missing] = seen(replace(filled, as_of=as_of)).exceptions
    assert missing.overdue == overdue


def test_what_is_only_reported_has_no_deadline(hub: Hub) -> None:
    found = Violation(rule_id="HUB-X", category="suspected_duplicate_line", path="lines", value="2", message="twice")
    problem = exceptions.Problem(subject_type="invoice", subject_id="one", violation=found, holds=False)
    with transaction(hub.engine) as connection:
        exceptions.settle(connection, hub, subject_type="invoice", examined=["one"], problems=[problem])
    [count] = seen(hub).exceptions
    assert (count.open, count.reported, count.next_deadline) == (0, 1, None)


def test_a_mended_exception_is_not_counted(filled: Hub) -> None:
    with transaction(filled.engine) as connection:
        held = "order_900003"
        exceptions.settle(connection, filled, subject_type="invoice", examined=[held], problems=())
    assert seen(filled).exceptions == ()


def test_deliveries_by_target_and_state(filled: Hub) -> None:
    with transaction(filled.engine) as connection:
        one = invoices.c.invoice_id == "order_900002"
        assert connection.execute(update(invoices).where(one).values(state="delivered")).rowcount == 1
        mine = intents.c.external_key == "order_900002"
        assert connection.execute(update(intents).where(mine).values(state="confirmed")).rowcount == 1
    [netsuite] = seen(filled).deliveries
    assert netsuite.target == "netsuite"
    assert (netsuite.confirmed, netsuite.pending) == (1, 3)  # two customers, an invoice and a credit note
    [totals] = seen(filled).totals
    assert totals.released.documents == 2  # delivered counts as released


def test_the_latest_runs_come_first(filled: Hub) -> None:
    runs = seen(filled).runs
    assert [run.step for run in runs[:2]] == ["release", "approve"]
    assert runs[0].counts == {"released": 2, "sent_back": 0}
    assert [run.run_id for run in runs] == sorted((run.run_id for run in runs), reverse=True)


def test_it_is_one_json_document(filled: Hub) -> None:
    assert b'"net":{"amount":"203400.00","currency":"GBP"}' in encode(seen(filled))


STATES = (*OPEN_STATES, *RELEASED_STATES, "rejected", "withdrawn")
Row = tuple[str, str, str, str, int]


def rows() -> st.SearchStrategy[list[Row]]:
    one = st.tuples(
        st.sampled_from(["US", "JP"]),
        st.sampled_from(["USD", "JPY", "KWD"]),
        st.sampled_from(["380", "381"]),
        st.sampled_from(STATES),
        st.integers(0, 10**15),
    )
    return st.lists(one, max_size=30)


def columns(place: int, row: Row) -> dict[str, Any]:
    entity, currency, document_type, state, net = row
    return {
        "invoice_id": f"one_{place}",
        "document_type": document_type,
        "legal_entity": entity,
        "source_entity": "order",
        "source_id": str(place),
        "source_version": 1,
        "currency": currency,
        "issue_date": "2026-01-15",
        "net_minor": net,
        "raw_amount": "0",
        "line_count": 1,
        "state": state,
        "draft_hash": "",
        "fingerprint": "",
        "created_by": "olive",
        "body": "{}",
    }


@given(drawn=rows())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_lost_between_the_places(hub: Hub, drawn: list[Row]) -> None:
    with hub.engine.connect() as connection:  # never committed: every example starts from an empty store
        if drawn:
            connection.execute(insert(invoices), [columns(place, row) for place, row in enumerate(drawn)])
        totals = overview(connection, hub).totals
        connection.rollback()
    expected: dict[tuple[str, str], int] = {}
    for entity, currency, document_type, state, net in drawn:
        if state != "withdrawn":
            expected[entity, currency] = expected.get((entity, currency), 0) + (-net if document_type == "381" else net)
    assert {(each.legal_entity, each.currency): each.came_in.net.minor for each in totals} == expected
    for each in totals:
        parts: list[Volume] = [getattr(each, place) for place in PLACES]
        assert sum(part.net.minor for part in parts) == each.came_in.net.minor
        assert sum(part.documents for part in parts) == each.came_in.documents


def test_opening_as_another_day_does_not_change_amounts(filled: Hub, open_as: Callable[..., Hub]) -> None:
    later = open_as("uma", date(2027, 1, 1))
    assert seen(later).totals == seen(filled).totals
