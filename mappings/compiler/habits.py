"""What values mostly look like, which decides how the direct function takes them; others are taken too, but take longer."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from mappings.language.canonical import shape_at
from mappings.language.definition import Path


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one value.

    Attributes:
        kind: The JSON type that it has by the canonical document or by the source's promise; empty where nobody says.
        decimals: Whether numbers are Decimals, as in canonical documents, not text, as in JSON.
        is_needed: Whether there is a value in every sound record.
    """

    kind: Literal["text", "integer", ""] = ""
    decimals: bool = False
    is_needed: bool = False


class Habitual:
    """The habits of a mapping's source.

    Args:
        promised: The type that the source promises of a field, by path.
        canonical: The canonical entity that is read, if it is one.
    """

    def __init__(self, promised: Mapping[str, str], *, canonical: str | None) -> None:
        self._promised, self._canonical = promised, canonical

    def of(self, path: Path, *, is_needed: bool) -> Habits:
        """What is known of the value at a path."""
        return Habits(kind=self._kind(path), decimals=self._canonical is not None, is_needed=is_needed)

    def _kind(self, path: Path) -> Literal["text", "integer", ""]:
        entity, *steps = path.full.split(".")
        if entity == self._canonical:
            shape = shape_at(entity, tuple(steps))
            return "text" if shape and shape.kind == "text" else ""
        promised = self._promised.get(path.full)
        return "text" if promised == "text" else "integer" if promised == "integer" else ""
