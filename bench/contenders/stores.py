"""The same two databases for contenders that bring no writer of their own: SQLite with full durability, and PostgreSQL."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from shape import COLUMNS

Insert = Callable[[Sequence[tuple[str, ...]]], None]

_BARE = "CREATE TABLE bare (id TEXT PRIMARY KEY, body TEXT)"
_ORDERS = "CREATE TABLE orders (order_id TEXT PRIMARY KEY, kind TEXT, order_date TEXT, customer_id TEXT, country TEXT, net TEXT, body TEXT)"
_OUTBOX = "CREATE TABLE outbox (key TEXT PRIMARY KEY, state TEXT, body TEXT)"


def connect(url: str) -> tuple[Any, str]:
    """A connection and how its placeholders are written."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection, "?"
    import psycopg

    return psycopg.connect(url), "%s"


def bare(url: str) -> Insert:
    """Inserts pairs of id and body."""
    connection, mark = connect(url)
    connection.execute(_BARE)
    connection.commit()

    def insert(rows: Sequence[tuple[str, ...]]) -> None:
        connection.cursor().executemany(f"INSERT INTO bare VALUES ({mark}, {mark})", rows)
        connection.commit()

    return insert


def with_outbox(url: str) -> Insert:
    """Upserts orders, each with a message to be sent, in one transaction."""
    connection, mark = connect(url)
    connection.execute(_ORDERS)
    connection.execute(_OUTBOX)
    connection.commit()
    changes = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
    upsert = (
        f"INSERT INTO orders VALUES ({', '.join(mark for _ in COLUMNS)}) ON CONFLICT (order_id) DO UPDATE SET {changes}"
    )
    send = f"INSERT INTO outbox VALUES ({mark}, 'pending', {mark}) ON CONFLICT (key) DO NOTHING"

    def insert(rows: Sequence[tuple[str, ...]]) -> None:
        cursor = connection.cursor()
        cursor.executemany(upsert, rows)
        cursor.executemany(send, [(f"order:{row[0]}", row[-1]) for row in rows])
        connection.commit()

    return insert
