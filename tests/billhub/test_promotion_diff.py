"""A diff says exactly what a change would do to past traffic: every record, field, invoice and amount; and it does nothing."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billhub import promotion, release
from billhub.hub import Hub
from billhub.promotion import Change
from billhub.promotion.comparing import Pair, field_changes
from billhub.promotion.paths import newly_ignored
from billhub.promotion.references import on_disk
from billhub.store.engine import open_engine, reading, transaction
from canonical_model.errors import ConfigurationError
from canonical_model.money import Money
from mappings import Mapped

sys.path.insert(0, str(Path(__file__).parent))

from promotion_ground import (
    ACCOUNTS,
    CONTRACTS,
    ONE_LINE,
    ORDERS,
    PERHAPS,
    PRICES,
    account,
    altered,
    brought_in,
    compared,
    contract,
    dump,
    land,
    order,
    price,
    release_orders,
)

ACCOUNT, CONTRACT, ORDER = (
    on_disk(name) for name in ("salesforce/account", "salesforce/contract", "online_retail/order")
)
DISCOUNT = (
    "default: 0, reason: no discount was agreed",
    "default: 10, reason: house discount where none was agreed",
)


def fields(change: Change) -> list[tuple[str, str, Any, Any]]:
    return [(each.path, each.kind, each.old, each.new) for each in change.fields]


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


# records and fields


def test_every_record_and_field_that_would_change_is_listed_and_no_other(hub: Hub) -> None:
    brought_in(hub, ACCOUNTS, account("A-1"), account("A-2", Name="North\nwind"), account("A-3", Active__c="Perhaps"))
    result, changes = compared(hub, ACCOUNT, altered("salesforce/account", ONE_LINE, PERHAPS))
    assert [(each.subject, each.effect) for each in changes] == [("A-2", "changed"), ("A-3", "passes")]
    assert fields(changes[0]) == [("name", "changed", "North\nwind", "North, wind")]
    [(path, kind, old, new)] = fields(changes[1])
    assert (path, kind, new) == ("status", "accepted", "inactive")
    assert old["value"] == "Perhaps"
    assert (result.examined, result.changed, dict(result.effects)) == (3, 2, {"changed": 1, "passes": 1})
    assert [(each.path, each.count, each.examples[0].subject) for each in result.fields] == [
        ("name", 1, "A-2"),
        ("status", 1, "A-3"),
    ]


def test_a_record_that_would_be_excepted_shows_the_problem(hub: Hub) -> None:
    brought_in(hub, ACCOUNTS, account("A-1"), account("A-2", Active__c="No"))
    new = altered("salesforce/account", ("map: {Yes: active, No: inactive}", "map: {Yes: active}"))
    _, [change] = compared(hub, ACCOUNT, new)
    [(path, kind, old, problem)] = fields(change)
    assert (change.subject, change.effect, path, kind, old) == ("A-2", "excepted", "status", "refused", "inactive")
    assert problem["value"] == "No"


def test_another_problem_is_a_difference_too(hub: Hub) -> None:
    land(hub, ACCOUNTS, account("A-1", Active__c="Perhaps"))
    new = altered("salesforce/account", ("name: {from: Name,", "name: {from: Nom,"))
    _, [change] = compared(hub, ACCOUNT, new)
    assert (change.effect, [each.path for each in change.fields]) == ("other_problem", ["name"])


def test_only_the_newest_version_of_a_record_counts_whatever_became_of_it(hub: Hub) -> None:
    brought_in(hub, ACCOUNTS, account("A-1", Name="old\nname"), account("A-2", Name="x\ny", Active__c="Perhaps"))
    land(hub, ACCOUNTS, account("A-1", Name="new\nname"))
    _, changes = compared(hub, ACCOUNT, altered("salesforce/account", ONE_LINE))
    assert [(each.subject, each.effect) for each in changes] == [("A-1", "changed")]
    assert changes[0].fields[0].old == "new\nname"


def test_items_of_a_list_are_counted_by_field(hub: Hub) -> None:
    land(hub, ORDERS, order("1", ("2", "1.00"), ("3", "1.00")), order("2", ("1", "1.00")))
    result, _ = compared(hub, ORDER, altered("online_retail/order", ("{from: Quantity,", "{from: LineNo,")))
    assert [(each.path, each.count) for each in result.fields] == [("lines[].quantity", 2)]
    assert [each.subject for each in result.fields[0].examples] == ["1", "1"]


def test_another_spelling_of_a_number_is_no_difference() -> None:
    def mapped(document: Any) -> Mapped:
        return Mapped(document=document)

    same = Pair(mapped({"a": Decimal("1.50"), "b": None}), mapped({"a": Decimal("1.5")}))
    assert field_changes(same) == ()
    other = Pair(mapped({"a": Decimal("1.50"), "b": 1}), mapped({"a": Decimal("1.5"), "b": True}))
    assert [each.path for each in field_changes(other)] == ["b"]


def test_the_part_of_a_table_in_a_change_is_seen(hub: Hub) -> None:
    land(hub, ORDERS, order("1", country="Channel Islands"), order("2"))
    file = "tables/country_name.yaml"
    new = altered("online_retail/order", ("Channel Islands: GG", "Channel Islands: JE"), version=2, file=file)
    _, [change] = compared(hub, ORDER, new)
    assert fields(change) == [("buyer_country", "changed", "GG", "JE")]


# identity


def test_a_record_that_would_become_another_document_is_called_dangerous(hub: Hub) -> None:
    brought_in(hub, ACCOUNTS, account("A-1"), account("A-2", Name="A-1"))
    result, changes = compared(
        hub, ACCOUNT, altered("salesforce/account", ("customer_id: {from: AccountNumber,", "customer_id: {from: Name,"))
    )
    assert [(each.identity.old, each.identity.new, each.identity.taken) for each in changes if each.identity] == [
        ("A-1", "Northwind", False),
        ("A-2", "A-1", True),
    ]
    assert (result.identities, result.identities_taken) == (2, 1)


def test_two_records_that_would_become_one_document_are_told(hub: Hub) -> None:
    land(hub, ACCOUNTS, account("A-1"), account("A-2"))
    new = altered("salesforce/account", ("customer_id: {from: AccountNumber,", "customer_id: {from: Name,"))
    _, changes = compared(hub, ACCOUNT, new)
    assert [each.identity.taken for each in changes if each.identity] == [False, True]


# source paths


def test_paths_that_only_one_version_leaves_unread_are_counted(hub: Hub) -> None:
    land(hub, ACCOUNTS, account("A-1", Billing_Email__c="a@b.example"), account("A-2"), account("A-3", Grown__c="x"))
    moved = ("billing_email: {from: Billing_Email__c,", "billing_email: {from: Grown__c,")
    result, _ = compared(hub, ACCOUNT, altered("salesforce/account", moved))
    assert (result.newly_unread, result.no_longer_unread) == ({"Billing_Email__c": 3}, {"Grown__c": 1})


def test_a_path_that_is_ignored_now_is_told_with_its_reason() -> None:
    leave = ("ignore:\n", "ignore:\n  - {paths: [Billing_Email__c], reason: nobody reads it}\n")
    gone = ("billing_email: {from: Billing_Email__c, transform: text}", "billing_email: {absent: not sent by e-mail}")
    new = altered("salesforce/account", leave, gone)
    assert newly_ignored(ACCOUNT.mapping, new.mapping) == {"Billing_Email__c": "nobody reads it"}


# invoices and amounts


def test_drafts_of_a_changed_contract_with_amounts_to_the_cent(hub: Hub) -> None:
    without = {"Discount_Percent__c": None}
    brought_in(hub, ACCOUNTS, account("A-0001"))
    brought_in(hub, CONTRACTS, contract("C-1", **without), contract("C-2"))
    release.plan(hub)
    result, [change] = compared(hub, CONTRACT, altered("salesforce/contract", DISCOUNT))
    assert fields(change) == [("discount_percent", "changed", 0, 10)]
    [effect] = change.invoices
    assert (effect.invoice_id, effect.state, effect.number) == ("C-1_2026-01-01", "draft", None)
    assert effect.before == effect.net
    assert effect.after == (effect.before * Decimal("0.9")).rounded()
    assert effect.change == effect.after - effect.before
    [counted] = result.invoices
    assert (counted.state, counted.count, counted.change) == ("draft", 1, effect.change)


def test_what_would_be_drafted_or_fall_away_is_told(hub: Hub) -> None:
    brought_in(hub, CONTRACTS, contract("C-1", Status="In Approval Process"), contract("C-2"))
    release.plan(hub)
    turned = ("In Approval Process: draft, Activated: active", "In Approval Process: active, Activated: draft")
    _, changes = compared(hub, CONTRACT, altered("salesforce/contract", turned))
    [new], [gone] = (each.invoices for each in changes)
    assert (new.invoice_id, new.state, new.net) == ("C-1_2026-01-01", "not_drafted", None)
    assert (new.before, new.after) == (usd("0.00"), new.change)
    assert (gone.invoice_id, gone.state, gone.after) == ("C-2_2026-01-01", "draft", usd("0.00"))
    assert gone.before == gone.net == new.after


def test_no_amount_follows_from_a_document_that_could_not_be_made(hub: Hub) -> None:
    brought_in(hub, CONTRACTS, contract("C-1"))
    release.plan(hub)
    _, [change] = compared(hub, CONTRACT, altered("salesforce/contract", (", Activated: active", "")))
    [effect] = change.invoices
    assert (change.effect, effect.after, effect.change) == ("excepted", None, None)
    assert effect.before == effect.net


def test_the_invoices_of_a_changed_customer(hub: Hub) -> None:
    brought_in(hub, ACCOUNTS, account("A-0001", Name="North\nwind"), account("A-0002", Name="a\nb"))
    brought_in(hub, CONTRACTS, contract("C-1"), contract("C-2"))
    release.plan(hub)
    result, changes = compared(hub, ACCOUNT, altered("salesforce/account", ONE_LINE))
    assert [[each.invoice_id for each in change.invoices] for change in changes] == [
        ["C-1_2026-01-01", "C-2_2026-01-01"],
        [],
    ]
    assert [(each.state, each.count, each.computed) for each in result.invoices] == [("draft", 2, 0)]


def test_an_invoice_rests_on_every_document_version_it_was_made_from(hub: Hub) -> None:
    brought_in(hub, PRICES, price("P-1", "Team\nedition"))
    brought_in(hub, ORDERS, order("1"))
    release.plan(hub)
    with transaction(hub.engine) as connection:
        ids = text(
            "INSERT INTO invoice_sources (invoice_id, document_id, used_for) "
            "SELECT 'order_1', document_id, 'check' FROM documents WHERE entity = 'price_book_entry'"
        )
        connection.execute(ids)
    one_line = (
        "product_name: {from: Product2.Name, transform: text}",
        "product_name: {from: Product2.Name, transform: [text, one_line]}",
    )
    old = on_disk("salesforce/price_book_entry")
    _, [change] = compared(hub, old, altered("salesforce/price_book_entry", one_line))
    assert [(each.invoice_id, each.change) for each in change.invoices] == [("order_1", None)]


def test_released_invoices_are_told_with_number_and_exact_amounts(hub: Hub) -> None:
    brought_in(hub, ORDERS, order("1", ("6", "2.55"), ("4", "0.333")), order("2", ("1", "5.00")))
    release_orders(hub)
    result, [change] = compared(hub, ORDER, altered("online_retail/order", ("{from: Quantity,", "{from: LineNo,")))
    [effect] = change.invoices
    assert (effect.number, effect.state) == ("UK-000001", "released")
    amounts = [str(each) for each in (effect.net, effect.before, effect.after, effect.change)]
    assert amounts == ["16.63 GBP", "16.63 GBP", "3.22 GBP", "-13.41 GBP"]
    assert effect.gross is not None
    assert [(each.state, each.count, str(each.change)) for each in result.invoices] == [("released", 1, "-13.41 GBP")]


def test_answers_of_a_tax_engine_are_past_traffic_too(hub: Hub) -> None:
    brought_in(hub, ORDERS, order("1"))
    release_orders(hub)
    old = on_disk("tax_table/tax_quote")
    result, _ = compared(hub, old, old)
    assert (result.examined, result.changed) == (1, 0)
    _, [change] = compared(
        hub, old, altered("tax_table/tax_quote", ("engine: {const: tax_table", "engine: {const: rates"))
    )
    assert change.subject == "order_1"
    [effect] = change.invoices
    assert (effect.basis, str(effect.before), str(effect.change)) == ("tax", "3.50 GBP", "0.00 GBP")


# deliveries


@pytest.fixture
def delivered(hub: Hub) -> Hub:
    """Three released orders: one invoice confirmed in the books, one under way, one waiting."""
    brought_in(hub, ORDERS, *(order(str(place), (str(place), "10.00")) for place in (1, 2, 3)))
    release_orders(hub)
    with transaction(hub.engine) as connection:
        for state, number in (("confirmed", 1), ("uncertain", 2)):
            values = {"state": state, "key": f"netsuite:invoice:order_{number}:1"}
            done = connection.execute(
                text("UPDATE intents SET state = :state, payload = '{}' WHERE key = :key"), values
            )
            assert done.rowcount == 1
    return hub


def test_deliveries_say_what_was_sent_and_what_would_be_sent_differently(delivered: Hub) -> None:
    new = altered("netsuite/invoice", ('separator: " "', 'separator: "/"'))
    result, changes = compared(delivered, on_disk("netsuite/invoice"), new)
    assert [(each.subject, each.sending) for each in changes] == [
        ("netsuite:invoice:order_1:1", "confirmed"),
        ("netsuite:invoice:order_2:1", "as_written"),
        ("netsuite:invoice:order_3:1", "waiting"),
    ]
    assert fields(changes[0]) == [("memo", "changed", "Invoice order_1", "Invoice/order_1")]
    assert [each.number for each in changes[2].invoices] == ["UK-000003"]
    assert result.deliveries == {"as_written": 1, "confirmed": 1, "waiting": 1}


def test_requests_to_a_tax_engine_are_made_of_released_invoices(delivered: Hub) -> None:
    old = on_disk("tax_table/transaction")
    result, changes = compared(delivered, old, old)
    assert (result.examined, changes) == (3, [])


# the whole of it


def test_a_diff_writes_nothing(delivered: Hub, query: Callable) -> None:
    before = dump(delivered)
    for old, new in (
        (ORDER, altered("online_retail/order", ("{from: Quantity,", "{from: LineNo,"))),
        (on_disk("netsuite/invoice"), altered("netsuite/invoice", ('separator: " "', 'separator: "/"'))),
    ):
        assert compared(delivered, old, new)[1]
    assert dump(delivered) == before


def test_a_diff_needs_no_right_to_write(open_as: Callable[..., Hub], tmp_path: Path) -> None:
    hub = open_as()
    brought_in(hub, ORDERS, order("1"))
    new = altered("online_retail/order", ("{from: Quantity,", "{from: LineNo,"))
    url = hub.engine.url.render_as_string(hide_password=False)
    is_file = url.startswith("sqlite:///")
    engine = open_engine(f"sqlite:///file:{tmp_path / 'hub.sqlite'}?mode=ro&uri=true" if is_file else url)
    read_only = replace(hub, engine=engine)
    with reading(engine) as connection:
        if not is_file:
            connection.execute(text("SET TRANSACTION READ ONLY"))
        assert promotion.diff(connection, read_only, (ORDER, new)).changed == 1
        with pytest.raises(DBAPIError, match=r"read-?only"):
            connection.execute(text("DELETE FROM landed"))
    engine.dispose()


def test_the_hash_is_that_of_the_effect(hub: Hub) -> None:
    brought_in(hub, ACCOUNTS, account("A-1", Name="a\nb"))
    new = altered("salesforce/account", ONE_LINE)
    first = compared(hub, ACCOUNT, new)[0].hash
    assert compared(hub, ACCOUNT, new)[0].hash == first
    brought_in(hub, ACCOUNTS, account("A-2"))  # is not affected
    assert compared(hub, ACCOUNT, new)[0].hash == first
    others = {
        compared(hub, ACCOUNT, altered("salesforce/account", ONE_LINE, PERHAPS))[0].hash,
        compared(hub, ACCOUNT, new, sample=1)[0].hash,
        compared(hub, new, ACCOUNT)[0].hash,
    }
    brought_in(hub, ACCOUNTS, account("A-3", Name="c\nd"))
    assert len({first, *others, compared(hub, ACCOUNT, new)[0].hash}) == 5


def test_a_draft_that_was_released_meanwhile_changes_the_hash(hub: Hub) -> None:
    brought_in(hub, ORDERS, order("1"))
    release.plan(hub)
    new = altered("online_retail/order", ("{from: Quantity,", "{from: LineNo,"))
    drafted = compared(hub, ORDER, new)[0].hash
    release_orders(hub)
    assert compared(hub, ORDER, new)[0].hash != drafted


def test_a_sample_is_the_same_each_time_and_spread_over_all(hub: Hub) -> None:
    land(hub, ACCOUNTS, *(account(f"A-{number:03}", Name="a\nb") for number in range(60)))
    new = altered("salesforce/account", ONE_LINE)
    result, changes = compared(hub, ACCOUNT, new, sample=10)
    assert (result.examined, result.sample, len(changes)) == (10, 10, 10)
    assert [each.subject for each in compared(hub, ACCOUNT, new, sample=10)[1]] == [each.subject for each in changes]
    assert changes[-1].subject > "A-019"
    assert compared(hub, ACCOUNT, new, sample=1000)[0].examined == 60


def test_more_records_than_are_loaded_at_once_come_once_each_in_order(hub: Hub) -> None:
    names = [f"A-{number:04}" for number in range(1203)]
    land(hub, ACCOUNTS, *(account(name, Name="a\nb") for name in names))
    result, changes = compared(hub, ACCOUNT, altered("salesforce/account", ONE_LINE))
    assert [each.subject for each in changes] == names
    assert result.fields[0].count == 1203


def test_versions_of_different_mappings_are_not_compared(hub: Hub) -> None:
    with pytest.raises(ConfigurationError, match="versions of different mappings"):
        compared(hub, ACCOUNT, CONTRACT)


def test_a_mapping_whose_work_is_not_kept_has_no_traffic(hub: Hub) -> None:
    old = on_disk("netsuite/sales_order")
    assert compared(hub, old, old)[0].examined == 0


def test_what_becomes_due_counts_as_of_the_business_date(open_as: Callable[..., Hub]) -> None:
    hub = open_as()
    brought_in(hub, CONTRACTS, contract("C-1", Discount_Percent__c=None))
    new = altered("salesforce/contract", DISCOUNT)
    ids = [
        [each.invoice_id for each in compared(one, CONTRACT, new)[1][0].invoices]
        for one in (hub, open_as(as_of=date(2026, 4, 1)))
    ]
    assert ids == [["C-1_2026-01-01"], ["C-1_2026-01-01", "C-1_2026-04-01"]]


NAMES = st.lists(st.sampled_from(["plain", "two\nlines", "", "  ", "x\n\ny"]), max_size=6)
STATES = st.sampled_from(["Yes", "No", "Perhaps", ""])
CHANGES = st.lists(st.sampled_from([ONE_LINE, PERHAPS]), max_size=2, unique=True)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=NAMES, state=STATES, changes=CHANGES)
def test_equal_versions_never_differ_and_a_diff_has_the_same_records_both_ways(
    hub: Hub, names: list[str], state: str, changes: list[tuple[str, str]]
) -> None:
    with transaction(hub.engine) as connection:
        connection.execute(text("DELETE FROM landed"))
    land(hub, ACCOUNTS, *(account(f"A-{place}", Name=name, Active__c=state) for place, name in enumerate(names)))
    new = altered("salesforce/account", *changes)
    for version in (ACCOUNT, new):
        assert compared(hub, version, version)[1] == []
    there, back = (compared(hub, *versions)[1] for versions in ((ACCOUNT, new), (new, ACCOUNT)))
    assert [each.subject for each in there] == [each.subject for each in back]
    turned = {"excepted": "passes", "passes": "excepted"}
    assert [turned.get(each.effect, each.effect) for each in there] == [each.effect for each in back]
    assert [[field.path for field in each.fields] for each in there] == [
        [field.path for field in each.fields] for each in back
    ]
    assert [[(field.old, field.new) for field in each.fields] for each in there] == [
        [(field.new, field.old) for field in each.fields] for each in back
    ]
