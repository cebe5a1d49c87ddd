"""Lookup tables: versioned YAML files of rows by key."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from mappings.files.schemas import checked

TABLES = Path(__file__).parent.parent / "tables"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A lookup table.

    Attributes:
        name: Name of its file.
        version: Raised with every change of a row.
        rows: Columns by name, by key. A null says that the key is known and stands for nothing.
    """

    name: str
    version: int
    rows: Mapping[str, Mapping[str, Any]]


def read_table(path: Path) -> Table:
    """Read and check one table.

    Raises:
        MappingError: The file is missing or breaks the schema, all errors in one message.
    """
    source = checked(path, "table")
    columns = source.data["columns"]
    rows = {key: _row(value, columns) for key, value in source.data["rows"].items()}
    return Table(name=path.stem, version=source.data["version"], rows=rows)


@lru_cache(maxsize=1)
def country_aliases() -> Mapping[str, str | None]:
    """ISO 3166-1 alpha-2 codes of country names that the standard does not hold, by the name in small letters."""
    return {name.casefold(): row["iso"] for name, row in read_table(TABLES / "country_name.yaml").rows.items()}


def _row(value: Any, columns: list[str]) -> dict[str, Any]:
    """A row by column; a single value stands for the only column."""
    values = value if isinstance(value, list) else [value]
    return dict(zip(columns, values, strict=False))
