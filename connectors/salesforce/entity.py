"""How something that is read from Salesforce is put together: a root record, its parts, and the rows whose change brings it again.

An entity is made of rows of several objects. Each object that can change it is watched by a stream: rows in the order of
their time of change, then Id, each naming the root record it belongs to.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from connectors.contract import RawRecord

Row = Mapping[str, Any]


class Stream(msgspec.Struct, frozen=True):
    """Rows whose change makes a root record be read again.

    Attributes:
        name: Object to query.
        root: Path from the row to the Id of the root record.
        stamp: Path from the row to the time of change.
    """

    name: str
    root: str
    stamp: str = "SystemModstamp"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of another object that belong to a root record.

    Attributes:
        key: Where they stand in the body of the record.
        name: Object to query.
        root: Path from the row to the Id of the root record.
        fields: Fields and look-ups of a row.
        stamps: Paths to the times of change that count for the version of the record.
        place: By what the rows are ordered.
        kept: Which rows the body holds; the changes of all of them count.
    """

    key: str
    name: str
    root: str
    fields: tuple[str, ...]
    stamps: tuple[str, ...] = ("SystemModstamp",)
    place: Callable[[Row], Any]
    kept: Callable[[Row], bool] = lambda _: True


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is read.

    Attributes:
        name: Object of the root record.
        fields: Its fields and look-ups.
        streams: The root's own stream first, then those of its parts.
        key: Paths whose values, joined by `/`, are the external id. A record without any goes by its Id.
        stamps: Paths in the root record to the times of change that count for its version.
        parts: What else the record holds.
    """

    name: str
    fields: tuple[str, ...]
    streams: tuple[Stream, ...]
    key: tuple[str, ...] = ("Id",)
    stamps: tuple[str, ...] = ("SystemModstamp",)
    parts: tuple[Part, ...] = ()


def value_at(row: Row, path: str) -> str:
    """The value at a dotted path; empty text where a look-up is empty."""
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)


def raw_record(entity: Entity, row: Row, parts: Mapping[str, Sequence[Row]]) -> RawRecord:
    """A root record with its parts; its version is the latest change among all of them.

    Args:
        entity: What is read.
        row: The root record.
        parts: Rows that belong to it, by the key of their part.
    """
    values = [value_at(row, path) for path in entity.key]
    stamps = [value_at(row, path) for path in entity.stamps]
    body = dict(row)
    for part in entity.parts:
        rows = parts.get(part.key, ())
        stamps += [value_at(each, path) for each in rows for path in part.stamps]
        body[part.key] = sorted(filter(part.kept, rows), key=part.place)
    external_id = "/".join(values) if any(values) else row["Id"]
    return RawRecord(external_id=external_id, native_id=row["Id"], version=max(stamps), body=body)
