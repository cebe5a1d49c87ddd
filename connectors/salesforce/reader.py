"""Reading an entity page by page so that no change is missed and none is read twice without need.

A page takes the next rows of the entity's streams in turn and then reads the root records they name, whole. On the first
read the streams of the parts begin at their present end, noted before any root is read: what changed before that moment is
in the root already.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract import Page, RawRecord
from connectors.salesforce.client import Client
from connectors.salesforce.entity import Entity, Part, Stream, raw_record, value_at
from connectors.salesforce.soql import Position, after, batches, in_list, position, select


class Reader:
    """Reads entities of one org.

    Attributes:
        settle_seconds: Changes younger than this are left for the next read.
    """

    def __init__(self, client: Client, settle_seconds: int) -> None:
        self._client, self.settle_seconds = client, settle_seconds

    def page(self, entity: Entity, cursor: str | None, limit: int) -> Page:
        """The records behind `cursor`; the cursor is one position per stream, joined by `;`."""
        places = self._places(entity, cursor)
        roots: dict[str, None] = {}
        has_more = False
        for index, stream in enumerate(entity.streams):
            room = limit - len(roots)
            rows = self._changes(stream, places[index], room) if room > 0 else []
            roots.update(dict.fromkeys(root for row in rows if (root := value_at(row, stream.root))))
            has_more = has_more or len(rows) >= room
            places[index] = _last(rows, stream) or places[index]
        records = tuple(self._records(entity, list(roots)))
        return Page(records=records, cursor=";".join(str(place or "") for place in places), has_more=has_more)

    def rows_by(self, field: str, values: Iterable[str], source: str, fields: Sequence[str]) -> list[dict[str, Any]]:
        """All rows whose `field` is one of `values`, each value once, read in batches."""
        unique = list(dict.fromkeys(value for value in values if value))
        queries = (select(fields, source, [in_list(field, batch)], order="Id") for batch in batches(unique))
        return [row for query in queries for row in self._client.rows(query)]

    def _places(self, entity: Entity, cursor: str | None) -> list[Position | None]:
        if cursor is not None:
            return [position(part) for part in cursor.split(";")]
        return [None, *(self._end(stream) for stream in entity.streams[1:])]

    def _end(self, stream: Stream) -> Position | None:
        order = f"{stream.stamp} DESC, Id DESC"
        query = select(["Id", stream.stamp], stream.name, [self._settled(stream)], order=order, limit=1)
        return _last(list(self._client.rows(query)), stream)

    def _changes(self, stream: Stream, place: Position | None, limit: int) -> list[dict[str, Any]]:
        fields = list(dict.fromkeys(["Id", stream.stamp, stream.root]))
        conditions = [after(place, stream.stamp), self._settled(stream)]
        query = select(fields, stream.name, conditions, order=f"{stream.stamp}, Id", limit=limit)
        return list(self._client.rows(query))

    def _settled(self, stream: Stream) -> str:
        if not self.settle_seconds:
            return ""
        until = datetime.now(UTC) - timedelta(seconds=self.settle_seconds)
        return f"{stream.stamp} <= {until:%Y-%m-%dT%H:%M:%SZ}"

    def _records(self, entity: Entity, roots: list[str]) -> list[RawRecord]:
        rows = {row["Id"]: row for row in self.rows_by("Id", roots, entity.name, entity.fields)}
        found = [root for root in roots if root in rows]
        parts = {part.key: self._parts(part, found) for part in entity.parts}
        return [
            raw_record(entity, rows[root], {key: groups.get(root, []) for key, groups in parts.items()})
            for root in found
        ]

    def _parts(self, part: Part, roots: list[str]) -> dict[str, list[dict[str, Any]]]:
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows_by(part.root, roots, part.name, part.fields):
            groups.setdefault(value_at(row, part.root), []).append(row)
        return groups


def _last(rows: list[dict[str, Any]], stream: Stream) -> Position | None:
    return Position(value_at(rows[-1], stream.stamp), rows[-1]["Id"]) if rows else None
