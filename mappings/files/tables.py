"""Lookup tables: versioned YAML files of rows by key, with rows of the organisation and of single legal entities above the default ones."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from mappings.files.schemas import checked

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
        MappingError: It breaks the schema, all errors in one message.
    """
    data = checked(text, f"tables/{name}.yaml", "table").data
    entities = {code: _rows(rows, data["columns"]) for code, rows in data.get("legal_entities", {}).items()}
    return Table(
        name=name,
        version=data["version"],
        rows=_rows(data["rows"], data["columns"]),
        organisation=_rows(data.get("organisation", {}), data["columns"]),
        legal_entities=entities,
    )


def _rows(rows: Mapping[str, Any], columns: list[str]) -> Rows:
    return {key: _row(value, columns) for key, value in rows.items()}


def _row(value: Any, columns: list[str]) -> dict[str, Any]:
    """A row by column; a single value stands for the only column."""
    values = value if isinstance(value, list) else [value]
    return dict(zip(columns, values, strict=False))
