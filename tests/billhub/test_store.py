"""The ground of the hub on both databases: migrations, landed records, canonical documents."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import IntegrityError

from billhub.hub import Hub
from billhub.store import documents, landed
from billhub.store.engine import database_url as configured_url
from billhub.store.engine import migrate, open_engine, reading, transaction
from billhub.store.missing import insert_missing
from billhub.store.schema import metadata, valid_addresses
from canonical_model.errors import ConfigurationError
from canonical_model.orders import Order
from connectors.contract import ControlTotals, Page, RawRecord

_numbers = count()


def record(external_id: str, content: str = "A", *, version: str = "v1") -> RawRecord:
    return RawRecord(external_id=external_id, version=version, body={"content": content})


def land(hub: Hub, *records: RawRecord, cursor: str | None = None, source: str = "crm") -> int:
    with transaction(hub.engine) as connection:
        return landed.land(connection, source, "thing", Page(records=records, cursor=cursor, has_more=False))


def waiting(hub: Hub, source: str = "crm") -> list[tuple[str, str]]:
    with reading(hub.engine) as connection:
        rows = landed.waiting(connection, source, "thing", (0, 10**6), most=1000)
    return [(row.external_id, row.body) for row in rows]


def waiting_ids(connection: Connection, batch: tuple[int, int] = (0, 10**6)) -> list[int]:
    return [row.landed_id for row in landed.waiting(connection, "crm", "thing", batch, most=1000)]


# migrations


def test_migrations_make_exactly_the_tables_of_the_schema(empty_database_url: str) -> None:
    engine = open_engine(empty_database_url)
    migrate(engine)
    with engine.connect() as connection:
        made = set(inspect(connection).get_table_names())
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    assert made == {*metadata.tables, "alembic_version"}
    engine.dispose()
    assert differences == []


def test_migrating_again_changes_nothing(hub: Hub, query: Callable) -> None:
    land(hub, record("1"))
    migrate(hub.engine)
    assert query("SELECT count(*) FROM landed") == [(1,)]
    assert query("SELECT seq FROM audit_head") == [(0,)]


def test_several_workers_may_open_an_empty_store_at_once(empty_database_url: str) -> None:
    engines = [open_engine(empty_database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, engines))
    with reading(engines[0]) as connection:
        assert inspect(connection).has_table("invoices")
    for engine in engines:
        engine.dispose()


def test_sqlite_keeps_what_it_has_committed(store_file: Path) -> None:
    with reading(open_engine(f"sqlite:///{store_file}")) as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.postgres
def test_postgresql_plans_each_batch_for_itself(store_schema: Callable[[], str]) -> None:
    engine = open_engine(store_schema())
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SHOW plan_cache_mode").scalar_one() == "force_custom_plan"
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://somewhere/hub", "hub.sqlite"])
def test_another_database_is_refused_by_name(url: str) -> None:
    with pytest.raises(ConfigurationError, match="HUB_DATABASE_URL"):
        open_engine(url)


def test_the_environment_says_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("HUB_DATABASE_URL", "postgresql://someone@somewhere/hub")
    assert configured_url() == "postgresql+psycopg://someone@somewhere/hub"
    monkeypatch.setenv("HUB_DATABASE_URL", "")
    monkeypatch.setenv("HUB_STATE_DIR", str(tmp_path / "state"))
    assert configured_url() == f"sqlite:///{tmp_path / 'state' / 'hub.sqlite'}"


def test_what_is_rolled_back_takes_page_and_cursor_with_it(hub: Hub) -> None:
    with hub.engine.connect() as connection, connection.begin() as begun:
        landed.land(connection, "crm", "thing", Page(records=(record("1"),), cursor="7", has_more=False))
        begun.rollback()
    with reading(hub.engine) as connection:
        assert landed.cursor_of(connection, "crm", "thing") is None
    assert waiting(hub) == []


def test_a_view_stays_the_same_while_others_write(hub: Hub) -> None:
    land(hub, record("1"))
    with reading(hub.engine) as connection:
        before = waiting_ids(connection)
        land(hub, record("2"))
        assert waiting_ids(connection) == before == [1]
    assert len(waiting(hub)) == 2


def test_a_hub_opens_and_reads_while_another_writes(hub: Hub, open_as: Callable[..., Hub]) -> None:
    land(hub, record("1"))
    with transaction(hub.engine) as writing:
        landed.mark(writing, {1: "mapped"})
        assert waiting(open_as("reader")) == [("1", '{"content":"A"}')]


def test_inserting_what_is_missing_leaves_the_rest_alone(hub: Hub, query: Callable) -> None:
    rows = [{"service": "s", "address_hash": name} for name in ("a", "b")]
    with transaction(hub.engine) as connection:
        insert_missing(connection, valid_addresses, rows[:1])
        insert_missing(connection, valid_addresses, rows)
        insert_missing(connection, valid_addresses, [])
    assert query("SELECT address_hash FROM valid_addresses ORDER BY 1") == [("a",), ("b",)]


# landing


def test_a_page_and_its_cursor_land_together(hub: Hub) -> None:
    assert land(hub, record("1"), record("2"), cursor="2") == 2
    with reading(hub.engine) as connection:
        assert landed.cursor_of(connection, "crm", "thing") == "2"
        assert waiting_ids(connection) == [1, 2]


def test_reading_the_same_again_adds_nothing(hub: Hub) -> None:
    land(hub, record("1"), record("2"))
    assert land(hub, record("1"), record("2"), cursor="x") == 0
    assert len(waiting(hub)) == 2


def test_a_new_version_mark_counts_as_news(hub: Hub) -> None:
    land(hub, record("1", version="v1"))
    assert land(hub, record("1", version="v2")) == 1


def test_a_value_that_comes_back_is_not_lost(hub: Hub) -> None:
    for content in ("A", "B", "A"):
        assert land(hub, record("1", content)) == 1
    assert [body for _, body in waiting(hub)] == ['{"content":"A"}', '{"content":"B"}', '{"content":"A"}']


def test_a_value_that_comes_back_within_one_page_is_not_lost(hub: Hub) -> None:
    land(hub, record("1", "A"))
    assert land(hub, record("1", "A"), record("1", "B"), record("1", "A")) == 2
    assert waiting(hub)[-1] == ("1", '{"content":"A"}')


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from("AB")), max_size=5), max_size=5))
def test_what_landed_last_is_what_the_source_said_last(hub: Hub, pages: list) -> None:
    source = f"crm{next(_numbers)}"  # one store serves all examples
    said: dict[str, str] = {}
    for page in pages:
        land(hub, *(record(key, content) for key, content in page), source=source)
        said |= dict(page)
    assert dict(waiting(hub, source)) == {key: f'{{"content":"{content}"}}' for key, content in said.items()}


def test_records_of_another_source_are_left_to_it(hub: Hub) -> None:
    land(hub, record("1"), source="crm")
    land(hub, record("2"), source="shop")
    assert (waiting(hub, "crm"), waiting(hub, "shop")) == ([("1", '{"content":"A"}')], [("2", '{"content":"A"}')])


def test_a_batch_is_a_range_of_what_is_new(hub: Hub) -> None:
    land(hub, *(record(str(place)) for place in range(5)))
    with transaction(hub.engine) as connection:
        landed.mark(connection, {2: "mapped", 3: "excepted"})
    with reading(hub.engine) as connection:
        assert waiting_ids(connection, (1, 4)) == [4]
        assert waiting_ids(connection) == [1, 4, 5]


def test_only_the_newest_excepted_version_goes_back_to_work(hub: Hub) -> None:
    for content in "AB":
        land(hub, record("1", content), record("2", content))
    with transaction(hub.engine) as connection:
        landed.mark(connection, {1: "excepted", 2: "excepted", 3: "excepted", 4: "mapped"})
        assert landed.reset_excepted(connection, "thing") == 1
        assert waiting_ids(connection) == [3]


def test_control_totals_are_kept_as_counted(hub: Hub, query: Callable) -> None:
    control = ControlTotals(lines=3, amount="-12.345", currency="GBP", legal_entity="UK")
    land(hub, RawRecord(external_id="1", version="", body={}, control=control))
    found = query("SELECT control_lines, control_amount, control_currency, control_entity FROM landed")
    assert found == [(3, "-12.345", "GBP", "UK")]


def test_a_whole_line_taken_for_an_identifier_still_lands_and_stays_itself(hub: Hub, query: Callable) -> None:
    long = "x" * 5000
    assert land(hub, record(long), record(long + "y")) == 2
    assert land(hub, record(long)) == 0
    assert [len(name) for (name,) in query("SELECT external_id FROM landed")] == [147, 147]


def test_two_readers_cannot_land_one_page_twice(open_as: Callable[..., Hub]) -> None:
    hubs = [open_as() for _ in range(4)]

    def read(hub: Hub) -> int:
        with transaction(hub.engine) as connection:
            if landed.cursor_of(connection, "crm", "thing") != "1":
                return 0
            page = Page(records=(record("n", "new"),), cursor="2", has_more=False)
            return landed.land(connection, "crm", "thing", page)

    land(hubs[0], record("0"), cursor="1")
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(read, hubs)) == [0, 0, 0, 1]


# documents


def test_each_change_is_a_version_and_the_last_is_current(hub: Hub, keep: Callable, an_order: Callable) -> None:
    keep(an_order(lines=(("1", "1.00"),)))
    keep(an_order(lines=(("2", "1.00"),)), version="v2")
    keep(an_order(lines=(("2", "1.00"),)), version="v3")
    keep(an_order(lines=(("1", "1.00"),)), version="v4")
    with reading(hub.engine) as connection:
        versions = documents.provenance(connection, "order", "536365")
        current = documents.current(connection, "order", ["536365", "unknown"])
    assert [(row["version"], row["is_current"], row["landed_id"]) for row in versions] == [
        (3, True, 4),
        (2, False, 2),
        (1, False, 1),
    ]
    assert {name: stored.version for name, stored in current.items()} == {"536365": 3}


def test_a_document_comes_back_as_it_was(hub: Hub, keep: Callable, an_order: Callable) -> None:
    order = an_order(lines=(("-3", "0.001"), ("7", "1.10")), kind="cancellation")
    keep(order)
    with reading(hub.engine) as connection:
        assert documents.load(connection, "order", ["536365"], Order) == {"536365": order}


def test_walking_meets_every_current_document_once_in_order(hub: Hub, keep: Callable, an_order: Callable) -> None:
    names = [f"{number:03d}" for number in range(25)]
    keep(*(an_order(name) for name in reversed(names)))
    keep(an_order("007", lines=(("9", "9.00"),)), version="v2")
    with reading(hub.engine) as connection:
        chunks = list(documents.walk(connection, "order", chunk=10))
    assert [len(chunk) for chunk in chunks] == [10, 10, 5]
    assert [stored.canonical_id for chunk in chunks for stored in chunk] == names


def test_the_database_itself_allows_one_current_version(
    hub: Hub, keep: Callable, an_order: Callable, query: Callable
) -> None:
    keep(an_order(lines=(("1", "1.00"),)))
    keep(an_order(lines=(("2", "1.00"),)), version="v2")
    with pytest.raises(IntegrityError), transaction(hub.engine) as connection:
        connection.exec_driver_sql("UPDATE documents SET is_current = true")
    assert query("SELECT count(*) FROM documents WHERE is_current") == [(1,)]
