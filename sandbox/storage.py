"""What a stand-in system remembers: one SQLite file of JSON objects, and its readable seed.

Objects stay on disk: a list of 250,000 is walked in pages, never held in memory. Numbers with a
decimal point are `Decimal` on both sides, so an amount is written exactly as it was computed.
"""

import csv
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

Body = dict[str, Any]

PAGE_SIZE = 500

SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    external_id TEXT,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS object_external_id
    ON object (kind, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS object_order ON object (kind, position);
CREATE TABLE IF NOT EXISTS sequence (kind TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""

_encoder = msgspec.json.Encoder(decimal_format="number")


class DuplicateError(Exception):
    """An object with this id, or another one with this external id, is stored already."""


def encode_json(value: Any) -> bytes:
    """Write JSON; a Decimal becomes a JSON number with exactly its own digits."""
    return _encoder.encode(value)


def decode_json(data: bytes | str) -> Any:
    """Read JSON; a number with a point or an exponent becomes a Decimal, never a float.

    Raises:
        ValueError: The text is not JSON.
    """
    return json.loads(data, parse_float=Decimal)


def read_seed(seed: Path, system: str, name: str) -> Iterator[dict[str, str]]:
    """Read `SEED/<system>/<name>.csv`, row by row.

    Args:
        seed: The seed root, as given to `create_app`.
        system: Folder of the system, e.g. "avatax".
        name: File name without ".csv", usually the vendor's object name.

    Yields:
        One dict a row, keyed by the header, in file order. A missing file yields nothing.
    """
    path = seed / system / f"{name}.csv"
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)


class Storage:
    """JSON objects of one system, by kind, in a SQLite file that outlives the process.

    Safe to use from several threads. Every write is durable against the death of the process when
    the call returns, or when the surrounding `transaction` ends.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file at `path`; its folder must exist."""
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all writes inside happen together or, after an exception, not at all.

        Transactions of one thread may nest; only the outermost one commits. Other threads wait.
        Inside a coroutine, do not await within the block: the event loop is one thread, and another
        request would join this transaction.
        """
        with self._lock:
            if self._depth:
                yield
                return
            with self._outermost():
                yield

    @contextmanager
    def _outermost(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        else:
            self._db.execute("COMMIT")
        finally:
            self._depth = 0

    def insert(self, kind: str, object_id: str, body: Body, external_id: str | None = None) -> None:
        """Store a new object.

        Raises:
            DuplicateError: The id or the external id is taken within this kind.
        """
        sql = "INSERT INTO object (kind, id, external_id, body) VALUES (?, ?, ?, ?)"
        self._write(sql, (kind, object_id, external_id), body)

    def put(self, kind: str, object_id: str, body: Body, external_id: str | None = None) -> None:
        """Store an object, or replace the one with this id; a replaced one keeps its place in order.

        Raises:
            DuplicateError: Another object of this kind has this external id.
        """
        sql = (
            "INSERT INTO object (kind, id, external_id, body) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE "
            "SET external_id = excluded.external_id, body = excluded.body"
        )
        self._write(sql, (kind, object_id, external_id), body)

    def _write(self, sql: str, key: tuple[str, str, str | None], body: Body) -> None:
        text = encode_json(body).decode()
        try:
            with self._lock:
                self._db.execute(sql, (*key, text))
        except sqlite3.IntegrityError as error:
            raise DuplicateError("{} {} (external id {})".format(*key)) from error

    def patch(self, kind: str, object_id: str, changes: Body) -> Body | None:
        """Set some top-level fields of an object; its external id stays.

        Returns:
            The object as it is now, or None if there is none.
        """
        with self.transaction():
            body = self.get(kind, object_id)
            if body is None:
                return None
            body |= changes
            sql = "UPDATE object SET body = ? WHERE kind = ? AND id = ?"
            self._db.execute(sql, (encode_json(body).decode(), kind, object_id))
            return body

    def delete(self, kind: str, object_id: str) -> bool:
        """Remove an object; returns whether there was one."""
        with self._lock:
            sql = "DELETE FROM object WHERE kind = ? AND id = ?"
            return self._db.execute(sql, (kind, object_id)).rowcount > 0

    def get(self, kind: str, object_id: str) -> Body | None:
        """Return the object with this id, or None."""
        sql = "SELECT body FROM object WHERE kind = ? AND id = ?"
        return self._one_body(sql, kind, object_id)

    def get_by_external_id(self, kind: str, external_id: str) -> Body | None:
        """Return the object with this external id, or None."""
        sql = "SELECT body FROM object WHERE kind = ? AND external_id = ?"
        return self._one_body(sql, kind, external_id)

    def _one_body(self, sql: str, kind: str, key: str) -> Body | None:
        rows = self._rows(sql, kind, key)
        return _decode_body(rows[0][0]) if rows else None

    def page(self, kind: str, *, after: int = 0, limit: int = PAGE_SIZE) -> list[tuple[int, Body]]:
        """Return up to `limit` objects stored after position `after`.

        Returns:
            Pairs of position and object, in insertion order; the last position is the next `after`.
        """
        sql = "SELECT position, body FROM object WHERE kind = ? AND position > ? ORDER BY position LIMIT ?"
        return [(position, _decode_body(body)) for position, body in self._rows(sql, kind, after, limit)]

    def find(self, kind: str, field: str, value: str) -> Iterator[Body]:
        """Yield the objects whose top-level text field equals `value`, in insertion order."""
        sql = "SELECT body FROM object WHERE kind = ? AND json_extract(body, '$.' || ?) = ? ORDER BY position"
        for (body,) in self._rows(sql, kind, field, value):
            yield _decode_body(body)

    def count(self, kind: str) -> int:
        """Return how many objects of this kind are stored."""
        return int(self._rows("SELECT COUNT(*) FROM object WHERE kind = ?", kind)[0][0])

    def counts(self) -> dict[str, int]:
        """Return the number of stored objects by kind, kinds in alphabetical order."""
        return dict(self._rows("SELECT kind, COUNT(*) FROM object GROUP BY kind ORDER BY kind"))

    def next_id(self, kind: str) -> int:
        """Return the next number of this kind's sequence: 1, 2, 3 ... also after a restart."""
        sql = (
            "INSERT INTO sequence (kind, value) VALUES (?, 1) "
            "ON CONFLICT (kind) DO UPDATE SET value = value + 1 RETURNING value"
        )
        return int(self._rows(sql, kind)[0][0])

    def _rows(self, sql: str, *values: str | int) -> list[Any]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def list(self, kind: str) -> Iterator[Body]:
        """Yield all objects of this kind in insertion order, holding one page at a time."""
        after = 0
        while rows := self.page(kind, after=after):
            for _, body in rows:
                yield body
            after = rows[-1][0]


def _decode_body(text: str) -> Body:
    body: Body = decode_json(text)
    return body
