"""Batches by hand: what is written and found is what one row at a time would give, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from billhub.hub import Hub
from billhub.store import intents
from billhub.store.bulk import among, insert_new_rows, insert_rows, next_ids
from billhub.store.engine import reading, transaction
from billhub.store.schema import intents as intent_table
from billhub.store.schema import landed, valid_addresses

AWKWARD = ["", "a", "A", "a'b", 'a"b', "a\\b", "\\N", "a\tb\nc\rd", "[]", "{}", "ä€😀", "x" * 300, "1", "1.0", "null"]
COLUMNS = ("service", "address_hash")


def intent(key: str, **others: Any) -> dict[str, Any]:
    row = {"key": key, "subject_id": "1", "target": "erp", "entity": "invoice", "external_key": "1", "state": "pending"}
    return row | others


def test_values_come_back_as_they_were(hub: Hub, query: Callable) -> None:
    row = ("crm", "thing", "1", "1", "v", "h", "\\N\t'\"\\\n", "new", None, "-1.50", None, "US")
    columns = [column.name for column in landed.columns if column.name != "landed_id"]
    with transaction(hub.engine) as connection:
        insert_rows(connection, landed, columns, [row])
        insert_rows(connection, landed, columns, [])
    assert query(f"SELECT {', '.join(columns)} FROM landed") == [row]


@pytest.mark.parametrize("wanted", [[], ["a"], AWKWARD, ["unknown"]])
def test_among_finds_exactly_these(hub: Hub, wanted: list[str]) -> None:
    keys = [key for key in AWKWARD if len(key) <= 64]
    with transaction(hub.engine) as connection:
        insert_rows(connection, valid_addresses, COLUMNS, [("s", key) for key in keys])
        column = valid_addresses.c.address_hash
        found = connection.execute(select(column).where(among(connection, column, wanted))).scalars().all()
    assert set(found) == set(wanted) & set(keys)


def test_a_longer_value_than_the_column_holds_is_not_cut_to_fit(hub: Hub) -> None:
    with transaction(hub.engine) as connection:
        insert_rows(connection, valid_addresses, COLUMNS, [("s", "x" * 64)])
        column = valid_addresses.c.address_hash
        assert connection.execute(select(column).where(among(connection, column, ["x" * 65]))).all() == []


def test_numbers_are_found_too(hub: Hub) -> None:
    with transaction(hub.engine) as connection:
        intents.add(connection, [intent(key) for key in "abc"])
        column = intent_table.c.intent_id
        ids = connection.execute(select(column).order_by(column)).scalars().all()
        found = connection.execute(select(intent_table.c.key).where(among(connection, column, ids[1:]))).scalars()
        assert set(found) == {"b", "c"}


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.sampled_from("abcdef"), max_size=5), max_size=4))
def test_new_rows_keep_their_order_and_the_first_of_a_key_stays(hub: Hub, batches: list[list[str]]) -> None:
    with hub.engine.connect() as connection, connection.begin() as begun:
        for place, batch in enumerate(batches):
            intents.add(connection, [intent(key, subject_id=str(place)) for key in batch])
        rows = connection.execute(
            select(intent_table.c.key, intent_table.c.subject_id).order_by(intent_table.c.intent_id)
        )
        kept = [tuple(row) for row in rows]
        begun.rollback()
    expected: dict[str, str] = {}
    for place, batch in enumerate(batches):
        for key in batch:
            expected.setdefault(key, str(place))
    assert kept == list(expected.items())


def test_what_the_caller_does_not_give_gets_its_default(hub: Hub, query: Callable) -> None:
    with transaction(hub.engine) as connection:
        insert_new_rows(connection, intent_table, tuple(intent("k")), [tuple(intent("k").values())])
    assert query("SELECT attempts, not_before, lease_until, lease_owner FROM intents") == [(0, 0, 0, None)]


def test_a_batch_that_is_rolled_back_is_not_there(hub: Hub) -> None:
    with hub.engine.connect() as connection, connection.begin() as begun:
        insert_rows(connection, valid_addresses, COLUMNS, [("s", "a")])
        insert_new_rows(connection, valid_addresses, COLUMNS, [("s", "b")])
        begun.rollback()
    with reading(hub.engine) as connection:
        assert connection.execute(select(valid_addresses)).all() == []


def test_numbers_for_new_rows_are_new_and_in_order(hub: Hub) -> None:
    with transaction(hub.engine) as connection:
        intents.add(connection, [intent("a"), intent("b")])
        first = list(next_ids(connection, intent_table, 3))
        assert list(next_ids(connection, intent_table, 0)) == []
        rows = [(number, *intent(str(number)).values()) for number in first]
        insert_rows(connection, intent_table, ("intent_id", *intent("")), rows)
        intents.add(connection, [intent("c")])
        ids = connection.execute(select(intent_table.c.intent_id).order_by(intent_table.c.intent_id)).scalars().all()
    assert first == sorted(set(first))
    assert ids == [*range(ids[0], ids[0] + 6)]
