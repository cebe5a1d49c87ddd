"""How direct functions read a record: each object once, by subscript where a sound record must have it, and nothing twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from mappings.compiler.analysis import Keys, sure_objects
from mappings.compiler.expressions import Tests, comparison
from mappings.compiler.source_text import SourceText
from mappings.language.definition import Condition, Path, Rule

PRESENT = "{0} is not None and ({0}.strip() if type({0}) is str else {0} or is_present({0}))"
"""Whether the value of a variable is there; `is_present` is asked only for the odd ones."""
_TESTS = Tests(present=PRESENT, equals="{0} == {1}", among="{0} in {1}")


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
    """Writes the reading of values, and remembers what the code has already.

    What is remembered in code that may not run is forgotten after it.

    Args:
        to: Where the code goes.
    """

    def __init__(self, to: SourceText) -> None:
        self._to = to
        self._memory: dict[tuple[Any, ...], Any] = {}
        self._sure: dict[str, frozenset[Keys]] = {}

    def recall(self, *key: Any) -> Any:
        """What was remembered under a key; None for nothing."""
        return self._memory.get(key)

    def remember(self, *key: Any, value: Any) -> None:
        """Keep what later code may use again."""
        self._memory[key] = value

    @contextmanager
    def branch(self, condition: str = "") -> Iterator[None]:
        """Code that may not run. What it remembers comes back in code that runs under the same condition.

        Args:
            condition: Under which it runs; empty for one that does not come again.
        """
        before = dict(self._memory)
        self._memory |= self._memory.get(("under", condition), {})
        yield
        if condition:
            before["under", condition] = {key: name for key, name in self._memory.items() if key not in before}
        self._memory = before

    @contextmanager
    def sure_of(self, rule: Rule, place: Place) -> Iterator[None]:
        """Code for a rule that is followed here: the objects that it must find are there in every sound record."""
        before = self._sure.get(place.item, frozenset())
        self._sure[place.item] = before | sure_objects(rule, at_root=not place.is_loop)
        yield
        self._sure[place.item] = before

    def value(self, path: Path, place: Place, *, needed: bool = False) -> str:
        """An expression for the value at a path; where it is `needed`, a missing key raises."""
        known: str | None = self.recall("value", *where(path, place))
        if known:
            return known
        holder, key = self.holder(path, place), path.steps[-1]
        return f"{holder}[{key!r}]" if needed else f"{holder}.get({key!r})"

    def variable(self, path: Path, place: Place) -> str:
        """A variable that holds the value at a path."""
        expression = self.value(path, place)
        if expression.isidentifier():
            return expression
        return self._assigned(("value", *where(path, place)), path.steps, expression)

    def holder(self, path: Path, place: Place) -> str:
        """A variable that holds the object in which the last key of a path is looked up."""
        item, keys = where(path, place)
        name = item
        for depth in range(1, len(keys)):
            name = self._object(item, keys[:depth], name)
        return name

    def condition(self, condition: Condition, place: Place) -> str:
        """An expression for a comparison."""
        known: str | None = self.recall(*_test_key(condition, place))
        return known or comparison(condition, self.variable(condition.path, place), self._to, _TESTS)

    def prepare(self, condition: Condition, place: Place) -> None:
        """Read now what a comparison in a loop needs; what takes longer to compare is compared as well."""
        if condition.test == "equals":
            self.variable(condition.path, place)
        elif not self.recall(*_test_key(condition, place)):
            names = (*condition.path.steps, condition.test)
            self._assigned(_test_key(condition, place), names, self.condition(condition, place))

    def currency(self, path: Path, place: Place) -> str:
        """A variable that holds the code of a currency, which is known to be one of ISO 4217."""
        key = ("currency", *where(path, place))
        known: str | None = self.recall(*key)
        if known:
            return known
        name = self._assigned(key, path.steps, self.value(path, place, needed=True))
        self._to.raise_if(f"{name} not in currencies")
        return name

    def _object(self, item: str, keys: Keys, holder: str) -> str:
        is_sure = keys in self._sure.get(item, ())
        known: str | None = self.recall("object", item, keys) or (is_sure and self.recall("value", item, keys)) or None
        if known:
            return known
        key = ("object", item, keys)
        if is_sure:
            return self._assigned(key, keys, f"{holder}[{keys[-1]!r}]")
        name = self._assigned(key, keys, f"{holder}.get({keys[-1]!r})")
        self._to.line(f"if {name} is None:")
        self._to.line(f"    {name} = NOTHING")
        return name

    def _assigned(self, key: tuple[Any, ...], names: Keys, expression: str) -> str:
        name = self._to.local(*names)
        self._to.line(f"{name} = {expression}")
        self.remember(*key, value=name)
        return name


def where(path: Path, place: Place) -> tuple[str, Keys]:
    """The variable that a path starts from, and its keys."""
    return "record" if path.at_root else place.item, path.steps


def _test_key(condition: Condition, place: Place) -> tuple[Any, ...]:
    return ("test", *where(condition.path, place), condition.test, repr(condition.value))
