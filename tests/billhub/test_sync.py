"""Sync: what was landed is mapped once, the newest version only, and no record holds back another."""

from collections.abc import Callable
from typing import Any

import pytest

from billhub import sync
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.store import documents, landed
from billhub.store.engine import reading, transaction
from canonical_model.parties import Customer
from connectors.contract import Page, RawRecord
from mappings.catalogue import ROOT
from mappings.testing.fixtures import read_input

ACCOUNTS = Feed(source="salesforce", entity="account", document="customer")
PRICES = Feed(source="salesforce", entity="price_book_entry", document="price_book_entry")
WHOLE, PRICE = (read_input(ROOT / "salesforce" / f"{name}.full.in.json") for name in ("account", "price_book_entry"))


def account(number: str, *, external_id: str | None = None, **changes: Any) -> RawRecord:
    body = {**WHOLE, "AccountNumber": number, "Name": "Northwind", **changes}
    return RawRecord(external_id=external_id or number, version=str(changes), body=body)


def land(hub: Hub, *records: RawRecord, source: str = "salesforce", entity: str = "account") -> None:
    with transaction(hub.engine) as connection:
        landed.land(connection, source, entity, Page(records=records, cursor=None, has_more=False))


def mapped(hub: Hub, feed: Feed = ACCOUNTS, *, size: int = 1000) -> list[dict[str, int]]:
    return [dict(sync.map_batch(hub, feed, batch)) for batch in sync.batches(hub, feed, size=size)]


@pytest.fixture
def states(query: Callable) -> Callable[[], list[str]]:
    return lambda: [state for (state,) in query("SELECT state FROM landed ORDER BY landed_id")]


def customers(hub: Hub) -> dict[str, Customer]:
    with reading(hub.engine) as connection:
        ids = [each.canonical_id for chunk in documents.walk(connection, "customer") for each in chunk]
        return documents.load(connection, "customer", ids, Customer)


def test_landed_records_become_documents_with_their_provenance(hub: Hub, query: Callable, states: Callable) -> None:
    land(hub, account("A-1"), account("A-2", Name="Wickermoor"))
    assert mapped(hub) == [{"mapped": 2, "superseded": 0, "changed": 2}]
    assert {number: each.name for number, each in customers(hub).items()} == {"A-1": "Northwind", "A-2": "Wickermoor"}
    assert query("SELECT canonical_id, version, mapping, mapping_version, landed_id FROM documents ORDER BY 1") == [
        ("A-1", 1, "salesforce/account", 1, 1),
        ("A-2", 1, "salesforce/account", 1, 2),
    ]
    assert states() == ["mapped", "mapped"]
    assert mapped(hub) == []


def test_of_several_versions_only_the_last_is_mapped(hub: Hub, states: Callable, query: Callable) -> None:
    land(hub, account("A-1", Name="old"), account("A-2"), account("A-1", Name="new"))
    assert mapped(hub) == [{"mapped": 2, "superseded": 1, "changed": 2}]
    assert customers(hub)["A-1"].name == "new"
    assert states() == ["superseded", "mapped", "mapped"]
    assert query("SELECT max(version) FROM documents") == [(1,)]


def test_versions_in_different_batches_too_in_any_order_of_the_batches(hub: Hub, states: Callable) -> None:
    land(hub, account("A-1", Name="old"), account("A-2"), account("A-1", Name="newer"), account("A-1", Name="newest"))
    batches = sync.batches(hub, ACCOUNTS, size=1)
    assert len(batches) == 4
    for batch in reversed(batches):
        sync.map_batch(hub, ACCOUNTS, batch)
    assert customers(hub)["A-1"].name == "newest"
    assert states() == ["superseded", "mapped", "superseded", "mapped"]


def test_mapping_a_batch_again_does_nothing(hub: Hub, query: Callable) -> None:
    land(hub, account("A-1"))
    [batch] = sync.batches(hub, ACCOUNTS)
    sync.map_batch(hub, ACCOUNTS, batch)
    before = query("SELECT * FROM documents"), query("SELECT * FROM audit")
    assert dict(sync.map_batch(hub, ACCOUNTS, batch)) == {"superseded": 0, "changed": 0}
    assert (query("SELECT * FROM documents"), query("SELECT * FROM audit")) == before


def test_a_value_that_came_back_is_current_again(hub: Hub, query: Callable) -> None:
    for name in ("A", "B", "A"):
        land(hub, account("A-1", Name=name))
        mapped(hub)
    assert customers(hub)["A-1"].name == "A"
    assert query("SELECT version, is_current FROM documents ORDER BY version") == [(1, False), (2, False), (3, True)]


def test_many_records_make_at_most_so_many_batches(hub: Hub) -> None:
    land(hub, *(account(f"A-{number}") for number in range(30)))
    batches = sync.batches(hub, ACCOUNTS, size=1, most=4)
    assert len(batches) == 4
    assert [after for after, _ in batches[1:]] == [upto for _, upto in batches[:-1]]


# what cannot be mapped


def test_what_cannot_be_mapped_is_on_the_desk_and_the_others_go_on(hub: Hub, states: Callable, query: Callable) -> None:
    land(hub, account("A-1"), account("A-2", Active__c="Perhaps", BillingCountryCode="ZZ"), account("A-3"))
    mapped(hub)
    assert set(customers(hub)) == {"A-1", "A-3"}
    assert states() == ["mapped", "excepted", "mapped"]
    found = query("SELECT subject_type, subject_id, category, path, state FROM exceptions ORDER BY path")
    assert found == [
        ("record", "salesforce/account/A-2", "mapping_defect", "address.country", "open"),
        ("record", "salesforce/account/A-2", "mapping_defect", "status", "open"),
    ]


def test_a_mended_record_resolves_its_exceptions(hub: Hub, query: Callable) -> None:
    land(hub, account("A-1", Active__c="Perhaps"))
    mapped(hub)
    land(hub, account("A-1", Active__c="Yes"))
    mapped(hub)
    assert query("SELECT state, resolution FROM exceptions") == [("resolved", "no longer occurs")]


def test_a_rule_with_a_long_name_fits(hub: Hub, query: Callable) -> None:
    """`from, decimal, money ...` of a long mapping name; a database that counts characters must not stop the batch."""
    dear = {**PRICE, "UnitPrice": "1" * 20}
    land(hub, RawRecord(external_id="P", version="", body=dear), entity="price_book_entry")
    assert mapped(hub, PRICES) == [{"excepted": 1, "superseded": 0, "changed": 0}]
    [(rule_id,)] = query("SELECT rule_id FROM exceptions WHERE path = 'unit_price'")
    assert len(rule_id) > 60


def test_of_two_records_of_one_identity_the_second_is_on_the_desk(hub: Hub, states: Callable, query: Callable) -> None:
    land(hub, account("A-1", Name="first"), account(" A-1", Name="second", external_id="0015x"), account("A-2"))
    mapped(hub)
    assert {number: each.name for number, each in customers(hub).items()} == {"A-1": "first", "A-2": "Northwind"}
    assert states() == ["mapped", "excepted", "mapped"]
    [(subject, value, message)] = query("SELECT subject_id, value, message FROM exceptions")
    assert (subject, value) == ("salesforce/account/0015x", "A-1")
    assert "record salesforce 0015x has the identity of record salesforce A-1, which came first" in message


def test_an_identifier_of_a_thousand_letters_is_none(hub: Hub, query: Callable) -> None:
    land(hub, account("A" * 1000), account("A-1"))
    mapped(hub)
    assert set(customers(hub)) == {"A-1"}
    messages = dict(query("SELECT path, message FROM exceptions"))
    assert "has 1000 characters; an identifier has at most 150" in messages["identity"]
    assert "has 1000 characters; an identifier has at most 80" in messages["customer_id"]


def test_records_of_another_source_wait_for_their_own_flow(hub: Hub, states: Callable) -> None:
    """Two sources may use one word for their records; a batch of one is a range in which records of the other lie."""
    land(hub, account("A-1"), account("A-3"))
    land(hub, account("A-2"), source="another_crm")
    mapped(hub)
    assert states() == ["mapped", "mapped", "new"]
    assert set(customers(hub)) == {"A-1", "A-3"}
