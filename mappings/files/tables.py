"""Lookup tables: versioned YAML files of rows by key, with rows of the organisation and of single legal entities above the default ones."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from mappings.files.faults import Fault, refusal
from mappings.files.schemas import inspected
from mappings.files.yaml_source import Place, Source

Rows = Mapping[str, Mapping[str, Any]]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A lookup table.

    Attributes:
        name: Name of its file.
        version: Raised with every change of a row.
        rows: Columns by name, by key: what holds for everybody. A null says that the key is known and stands for nothing.
        organisation: Rows of the whole organisation; they come before `rows`.
        legal_entities: Rows of single legal entities, by their code; they come before all others.
    """

    name: str
    version: int
    rows: Rows
    organisation: Rows = {}
    legal_entities: Mapping[str, Rows] = {}

    def find(self, key: str, legal_entity: str | None = None) -> tuple[str, Mapping[str, Any]] | None:
        """The row of a key and the level that has it: `legal entity XX`, `organisation` or `default`; None where no level has it."""
        return next(((level, rows[key]) for level, rows in self._levels(legal_entity) if key in rows), None)

    def column(self, name: str, legal_entity: str | None = None) -> dict[str, Any]:
        """One column by key, as a legal entity sees it."""
        seen: dict[str, Any] = {}
        for _, rows in self._levels(legal_entity):
            seen |= {key: row[name] for key, row in rows.items() if key not in seen}
        return seen

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the file."""
        return tuple(next(iter(self.rows.values()), {}))

    def folded(self) -> dict[str, Any]:
        """The first column by key in small letters, without regard to legal entities: aliases."""
        rows = {**self.rows, **self.organisation}
        return {key.casefold(): next(iter(row.values()), None) for key, row in rows.items()}

    def all_rows(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The rows of all levels with their keys."""
        for rows in (self.rows, self.organisation, *self.legal_entities.values()):
            yield from rows.items()

    def _levels(self, legal_entity: str | None) -> Iterator[tuple[str, Rows]]:
        if legal_entity is not None and legal_entity in self.legal_entities:
            yield f"legal entity {legal_entity}", self.legal_entities[legal_entity]
        yield "organisation", self.organisation
        yield "default", self.rows


def read_table(name: str, text: str) -> Table:
    """Read and check one table.

    Raises:
        MappingError: It breaks the schema or contradicts itself, all errors in one message.
    """
    table, faults = examined(name, text)
    if table is None:
        raise refusal(f"tables/{name}", faults)
    return table


@lru_cache(maxsize=256)
def examined(name: str, text: str) -> tuple[Table | None, tuple[Fault, ...]]:
    """One table, or all that is wrong with it; mappings that name the same table share it."""
    source, faults = inspected(text, f"tables/{name}.yaml", "table")
    faults = faults or [*_faults(name, source)]
    return (None, tuple(faults)) if faults else (_table(source.data), ())


def _table(data: Mapping[str, Any]) -> Table:
    columns = data["columns"]
    return Table(
        name=data["table"],
        version=data["version"],
        rows=_rows(data["rows"], columns),
        organisation=_rows(data.get("organisation", {}), columns),
        legal_entities={code: _rows(rows, columns) for code, rows in data.get("legal_entities", {}).items()},
    )


def _rows(rows: Mapping[str, Any], columns: list[str]) -> Rows:
    return {key: dict(zip(columns, _values(value, columns), strict=True)) for key, value in rows.items()}


def _values(value: Any, columns: list[str]) -> list[Any]:
    """The values of a row: a single one is that of the only column, a null that of all."""
    return value if isinstance(value, list) else [value] * (len(columns) if value is None else 1)


def _faults(name: str, source: Source) -> Iterator[Fault]:
    if source.data["table"] != name:
        message = f"the file calls itself {source.data['table']!r}; name and place must agree"
        yield Fault(source.mark(("table",)), "table", message)
    columns, kinds = source.data["columns"], dict[str, type]()
    for place, value in _all_values(source.data):
        values = _values(value, columns)
        if len(values) != len(columns):
            message = f"has {len(values)} value(s) for {len(columns)} column(s): {', '.join(columns)}"
            yield Fault(source.mark(place), ".".join(map(str, place)), message)
        for column, each in zip(columns, values, strict=False):
            if each is not None and kinds.setdefault(column, type(each)) is not type(each):
                message = f"column {column!r} has text in one row and a number in another; quote the numbers"
                yield Fault(source.mark(place), ".".join(map(str, place)), message)


def _all_values(data: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    """Where each row of all levels stands, and what is there."""
    levels: dict[Place, Any] = {("rows",): data["rows"], ("organisation",): data.get("organisation", {})}
    levels |= {("legal_entities", code): rows for code, rows in data.get("legal_entities", {}).items()}
    for level, rows in levels.items():
        yield from (((*level, key), value) for key, value in rows.items())
