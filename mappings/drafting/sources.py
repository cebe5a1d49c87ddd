"""What the sample records hold: every path with the values seen there, lists apart from their items."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

_DEEPEST = 20
MOST_VALUES = 200
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_KINDS = {str: "text", int: "whole number", bool: "boolean", type(None): "nothing", dict: "object", list: "list"}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One path that leads to values.

    Attributes:
        path: From the record, items as `[]`, for example `OrderItems[].Quantity`.
        steps: Keys from the record, or from the item of the nearest list.
        items: Path of that list with `[]`; empty at the record.
        kinds: JSON types seen, `nothing` among them.
        values: Different values seen, in order, without nothing and blank text; of lists and objects none.
        filled: How often there was a value.
        places: How many records, or items, there were.
    """

    path: str
    steps: tuple[str, ...]
    items: str
    kinds: frozenset[str]
    values: tuple[Any, ...]
    filled: int
    places: int

    @property
    def written(self) -> str:
        """The path as a rule of its record or item writes it."""
        return ".".join(self.steps)

    @property
    def always_filled(self) -> bool:
        """Whether every record, or item, had a value there."""
        return self.filled == self.places


class SeenList(msgspec.Struct, frozen=True, kw_only=True):
    """One list of objects.

    Attributes:
        path: From the record, with `[]` at its end.
        steps: Keys from the record, or from the item of the list around it.
        items: Path of the list around it; empty at the record.
    """

    path: str
    steps: tuple[str, ...]
    items: str


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """All that was seen, in the order of the samples.

    Attributes:
        leaves: Paths to values.
        lists: Lists of objects.
        unreadable: Paths with a key that the mapping language cannot write, for example `net amount`.
        records: How many there were.
    """

    leaves: tuple[Seen, ...]
    lists: tuple[SeenList, ...]
    unreadable: tuple[str, ...]
    records: int

    def within(self, items: str) -> list[Seen]:
        """Paths that start at the record (empty text) or at an item of this list."""
        return [seen for seen in self.leaves if seen.items == items]


def observe(records: Sequence[dict[str, Any]]) -> Sources:
    """What some records hold."""
    gathering = _Gathering()
    for record in records:
        gathering.walk(record, _Place())
    return gathering.sources(len(records))


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    path: str = ""
    steps: tuple[str, ...] = ()
    items: str = ""
    depth: int = 0

    def at(self, key: str) -> "_Place":
        path = f"{self.path}.{key}" if self.path else key
        return _Place(path=path, steps=(*self.steps, key), items=self.items, depth=self.depth + 1)

    def item(self) -> "_Place":
        path = f"{self.path}[]"
        return _Place(path=path, items=path, depth=self.depth + 1)


class _Notes:
    def __init__(self, place: _Place) -> None:
        self.place = place
        self.kinds: set[str] = set()
        self.values: dict[tuple[type, Any], None] = {}
        self.filled = 0

    def add(self, value: Any) -> None:
        self.kinds.add(_KINDS.get(type(value), "number with decimals"))
        if value in (None, {}, []) or (isinstance(value, str) and not value.strip()):
            return
        self.filled += 1
        if not isinstance(value, dict | list) and len(self.values) < MOST_VALUES:
            self.values[type(value), value] = None


class _Gathering:
    """Notes on values, lists and places while records are walked through."""

    def __init__(self) -> None:
        self._notes: dict[str, _Notes] = {}
        self._lists: dict[str, SeenList] = {}
        self._objects: set[str] = set()
        self._places: dict[str, int] = {}
        self._unreadable: dict[str, None] = {}

    def walk(self, value: dict[str, Any], place: _Place) -> None:
        """One record, item or nested object."""
        if place.path == place.items:
            self._places[place.items] = self._places.get(place.items, 0) + 1
        elif value:
            self._objects.add(place.path)
        for key, inner in value.items():
            if _KEY.fullmatch(key):
                self._value(inner, place.at(key))
            else:
                self._unreadable[place.at(key).path] = None

    def sources(self, records: int) -> Sources:
        """What has been gathered."""
        leaves = tuple(self._seen(notes) for path, notes in self._notes.items() if self._leads_nowhere(path, notes))
        lists, unreadable = tuple(self._lists.values()), tuple(self._unreadable)
        return Sources(leaves=leaves, lists=lists, unreadable=unreadable, records=records)

    def _value(self, value: Any, place: _Place) -> None:
        if isinstance(value, dict) and value and place.depth < _DEEPEST:
            self.walk(value, place)
        elif (
            isinstance(value, list)
            and place.depth < _DEEPEST
            and all(isinstance(item, dict) for item in value)
            and value
        ):
            self._lists.setdefault(place.path, SeenList(path=f"{place.path}[]", steps=place.steps, items=place.items))
            for item in value:
                self.walk(item, place.item())
        else:
            self._notes.setdefault(place.path, _Notes(place)).add(value)

    def _leads_nowhere(self, path: str, notes: _Notes) -> bool:
        """Whether the path is to be told at all: an empty object or list is not where others had something in it."""
        return notes.filled > 0 or (path not in self._objects and path not in self._lists)

    def _seen(self, notes: _Notes) -> Seen:
        place = notes.place
        kinds = notes.kinds | ({"object"} if place.path in self._objects else set())
        kinds |= {"list"} if place.path in self._lists else set()
        return Seen(
            path=place.path,
            steps=place.steps,
            items=place.items,
            kinds=frozenset(kinds),
            values=tuple(value for _, value in notes.values),
            filled=notes.filled,
            places=self._places.get(place.items, 0),
        )
