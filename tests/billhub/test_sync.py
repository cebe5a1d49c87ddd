"""Sync: what was landed is mapped once, the newest version only, and no record holds back another."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billhub import sync
from billhub.flows import Batch, Feed
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


def account(number: str, *, external_id: str | None = None, native: str | None = None, **changes: Any) -> RawRecord:
    body = {**WHOLE, "AccountNumber": number, "Name": "Northwind", **changes}
    return RawRecord(external_id=external_id or number, native_id=native, version=str(changes), body=body)


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


def test_a_large_batch_is_committed_chunk_by_chunk(
    hub: Hub, query: Callable, states: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "CHUNK", 2)
    land(hub, *(account(f"A-{number}") for number in range(4)), account("A-1", Name="newer"))
    assert sync.map_batch(hub, ACCOUNTS, (0, 5)) == {"mapped": 4, "superseded": 1, "changed": 4}
    assert states() == ["mapped", "superseded", "mapped", "mapped", "mapped"]
    details = [json.loads(detail) for (detail,) in query("SELECT detail FROM audit WHERE action = 'records.mapped'")]
    assert [detail["batch"] for detail in details] == [[0, 2], [2, 4], [4, 5]]


def test_many_records_make_at_most_so_many_batches(hub: Hub) -> None:
    land(hub, *(account(f"A-{number}") for number in range(30)))
    batches = sync.batches(hub, ACCOUNTS, size=1, most=4)
    assert len(batches) == 4
    assert [after for after, _ in batches[1:]] == [upto for _, upto in batches[:-1]]
    assert sum(map_count(hub, batch) for batch in batches) == 30


def map_count(hub: Hub, batch: Batch) -> int:
    return sync.map_batch(hub, ACCOUNTS, batch)["mapped"]


@pytest.mark.parametrize(
    ("number", "size", "expected"), [(0, 2, []), (1, 1, [1]), (1, 2, [1]), (4, 2, [2, 4]), (5, 2, [2, 4, 5])]
)
def test_batches_end_where_they_are_full_and_with_the_last(
    hub: Hub, number: int, size: int, expected: list[int]
) -> None:
    land(hub, *(account(f"A-{place}") for place in range(number)))
    assert [upto for _, upto in sync.batches(hub, ACCOUNTS, size=size)] == expected


# both steps in one transaction


def bring_in(hub: Hub, *records: RawRecord, cursor: str | None = None) -> dict[str, int]:
    with transaction(hub.engine) as connection:
        return dict(sync.bring_in(connection, hub, ACCOUNTS, Page(records=records, cursor=cursor, has_more=False)))


def test_a_page_may_be_landed_and_mapped_at_once(hub: Hub, query: Callable, states: Callable) -> None:
    bad = account("A-3", Active__c="Perhaps")
    counts = bring_in(hub, account("A-1", Name="old"), account("A-2"), bad, account("A-1"), cursor="4")
    assert counts == {"landed": 4, "mapped": 2, "excepted": 1, "superseded": 1, "changed": 2}
    assert states() == ["superseded", "mapped", "excepted", "mapped"]
    assert query("SELECT canonical_id, landed_id FROM documents ORDER BY 1") == [("A-1", 4), ("A-2", 2)]
    assert query("SELECT cursor FROM cursors") == [("4",)]
    assert bring_in(hub, account("A-2"), bad, cursor="4") == {"landed": 0, "superseded": 0, "changed": 0}


def test_what_is_not_committed_leaves_nothing_of_a_page(hub: Hub, query: Callable) -> None:
    with hub.engine.connect() as connection, connection.begin() as begun:
        sync.bring_in(connection, hub, ACCOUNTS, Page(records=(account("A-1"),), cursor="1", has_more=False))
        begun.rollback()
    assert [query(f"SELECT count(*) FROM {name}") for name in ("landed", "documents", "cursors")] == [[(0,)]] * 3
    assert bring_in(hub, account("A-1"))["mapped"] == 1


_numbers = count()
RECORDS = st.tuples(st.sampled_from(["n1", "n2", "n3"]), st.sampled_from("ABC"), st.sampled_from(["Yes", "No", "?"]))


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(RECORDS, max_size=5), max_size=4))
def test_one_transaction_comes_to_the_same_as_two(hub: Hub, pages: list) -> None:
    outcomes = [outcome(hub, pages, bring) for bring in (bring_in, land_then_map)]
    assert outcomes[0] == outcomes[1]


def land_then_map(hub: Hub, *records: RawRecord) -> None:
    land(hub, *records)
    mapped(hub)


def outcome(hub: Hub, pages: list, bring: Callable[..., object]) -> list[list[tuple[Any, ...]]]:
    """What the store holds of these pages, whose records have identifiers of this call alone."""
    mark = f"{next(_numbers):04d}"
    for page in pages:
        records = (
            account(f"{mark}-{number}", native=f"{mark}-{native}", Active__c=is_active)
            for native, number, is_active in page
        )
        bring(hub, *records)
    queries = (
        f"SELECT external_id, native_id, state FROM landed WHERE native_id LIKE '{mark}-%' ORDER BY landed_id",
        f"SELECT canonical_id, version, is_current, body FROM documents WHERE canonical_id LIKE '{mark}-%' ORDER BY 1, 2",
        f"SELECT subject_id, path, state FROM exceptions WHERE subject_id LIKE '%/{mark}-%' ORDER BY 1, 2, 3",
    )
    with reading(hub.engine) as connection:
        found = [
            connection.exec_driver_sql(query.replace("%", "%%") if connection.dialect.name == "postgresql" else query)
            for query in queries
        ]
        return [[tuple(str(value).replace(mark, "") for value in row) for row in rows] for rows in found]


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
