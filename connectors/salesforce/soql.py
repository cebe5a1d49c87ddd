"""SOQL text: literals, lists that fit into a URL, and the condition that goes on behind a position.

Sources: Salesforce SOQL and SOSL Reference (API v60.0); help article 000386264: URI and headers together at most 16,384 bytes.
"""

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote_plus

import msgspec

BATCH = 200
_LIST_BYTES = 8_000  # leaves as much again for the field list and the headers


class Position(msgspec.Struct, frozen=True):
    """The last row read from a stream ordered by time of change and Id.

    Attributes:
        stamp: `2026-01-15T00:00:00.000+0000`, as Salesforce writes it.
        row: Id of the row.
    """

    stamp: str
    row: str

    def __str__(self) -> str:
        """As written into a cursor."""
        return f"{self.stamp}|{self.row}"


def position(text: str) -> Position | None:
    """The position a piece of a cursor stands for; None for an empty one."""
    stamp, _, row = text.partition("|")
    return Position(stamp, row) if row else None


def literal(text: str) -> str:
    r"""A SOQL string; the reserved characters are the quote and the backslash."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def instant(stamp: str) -> str:
    """A SOQL dateTime from one that Salesforce wrote: the offset `+0000` of its JSON is not a SOQL offset."""
    return stamp.removesuffix("+0000") + "Z" if stamp.endswith("+0000") else stamp


def after(place: Position | None, stamp_field: str) -> str:
    """The condition for rows behind a position, in the order of `stamp_field`, then Id; empty for no position."""
    if place is None:
        return ""
    stamp = instant(place.stamp)
    return f"({stamp_field} > {stamp} OR ({stamp_field} = {stamp} AND Id > {literal(place.row)}))"


def select(
    fields: Sequence[str], source: str, conditions: Iterable[str] = (), *, order: str, limit: int | None = None
) -> str:
    """A query; conditions that are empty are left out."""
    given = [condition for condition in conditions if condition]
    parts = ["SELECT", ", ".join(fields), "FROM", source]
    parts += ["WHERE", " AND ".join(given)] if given else []
    parts += ["ORDER BY", order]
    parts += ["LIMIT", str(limit)] if limit is not None else []
    return " ".join(parts)


def batches(values: Sequence[str]) -> Iterator[list[str]]:
    """The values in lists for `IN`: at most 200 each, and short enough once encoded into a URL."""
    batch: list[str] = []
    size = 0
    for value in values:
        length = len(quote_plus(literal(value) + ","))
        if batch and (len(batch) == BATCH or size + length > _LIST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(value)
        size += length
    if batch:
        yield batch


def in_list(field: str, values: Iterable[str]) -> str:
    """The condition that `field` is one of `values`."""
    return f"{field} IN ({','.join(literal(value) for value in values)})"
