"""The audit: one chain, append-only, whoever writes and whatever interface is used."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from billhub import audit
from billhub.hub import Hub
from billhub.store.engine import reading, transaction


def entry(subject: str = "C-1", action: str = "invoice.drafted", **detail: object) -> audit.Entry:
    return audit.Entry(action=action, subject=subject, detail=detail)


def append(hub: Hub, *entries: audit.Entry) -> None:
    with transaction(hub.engine) as connection:
        audit.append(connection, hub, entries)


def first_broken(hub: Hub) -> int | None:
    with reading(hub.engine) as connection:
        return audit.first_broken(connection)


def unguarded(connection: Connection) -> None:
    """What only the owner of the database can do: switch its triggers off."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        return
    for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
        connection.execute(text(f"DROP TRIGGER {name}"))


def tamper(hub: Hub, statement: str) -> None:
    with transaction(hub.engine) as connection:
        unguarded(connection)
        connection.exec_driver_sql(statement)


def test_an_empty_audit_holds(hub: Hub) -> None:
    assert first_broken(hub) is None


def test_appending_nothing_leaves_no_trace(hub: Hub, query: Callable) -> None:
    append(hub)
    assert query("SELECT seq FROM audit_head") == [(0,)]


def test_entries_say_who_what_and_when_in_order(hub: Hub) -> None:
    append(hub, entry("C-1", net="120000.00"), entry("C-2"))
    append(replace(hub, actor="frida"), entry("C-1", action="invoice.released", number="US-000001"))
    with reading(hub.engine) as connection:
        views = audit.trail(connection, ["C-1"])
    assert [(view.seq, view.actor, view.action, view.at) for view in views] == [
        (1, "olive", "invoice.drafted", "2026-01-15T00:00:00Z"),
        (3, "frida", "invoice.released", "2026-01-15T00:00:00Z"),
    ]
    assert [view.detail for view in views] == [{"net": "120000.00"}, {"number": "US-000001"}]
    assert all(view.holds for view in views)
    assert first_broken(hub) is None


def test_each_entry_holds_the_hash_of_the_one_before(hub: Hub, query: Callable) -> None:
    append(hub, *(entry(str(place)) for place in range(3)))
    rows = query("SELECT prev_hash, hash FROM audit ORDER BY seq")
    assert [before for before, _ in rows] == [audit.GENESIS, *(own for _, own in rows[:-1])]
    assert query("SELECT hash FROM audit_head") == [(rows[-1][1],)]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.tuples(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), st.integers()),
            max_size=4,
        ),
        max_size=4,
    )
)
def test_whatever_is_written_the_chain_holds(hub: Hub, batches: list[list[tuple[str, int]]]) -> None:
    for batch in batches:
        append(hub, *(entry(subject[:250], value=value) for subject, value in batch))
    assert first_broken(hub) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'nobody' WHERE seq = 2",
        "UPDATE audit SET detail = '{}'",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit",
    ],
)
def test_the_database_refuses_to_change_the_past(hub: Hub, query: Callable, statement: str) -> None:
    append(hub, *(entry(str(place), place=place) for place in range(3)))
    with pytest.raises(DBAPIError, match="append-only"), transaction(hub.engine) as connection:
        connection.execute(text(statement))
    assert query("SELECT count(*), min(actor) FROM audit") == [(3, "olive")]
    assert first_broken(hub) is None


def test_the_database_refuses_to_put_an_entry_in_the_place_of_another(hub: Hub) -> None:
    append(hub, entry("1"))
    columns = "seq, at, actor, action, subject, detail, prev_hash, hash"
    values = f"1, 'now', 'nobody', 'nothing', '1', '{{}}', '{audit.GENESIS}', 'x'"
    replacing = {
        "sqlite": f"INSERT OR REPLACE INTO audit ({columns}) VALUES ({values})",
        "postgresql": f"INSERT INTO audit ({columns}) VALUES ({values}) ON CONFLICT (seq) DO UPDATE SET actor = 'nobody'",
    }[hub.engine.dialect.name]
    with pytest.raises(DBAPIError, match="append-only"), transaction(hub.engine) as connection:
        connection.execute(text(replacing))
    assert first_broken(hub) is None


def test_postgresql_refuses_to_truncate_too(hub: Hub) -> None:
    append(hub, entry("1"))
    if hub.engine.dialect.name == "postgresql":  # SQLite has no TRUNCATE
        with pytest.raises(DBAPIError, match="append-only"), transaction(hub.engine) as connection:
            connection.execute(text("TRUNCATE audit"))
    assert first_broken(hub) is None


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE seq = 2", 2),
        ("UPDATE audit SET detail = '{\"place\":9}' WHERE seq = 3", 3),
        ("UPDATE audit SET at = '2020-01-01T00:00:00Z' WHERE seq = 1", 1),
        ("UPDATE audit SET hash = prev_hash WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 5", 5),  # the last one: only the head knows that it is missing
        ("UPDATE audit_head SET seq = 4", 6),
        ("UPDATE audit SET seq = seq + 10 WHERE seq = 5", 5),
    ],
)
def test_what_the_owner_of_the_database_changes_is_seen(hub: Hub, statement: str, place: int) -> None:
    append(hub, *(entry(str(number), place=number) for number in range(1, 6)))
    tamper(hub, statement)
    assert first_broken(hub) == place


def test_the_trail_shows_which_entry_does_not_hold(hub: Hub) -> None:
    append(hub, entry("C-1", amount=1), entry("C-1", amount=2), entry("C-1", amount=3))
    tamper(hub, "UPDATE audit SET detail = '{\"amount\":999}' WHERE seq = 2")
    with reading(hub.engine) as connection:
        views = audit.trail(connection, ["C-1"])
    assert [view.holds for view in views] == [True, False, True]
    assert views[1].detail == {"unsound": '{"amount":999}'}


def test_writers_at_once_keep_one_chain(open_as: Callable[..., Hub], query: Callable) -> None:
    hubs = [open_as(f"writer {number}") for number in range(6)]

    def write(hub: Hub) -> None:
        for place in range(5):
            append(hub, entry(hub.actor, place=place), entry(hub.actor, place=place))

    with ThreadPoolExecutor(len(hubs)) as pool:
        list(pool.map(write, hubs))
    assert first_broken(hubs[0]) is None
    assert query("SELECT count(*), count(DISTINCT seq), max(seq) FROM audit") == [(60, 60, 60)]


def test_what_is_rolled_back_leaves_no_gap(hub: Hub, query: Callable) -> None:
    append(hub, entry("1"))
    with hub.engine.connect() as connection, connection.begin() as begun:
        audit.append(connection, hub, [entry("2")])
        begun.rollback()
    append(hub, entry("3"))
    assert query("SELECT seq, subject FROM audit ORDER BY seq") == [(1, "1"), (2, "3")]
    assert first_broken(hub) is None
