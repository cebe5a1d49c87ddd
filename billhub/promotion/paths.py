"""Which paths of the records each version leaves unread: what a changed mapping no longer looks at must not go unnoticed."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from mappings import CompiledMapping
from mappings.overlaid import OverlaidMapping

_MOST = 10_000
"""Shapes remembered at once; records of one source have few."""


class UnreadPaths:
    """Counts, over many records, the paths that one version neither reads nor ignores and the other does."""

    def __init__(self, old: CompiledMapping, new: CompiledMapping) -> None:
        self._versions = (old, new)
        self._known: dict[Any, tuple[frozenset[str], frozenset[str]]] = {}
        self._newly: Counter[str] = Counter()
        self._no_longer: Counter[str] = Counter()

    def add(self, record: Mapping[str, Any]) -> None:
        """Look at one record."""
        old, new = self._unread(record)
        self._newly.update(new - old)
        self._no_longer.update(old - new)

    def sums(self) -> dict[str, Any]:
        """The counts, and what is newly ignored, by their names in `Diff`."""
        return {
            "newly_ignored": newly_ignored(*self._versions),
            "newly_unread": dict(sorted(self._newly.items())),
            "no_longer_unread": dict(sorted(self._no_longer.items())),
        }

    def names(self) -> list[list[str]]:
        """The paths without their counts, which grow with every record."""
        return [list(paths) for paths in self.sums().values()]

    def _unread(self, record: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
        """By each version; records of one shape, under the same overlays, are looked at once."""
        old, new = (_variant(each, record) for each in self._versions)
        paths: set[str] = set()
        _gather(record, "", paths)
        key = (id(old), id(new), frozenset(paths))
        if key not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = frozenset(old.unmapped(record)), frozenset(new.unmapped(record))
        return self._known[key]


def newly_ignored(old: CompiledMapping, new: CompiledMapping) -> dict[str, str]:
    """Source paths that the old version reads somewhere and the new one leaves aside everywhere, with its reason."""
    read = {path for each in _all(old) for path in each.definition.paths}
    still = {path for each in _all(new) for path in each.definition.paths}
    ignored = {path: reason for each in _all(new) for path, reason in each.ignored.items()}
    return {path: ignored[path] for path in sorted((read - still) & ignored.keys())}


def _variant(mapping: CompiledMapping, record: Mapping[str, Any]) -> CompiledMapping:
    return mapping.variant(record) if isinstance(mapping, OverlaidMapping) else mapping


def _all(mapping: CompiledMapping) -> list[CompiledMapping]:
    return mapping.variants if isinstance(mapping, OverlaidMapping) else [mapping]


def _gather(value: Any, path: str, found: set[str]) -> None:
    """Add the paths below a value, items of lists as `[]`."""
    if type(value) is list:
        for item in value:
            _gather(item, f"{path}[]", found)
    elif type(value) is dict:
        for key, item in value.items():
            inner = f"{path}.{key}" if path else key
            found.add(inner)
            if type(item) is dict or type(item) is list:
                _gather(item, inner, found)
