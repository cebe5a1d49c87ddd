"""What the sample records hold: every path with the values seen there, lists apart from their items."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
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
        at: In which records, or items, there was a value: their numbers from 1.
        places: How many records, or items, there were.
        steady: Whether what stands above it is everywhere an object, a list, or nothing, so that a rule can read through it.
    """

    path: str
    steps: tuple[str, ...]
    items: str
    kinds: frozenset[str]
    values: tuple[Any, ...]
    at: frozenset[int]
    places: int
    steady: bool

    @property
    def written(self) -> str:
        """The path as a rule of its record or item writes it."""
        return ".".join(self.steps)

    @property
    def filled(self) -> int:
        """How often there was a value."""
        return len(self.at)

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
        steady: Whether it, and what stands above it, is everywhere what it is here, or nothing.
        always_there: Whether every record, or item, has it, be it empty.
    """

    path: str
    steps: tuple[str, ...]
    items: str
    steady: bool
    always_there: bool


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
    """What has been seen at one path.

    Attributes:
        place: Where it is.
        kinds: JSON types, with how often.
        values: Different values, in order.
        at: Numbers of the records, or items, with a value that is not, or not wholly, walked through.
        walked: Whether there was an object or list that is.
    """

    def __init__(self, place: _Place) -> None:
        self.place = place
        self.kinds: Counter[str] = Counter()
        self.values: dict[tuple[type, Any], None] = {}
        self.at: set[int] = set()
        self.walked = False

    def add(self, value: Any, number: int, *, walked: bool, whole: bool) -> None:
        self.kinds[_KINDS.get(type(value), "number with decimals")] += 1
        self.walked |= walked
        if not whole or value in (None, {}, []) or (isinstance(value, str) and not value.strip()):
            return
        self.at.add(number)
        if not isinstance(value, dict | list) and len(self.values) < MOST_VALUES:
            self.values[type(value), value] = None

    @property
    def is_mixed(self) -> bool:
        """Whether it is walked through in one record, and something else in another."""
        return self.walked and (bool(self.at) or len(self.kinds.keys() - {"nothing"}) > 1)


class _Gathering:
    """Notes by path while records are walked through."""

    def __init__(self) -> None:
        self._notes: dict[str, _Notes] = {}
        self._places: Counter[str] = Counter()
        self._unreadable: dict[str, None] = {}

    def walk(self, value: dict[str, Any], place: _Place) -> None:
        """One record, item or nested object."""
        if place.path == place.items:
            self._places[place.items] += 1
        for key, inner in value.items():
            if _KEY.fullmatch(key):
                self._value(inner, place.at(key))
            else:
                self._unreadable[place.at(key).path] = None

    def sources(self, records: int) -> Sources:
        """What has been gathered."""
        led_through = {above for path in self._notes for above in _above(path)}
        ends = [notes for path, notes in self._notes.items() if notes.at or path not in led_through]
        leaves = tuple(map(self._seen, ends))
        lists = tuple(self._seen_list(notes) for notes in self._notes.values() if notes.walked and notes.kinds["list"])
        return Sources(leaves=leaves, lists=lists, unreadable=tuple(self._unreadable), records=records)

    def _value(self, value: Any, place: _Place) -> None:
        parts = value if isinstance(value, list) else [value]
        inner = [part for part in parts if isinstance(part, dict)] if place.depth < _DEEPEST and value else []
        notes = self._notes.setdefault(place.path, _Notes(place))
        notes.add(value, self._places[place.items], walked=bool(inner), whole=len(inner) < len(parts))
        for part in inner:
            self.walk(part, place.item() if isinstance(value, list) else place)

    def _seen(self, notes: _Notes) -> Seen:
        place = notes.place
        return Seen(
            path=place.path,
            steps=place.steps,
            items=place.items,
            kinds=frozenset(notes.kinds),
            values=tuple(value for _, value in notes.values),
            at=frozenset(notes.at),
            places=self._places[place.items],
            steady=self._is_steady(place.path),
        )

    def _seen_list(self, notes: _Notes) -> SeenList:
        place = notes.place
        return SeenList(
            path=f"{place.path}[]",
            steps=place.steps,
            items=place.items,
            steady=not notes.is_mixed and self._is_steady(place.path),
            always_there=notes.kinds["list"] == self._places[place.items],
        )

    def _is_steady(self, path: str) -> bool:
        return not any(self._notes[above].is_mixed for above in _above(path))


def _above(path: str) -> Iterator[str]:
    """The paths of the objects and lists that a path leads through."""
    keys = path.split(".")
    return (".".join(keys[:length]).removesuffix("[]") for length in range(1, len(keys)))
