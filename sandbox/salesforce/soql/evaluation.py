"""Runs a bound query on the org's records: first which records, then what is shown of them.

The two steps are apart because a query's answer is paged: the org remembers the ids of all matching
records and reads each page when it is asked for.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from sandbox.salesforce.answers import json_value
from sandbox.salesforce.ids import normalise
from sandbox.salesforce.records import Org
from sandbox.salesforce.schema import ObjectType
from sandbox.salesforce.soql.binding import BoundOrdering, BoundSelect
from sandbox.salesforce.soql.narrowing import Narrowing
from sandbox.salesforce.soql.paths import BoundPath, Lookup, Record

T = TypeVar("T")

_PARENTS_KEPT = 20_000
_FEW_PARENTS = 20


class Evaluation:
    """One query at work; parents it has read once are kept until it ends."""

    def __init__(self, org: Org, base_path: str, *, include_deleted: bool) -> None:
        """Prepare to read.

        Args:
            org: The org to read from.
            base_path: Path of the API version, e.g. `/services/data/v60.0`, for record URLs.
            include_deleted: Whether records in the recycle bin count (`queryAll`).
        """
        self._org = org
        self._base_path = base_path
        self._include_deleted = include_deleted
        self._lookup: Lookup = lru_cache(maxsize=_PARENTS_KEPT)(org.get)

    def matching_ids(self, query: BoundSelect) -> list[str]:
        """Return the ids of all records the query finds, in its order."""
        found = self._matching(query, self._candidates(query))
        return list(self._arranged(query, found, itemgetter("Id")))

    def page(self, query: BoundSelect, record_ids: Iterable[str]) -> list[dict[str, Any]]:
        """Return what the query selects of these records, in their order."""
        records = [record for key in record_ids if (record := self._org.get(query.target, key))]
        return self._shown(query, records)

    def _candidates(self, query: BoundSelect) -> Iterable[Record]:
        if query.narrowing is None:
            return self._org.all(query.target)
        return self._narrowed(query.target, query.narrowing)

    def _narrowed(self, target: ObjectType, narrowing: Narrowing) -> Iterator[Record]:
        spec = narrowing.field
        for value in dict.fromkeys(narrowing.values):
            if spec.type == "reference":
                yield from self._org.referring(target, spec, _long_id(value))
            else:
                record = self._one(target, value, by_id=spec.type == "id")
                yield from [record] if record else []

    def _one(self, target: ObjectType, value: str, *, by_id: bool) -> Record | None:
        if by_id:
            return self._org.get(target, _long_id(value))
        return self._org.get_by_external_id(target, value)

    def _matching(self, query: BoundSelect, candidates: Iterable[Record]) -> Iterator[Record]:
        for record in candidates:
            alive = self._include_deleted or not record["IsDeleted"]
            if alive and (query.test is None or query.test(record, self._lookup)):
                yield record

    def _arranged(self, query: BoundSelect, found: Iterable[Record], keep: Callable[[Record], T]) -> Iterable[T]:
        """Sort and cut what was found, holding only the sort keys and what `keep` makes of a record."""
        end = None if query.limit is None else query.offset + query.limit
        if not query.order_by:
            return map(keep, islice(found, query.offset, end))
        rows = [(self._keys(query, record), keep(record)) for record in found]
        for place, key in reversed(list(enumerate(query.order_by))):
            rows = _sorted(rows, place, key)
        return [kept for _, kept in rows[query.offset : end]]

    def _keys(self, query: BoundSelect, record: Record) -> tuple[Any, ...]:
        return tuple(key.path.comparable(record, self._lookup) for key in query.order_by)

    def _shown(self, query: BoundSelect, records: Sequence[Record]) -> list[dict[str, Any]]:
        children = {
            item.name: self._children(item, [record["Id"] for record in records])
            for item in query.items
            if isinstance(item, BoundSelect)
        }
        return [self._shown_record(query, record, children) for record in records]

    def _shown_record(self, query: BoundSelect, record: Record, children: dict[str, Any]) -> dict[str, Any]:
        shown = {"attributes": self._attributes(query.target.api_name, record)}
        for item in query.items:
            if isinstance(item, BoundSelect):
                shown[item.name] = children[item.name].get(record["Id"])
            else:
                self._show_field(shown, record, item)
        return shown

    def _show_field(self, shown: dict[str, Any], record: Record, path: BoundPath) -> None:
        for reference in path.parents:
            parent = self._lookup(reference.to, record[reference.name]) if record[reference.name] else None
            if parent is None:
                shown[reference.relationship] = None
                return
            start = {"attributes": self._attributes(reference.to, parent)}
            shown = shown.setdefault(reference.relationship, start)
            record = parent
        shown[path.field.name] = json_value(path.field, record[path.field.name])

    def _attributes(self, object_name: str, record: Record) -> dict[str, str]:
        return {"type": object_name, "url": f"{self._base_path}/sobjects/{object_name}/{record['Id']}"}

    def _children(self, query: BoundSelect, parent_ids: Sequence[str]) -> dict[str, Any]:
        """Return the answer of a child query by parent id; parents without children are left out."""
        chosen = [
            (parent_id, record)
            for parent_id, family in self._families(query, parent_ids).items()
            for record in self._arranged(query, family, dict)
        ]
        answers: dict[str, Any] = {}
        for (parent_id, _), shown in zip(chosen, self._shown(query, [record for _, record in chosen]), strict=True):
            answer = answers.setdefault(parent_id, {"totalSize": 0, "done": True, "records": []})
            answer["totalSize"] += 1
            answer["records"].append(shown)
        return answers

    def _families(self, query: BoundSelect, parent_ids: Sequence[str]) -> dict[str, list[Record]]:
        wanted, reference = frozenset(parent_ids), query.parent.name if query.parent else ""
        families: dict[str, list[Record]] = defaultdict(list)
        for record in self._matching(query, self._children_of(query, parent_ids)):
            if record[reference] in wanted:
                families[record[reference]].append(record)
        return families

    def _children_of(self, query: BoundSelect, parent_ids: Sequence[str]) -> Iterator[Record]:
        # Without an index on references, one walk through all children beats many searches.
        if query.parent is None or len(parent_ids) > _FEW_PARENTS:
            yield from self._org.all(query.target)
            return
        for parent_id in parent_ids:
            yield from self._org.referring(query.target, query.parent, parent_id)


def _sorted(rows: list[tuple[tuple[Any, ...], T]], place: int, key: BoundOrdering) -> list[tuple[tuple[Any, ...], T]]:
    filled = [row for row in rows if row[0][place] is not None]
    empty = [row for row in rows if row[0][place] is None]
    filled.sort(key=lambda row: row[0][place], reverse=key.descending)
    return filled + empty if key.nulls_last else empty + filled


def _long_id(text: str) -> str:
    return normalise(text) or text
