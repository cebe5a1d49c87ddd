"""A field as a query reaches it, and how its value is read from a record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.schema import TEXT_TYPES, Field

Record = Mapping[str, Any]
Lookup = Callable[[str, str], Record | None]
"""Returns a record by object name and 18-character id."""


@dataclass(frozen=True)
class BoundPath:
    """A field, and the reference fields that lead to the record it is on."""

    parents: tuple[Field, ...]
    field: Field

    def value(self, record: Record, lookup: Lookup) -> Any:
        """Return the field's stored value; null where a parent is missing."""
        for reference in self.parents:
            parent = lookup(reference.to, record[reference.name]) if record[reference.name] else None
            if parent is None:
                return None
            record = parent
        return record[self.field.name]

    def comparable(self, record: Record, lookup: Lookup) -> Any:
        """Return the field's value as it compares and sorts: text without regard to case."""
        return comparable(self.field, self.value(record, lookup))


def comparable(spec: Field, value: Any) -> Any:
    """Return a stored value as it compares and sorts. Record ids differ by case, other text does not."""
    return value.lower() if spec.type in TEXT_TYPES and value is not None else value
