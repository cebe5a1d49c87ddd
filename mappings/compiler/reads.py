"""How direct functions read a record: each object once, by subscript where a sound record must have it, and nothing twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from mappings.compiler.source_text import SourceText
from mappings.language.definition import Condition, Path

Keys = tuple[str, ...]

PRESENT = "{0} is not None and ({0}.strip() if type({0}) is str else is_present({0}))"
"""Whether the value of a variable is there."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the generated code stands.

    Attributes:
        item: Variable that holds the current source object.
        index: Expression for the position of the item in its list, from 1.
    """

    item: str = "record"
    index: str = ""

    @property
    def is_loop(self) -> bool:
        """Whether the current object is an item of a list."""
        return self.item != "record"


class Reads:
    """Writes the reading of values, and remembers which variable holds what.

    Args:
        to: Where the code goes.
    """

    def __init__(self, to: SourceText) -> None:
        self._to = to
        self._known: dict[tuple[Any, ...], str] = {}
        self._sure: dict[str, frozenset[Keys]] = {}

    @contextmanager
    def branch(self) -> Iterator[None]:
        """Code that may not run: what is read in it is not known after it."""
        known = dict(self._known)
        yield
        self._known = known

    def enter(self, item: str, sure: frozenset[Keys]) -> None:
        """Note which objects a sound source object in the variable `item` must hold."""
        self._sure[item] = sure

    def value(self, path: Path, place: Place, *, needed: bool = False) -> str:
        """An expression for the value at a path; where it is `needed`, a missing key raises."""
        known = self._known.get(("value", *_key(path, place)))
        if known:
            return known
        *way, last = path.steps
        holder = self.holder(path, place)
        return f"{holder}[{last!r}]" if needed else f"{holder}.get({last!r})"

    def variable(self, path: Path, place: Place) -> str:
        """A variable that holds the value at a path."""
        key = ("value", *_key(path, place))
        if key not in self._known:
            self._assign(key, path.steps, self.value(path, place))
        return self._known[key]

    def holder(self, path: Path, place: Place) -> str:
        """A variable that holds the object in which the last key of a path is looked up."""
        item = _key(path, place)[0]
        name = item
        for depth in range(1, len(path.steps)):
            name = self._object(item, path.steps[:depth], name)
        return name

    def condition(self, condition: Condition, place: Place) -> str:
        """An expression for a comparison."""
        known = self._known.get(_test_key(condition, place))
        return known or comparison(condition, self.variable(condition.path, place), self._to)

    def prepare(self, condition: Condition, place: Place) -> None:
        """Read now what a comparison needs, because it will be asked for in a loop; what takes longer to compare is compared as well."""
        key = _test_key(condition, place)
        if condition.test == "equals":
            self.variable(condition.path, place)
        elif key not in self._known:
            self._assign(key, (*condition.path.steps, condition.test), self.condition(condition, place))

    def currency(self, path: Path, place: Place) -> str:
        """A variable that holds the code of a currency, which is known to be one of ISO 4217."""
        key = ("currency", *_key(path, place))
        if key not in self._known:
            self._assign(key, path.steps, self.value(path, place, needed=True))
            self._to.line(f"if {self._known[key]} not in currencies:")
            self._to.line("    raise Unusual")
        return self._known[key]

    def known(self, what: str, path: Path, place: Place, *more: str) -> str | None:
        """The variable that holds what was made of the value at a path before."""
        return self._known.get((what, *_key(path, place), *more))

    def know(self, what: str, path: Path, place: Place, *more: str) -> str:
        """A new variable that is going to hold what is made of the value at a path."""
        name = self._known[(what, *_key(path, place), *more)] = self._to.local(*path.steps)
        return name

    def _object(self, item: str, keys: Keys, holder: str) -> str:
        key = ("object", item, keys)
        if key in self._known:
            return self._known[key]
        if keys in self._sure.get(item, ()):
            self._assign(key, keys, f"{holder}[{keys[-1]!r}]")
        else:
            self._assign(key, keys, f"{holder}.get({keys[-1]!r})")
            self._to.line(f"if {self._known[key]} is None:")
            self._to.line(f"    {self._known[key]} = NOTHING")
        return self._known[key]

    def _assign(self, key: tuple[Any, ...], names: Keys, expression: str) -> None:
        self._known[key] = self._to.local(*names)
        self._to.line(f"{self._known[key]} = {expression}")


def comparison(condition: Condition, value: str, to: SourceText) -> str:
    """A condition on the value of a variable."""
    if condition.test == "present":
        is_there = PRESENT.format(value)
        return is_there if condition.value else f"not ({is_there})"
    if condition.test == "equals":
        return f"{value} == {to.literal(condition.value)}"
    return f"{value} in ({''.join(f'{to.literal(option)}, ' for option in condition.value)})"


def _key(path: Path, place: Place) -> tuple[str, Keys]:
    return "record" if path.at_root else place.item, path.steps


def _test_key(condition: Condition, place: Place) -> tuple[Any, ...]:
    return ("test", *_key(condition.path, place), condition.test, repr(condition.value))
