"""petl: a table made of the mapped records, written to the database; without an outbox."""

import json
from collections.abc import Iterator
from typing import Any

import petl
from measured import report
from shape import COLUMNS, lines_of, row
from stores import connect


class _Orders(petl.Table):
    """The file as a petl table, read as it is written."""

    def __init__(self, file: str) -> None:
        self._file = file

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        yield COLUMNS
        for line in lines_of(self._file):
            made = row(json.loads(line))
            yield tuple(made[name] for name in COLUMNS)


def main(file: str, url: str) -> None:
    """Bring in all orders."""
    connection, _ = connect(url)
    connection.execute(f"CREATE TABLE orders ({', '.join(f'{name} TEXT' for name in COLUMNS)}, PRIMARY KEY (order_id))")
    connection.commit()
    petl.appenddb(_Orders(file), connection, "orders")


if __name__ == "__main__":
    report(main)
