"""The source paths that a mapping could have read instead: those that stand in its fixtures, by the kind of value they hold."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

import msgspec

from mappings.language.canonical import path_fault
from mappings.language.definition import Definition, Path

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


class Sources:
    """Paths, kinds and values of the records that a mapping is tried on.

    Args:
        definition: The mapping; of an outbound one only paths that the canonical source has are taken.
        records: Inputs of its fixtures.
    """

    def __init__(self, definition: Definition, records: Iterable[Any]) -> None:
        self._entity = None if definition.inbound else definition.entity
        self._kinds: dict[str, str] = {}
        self._texts: dict[str, dict[str, None]] = defaultdict(dict)
        for record in records:
            self._gather(record, "")

    def others(self, path: Path) -> list[Path]:
        """Paths that a slip of the hand could have written: the sibling with the most similar name, and the same name in another place.

        Both hold the same kind of value as the path does, so that the types fit. Where there are neither, the most similar path of any place.
        """
        scope = path.full.removesuffix(".".join(path.steps))
        prefix = path.text.removesuffix(".".join(path.steps))
        return [self._path(full, scope, prefix, path) for full in self._similar(path.full, scope)]

    def fellows(self, full: str) -> list[str]:
        """Names of fields beside the one with this full path that hold the same kind of value, the most similar first."""
        parent, _, name = full.rpartition(".")
        found = [each.rpartition(".")[2] for each in self._alike(full) if each.rpartition(".")[0] == parent]
        return sorted(found, key=lambda other: (-_likeness(name, other), other))

    def texts(self, full: str) -> Sequence[str]:
        """Texts that stand at a path, in the order of the fixtures."""
        return list(self._texts[full])

    def _similar(self, full: str, scope: str) -> Iterator[str]:
        parent, _, name = full.rpartition(".")
        reachable = [each for each in self._alike(full) if each.startswith(scope) and "[]" not in each[len(scope) :]]
        ranked = sorted(reachable, key=lambda other: (-_likeness(full, other), other))
        siblings = [f"{parent}.{other}" if parent else other for other in self.fellows(full)]
        cousins = [each for each in ranked if each.endswith(f".{name}")]
        found = [*siblings[:1], *cousins[:1]]
        yield from found or ranked[:1]

    def _alike(self, full: str) -> list[str]:
        """Paths with the same kind of value; with any, where none of the fixtures has the path."""
        kind = self._kinds.get(full)
        return [each for each, other in self._kinds.items() if each != full and (kind is None or other == kind)]

    def _path(self, full: str, scope: str, prefix: str, path: Path) -> Path:
        steps = full[len(scope) :]
        return msgspec.structs.replace(path, text=prefix + steps, steps=tuple(steps.split(".")), full=full)

    def _gather(self, value: Any, path: str) -> None:
        if path and value is not None and self._exists(path):
            self._kinds.setdefault(path, _kind(value))
            if isinstance(value, str):
                self._texts[path][value] = None
        for key, inner in value.items() if isinstance(value, dict) else ():
            self._gather(inner, f"{path}.{key}" if path else key)
        for item in value if isinstance(value, list) else ():
            self._gather(item, f"{path}[]")

    def _exists(self, path: str) -> bool:
        entity, *steps = path.split(".")
        return entity != self._entity or not steps or path_fault(entity, tuple(steps)) is None


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case dict():
            return f"an object of {', '.join(sorted(value))}"
        case list():
            return "a list"
        case str() if _DATE.match(value):
            return "a date"
        case str() if not _NUMBER.fullmatch(value):
            return "text"
        case _:
            return "a number"


def _likeness(name: str, other: str) -> float:
    return SequenceMatcher(None, name, other, autojunk=False).ratio()
