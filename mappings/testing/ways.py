"""How a mapping reads each path of its source, as far as masking has to know: what is vocabulary there, and what decides the way a record takes.

Vocabulary is what a rule itself knows: an entry of its enum, a key of its table, the constant of a condition, a code of a standard, a date, a
number, true or false. All else is content, and may be personal.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import msgspec

from mappings.compiled import CompiledMapping
from mappings.files.tables import Table
from mappings.language.definition import Condition, Each, From, Lookup, Object, Path, Rule, Use, When
from mappings.language.walking import all_rules
from mappings.overlaid import OverlaidMapping
from mappings.runtime.functions import choose, is_present
from mappings.runtime.readers import boolean, date_, text
from mappings.runtime.refiners import currency_code, upper
from mappings.runtime.refusal import Refused
from mappings.runtime.transforms import TRANSFORMS

_TYPES = {"decimal": "number", "integer": "number", "boolean": "true or false", "date": "date"}
_CODES = {"iso_date": "date", "country_code": "country", "country_from_name": "country", "currency_code": "currency"}
"""What is no one's secret: values that a transform turns into one of these types, and text that one of these transforms takes."""
_PLAIN = frozenset(["text", "strip", "upper", "lower"])
"""Transforms that leave the whole text to the enum after them."""


_REFUSED = "refused"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a path is read.

    Attributes:
        answer: What decides the way of a record, by value; a mask must have the same answer.
        knows: What kind of vocabulary the rule takes the path for, for example `date`; None where it takes any text.
        by_letters: Whether only the letters at the start decide, as those of an order number do.
    """

    answer: Callable[[Any], Hashable]
    knows: str | None = None
    by_letters: bool = False

    def is_vocabulary(self, value: Any) -> bool:
        """Whether the rule knows the value."""
        return self.knows is not None and is_present(value) and self.answer(value) != _REFUSED


def ways_of(mapping: CompiledMapping) -> Mapping[str, list[Way]]:
    """All ways in which a mapping reads its source, under all overlays, by full path."""
    found: dict[str, list[Way]] = defaultdict(list)
    for root in _roots(mapping):
        for rule in all_rules(root):
            for path, way in _ways(rule):
                found[path].append(way)
    if isinstance(mapping, OverlaidMapping):
        for path, known in mapping.selectors.items():
            found[path].append(_member("selector of an overlay", known))
    return found


def sorts_of(mapping: CompiledMapping) -> Mapping[str, str]:
    """Paths that items are sorted by, full, with that of their list."""
    rules = [rule for root in _roots(mapping) for rule in all_rules(root)]
    return {f"{rule.path.full}[].{rule.sort}": rule.path.full for rule in rules if isinstance(rule, Each) and rule.sort}


def _roots(mapping: CompiledMapping) -> list[Object]:
    variants = mapping.variants if isinstance(mapping, OverlaidMapping) else [mapping]
    return [variant.definition.root for variant in variants]


def _ways(rule: Rule) -> Iterator[tuple[str, Way]]:
    match rule:
        case From():
            yield rule.path.full, _read(rule)
            yield from _objects(rule)
        case Lookup():
            keys = {key for key, _ in rule.table.all_rows()}
            yield from ((path.full, _member("key of a table", keys)) for path in rule.keys)
            if rule.scope:
                yield rule.scope.full, _member("legal entity", rule.table.legal_entities)
        case When():
            yield rule.condition.path.full, _compared(rule.condition)
        case Object():
            yield from ((condition.path.full, _compared(condition)) for condition, _ in rule.refusals)
        case _:
            pass
    for use in getattr(rule, "uses", ()):
        yield from _beside(use)


def _read(rule: From) -> Way:
    """A value refined, as far as it goes without another value."""
    alone: list[Use] = []
    for use in rule.uses:
        if isinstance(use.argument, Path | Condition):
            break
        alone.append(use)

    def answer(value: Any) -> Hashable:
        return _answer(value, alone, rule.choices)

    standard = next((knows for use in alone if (knows := _standard(use.name))), None)
    is_enum = rule.choices is not None and _PLAIN.issuperset(use.name for use in alone)
    by_letters = any(use.name == "letter_prefix" for use in alone)
    return Way(answer=answer, knows=standard or ("entry of a map" if is_enum else None), by_letters=by_letters)


def _standard(transform: str) -> str | None:
    """What a transform takes values for, if that is no text of anyone's own."""
    given = TRANSFORMS[transform].gives.values()
    return _CODES.get(transform) or next((_TYPES[kind] for kind in given if kind in _TYPES), None)


def _answer(value: Any, uses: list[Use], choices: Mapping[str, str] | None) -> Hashable:
    try:
        for use in uses:
            function, argument = TRANSFORMS[use.name].function, use.argument
            ready = argument.folded() if isinstance(argument, Table) else argument
            value = function(value) if argument is None else function(value, ready)
        if choices is not None:
            return choose(value, choices)
    except Refused:
        return _REFUSED
    return "there" if is_present(value) else None


def _objects(rule: From) -> Iterator[tuple[str, Way]]:
    """What stands in the money that a rule reads."""
    for use in rule.uses[:1]:
        if use.name in ("read_money", "sum_of"):
            money = rule.path.full + (f"[].{use.argument}" if use.name == "sum_of" else "")
            yield (
                f"{money}.amount",
                Way(answer=lambda value: _answer(value, [Use(name="decimal")], None), knows="number"),
            )
            yield f"{money}.currency", _CURRENCY


def _beside(use: Use) -> Iterator[tuple[str, Way]]:
    """What a transform reads beside the value."""
    if isinstance(use.argument, Condition):
        yield use.argument.path.full, _compared(use.argument)
    elif isinstance(use.argument, Path) and TRANSFORMS[use.name].argument == "currency":
        yield use.argument.full, _CURRENCY
    elif isinstance(use.argument, Path):
        yield use.argument.full, _taken(*_BESIDE[use.name]) if use.name in _BESIDE else Way(answer=is_present)


def _taken(knows: str, reader: Callable[[Any], Any]) -> Way:
    def answer(value: Any) -> Hashable:
        try:
            return None if reader(value) is None else "there"
        except Refused:
            return _REFUSED

    return Way(answer=answer, knows=knows)


_BESIDE: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "and": ("true or false", boolean),
    "days_since": ("date", date_),
}
_CURRENCY = _taken("currency", lambda value: currency_code(upper(text(value))))


def _compared(condition: Condition) -> Way:
    if condition.test == "present":
        return Way(answer=is_present)
    values = condition.value if condition.test == "in" else [condition.value]
    return Way(answer=lambda value: value if value in values else _REFUSED, knows="value of a condition")


def _member(knows: str, known: Any) -> Way:
    def answer(value: Any) -> Hashable:
        key = str(value).strip() if isinstance(value, str | int) else None
        return key if key in known else _REFUSED

    return Way(answer=answer, knows=knows)
