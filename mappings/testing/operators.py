"""The ways in which `billhub map mutate` spoils a rule, one at a time, by kind of rule.

An operator takes a rule and gives spoilt copies of it, each with words for what was changed. A new kind of rule is a line in `OPERATORS`.
Operators leave out what cannot make a difference, for example `required` on a path that the condition around it has found present.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec

from mappings.language.definition import (
    Absent,
    Arithmetic,
    Concat,
    Const,
    Each,
    From,
    Index,
    ListOf,
    Lookup,
    Object,
    Rule,
    When,
)
from mappings.language.wording import use_words
from mappings.testing.refinements import changed_conditions, changed_uses, opposite
from mappings.testing.sources import Sources


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator knows beside the rule.

    Attributes:
        sources: Paths that could be read instead.
        present: Full paths that are known to hold something where the rule is used.
    """

    sources: Sources
    present: frozenset[str] = frozenset()


Spoilt = Iterator[tuple[str, Rule]]
Operator = Callable[[Any, Ground], Spoilt]
_put = msgspec.structs.replace


def _another_path(rule: From | Each, ground: Ground) -> Spoilt:
    for path in ground.sources.others(rule.path):
        yield f"reads {path.text} instead of {rule.path.text}", _put(rule, path=path)


def _another_key(rule: Lookup, ground: Ground) -> Spoilt:
    for index, key in enumerate(rule.keys):
        for path in ground.sources.others(key):
            keys = (*rule.keys[:index], path, *rule.keys[index + 1 :])
            yield f"looks up {path.text} instead of {key.text}", _put(rule, keys=keys)


def _fewer_keys(rule: Lookup, _: Ground) -> Spoilt:
    for index, key in enumerate(rule.keys if len(rule.keys) > 1 else ()):
        yield f"does not look up {key.text}", _put(rule, keys=_without(rule.keys, index))
    for index, (first, second) in enumerate(pairwise(rule.keys)):
        yield f"looks up {second.text} before {first.text}", _put(rule, keys=_swapped(rule.keys, index))


def _another_column(rule: Lookup, _: Ground) -> Spoilt:
    rows = [row for _, row in rule.table.all_rows()]
    for column in rows[0] if rows else ():
        if any(row.get(column) != row.get(rule.column) for row in rows):
            yield f"gives column {column} instead of {rule.column}", _put(rule, column=column)


def _another_scope(rule: Lookup, ground: Ground) -> Spoilt:
    if rule.scope is None or not rule.table.legal_entities:
        return
    yield f"does not ask whose rows come first ({rule.scope.text})", _put(rule, scope=None)
    for path in ground.sources.others(rule.scope):
        yield f"takes the legal entity from {path.text} instead of {rule.scope.text}", _put(rule, scope=path)


def _no_transform(rule: From | Lookup | Concat | Arithmetic, _: Ground) -> Spoilt:
    for index, use in enumerate(rule.uses):
        yield f"does without {use_words(use)}", _put(rule, uses=_without(rule.uses, index))


def _another_argument(rule: From | Lookup | Concat | Arithmetic, ground: Ground) -> Spoilt:
    read = rule.path.full if isinstance(rule, From) else ""
    for index, use in enumerate(rule.uses):
        for words, instead in changed_uses(use, read, ground.sources):
            yield words, _put(rule, uses=(*rule.uses[:index], *instead, *rule.uses[index + 1 :]))


def _another_answer(rule: From | Lookup, _: Ground) -> Spoilt:
    answers = list((rule.choices or {}).items())
    for (key, answer), (other, second) in pairwise(answers):
        if answer != second:
            choices = dict(answers) | {key: second, other: answer}
            yield f"gives {second!r} for {key!r} and {answer!r} for {other!r}", _put(rule, choices=choices)


def _fewer_answers(rule: From | Lookup, _: Ground) -> Spoilt:
    for key in rule.choices or {}:
        choices = {each: answer for each, answer in (rule.choices or {}).items() if each != key}
        yield f"does not know {key!r}", _put(rule, choices=choices)


def _another_default(rule: From | Lookup, _: Ground) -> Spoilt:
    default = rule.head.default
    if default is not None:
        for instead in _constants(default):
            yield f"defaults to {instead!r} instead of {default!r}", _put(rule, head=_put(rule.head, default=instead))
        yield f"does not default to {default!r}", _put(rule, head=_put(rule.head, default=None))


def _another_constant(rule: Const, _: Ground) -> Spoilt:
    for instead in _constants(rule.value):
        yield f"is {instead!r} instead of {rule.value!r}", _put(rule, value=instead)


def _always_first(rule: Index, _: Ground) -> Spoilt:
    yield "is 1 for every item", Const(rule.head, 1)


def _other_requirement(rule: Rule, ground: Ground) -> Spoilt:
    """Whether an empty value is a problem; not where it cannot be empty, and not of an item, which is always there."""
    head = rule.head
    if head.default is not None or not head.field or not _may_be_empty(rule, ground.present):
        return
    if isinstance(rule, Object) and head.field.endswith("[]"):
        return
    words = "may be empty" if head.required else "must not be empty"
    yield words, _put(rule, head=_put(head, required=not head.required))


def _no_field(rule: Object, _: Ground) -> Spoilt:
    for name, inner in rule.fields.items():
        if not isinstance(inner, Absent):
            yield f"does not set {name}", _put(rule, fields={**rule.fields, name: Absent(inner.head)})


def _no_refusal(rule: Object, ground: Ground) -> Spoilt:
    for index, (condition, reason) in enumerate(rule.refusals):
        yield f"does not refuse when {reason}", _put(rule, refusals=_without(rule.refusals, index))
        for words, instead in (*opposite(condition), *changed_conditions(condition, ground.sources)):
            refusals = (*rule.refusals[:index], (instead, reason), *rule.refusals[index + 1 :])
            yield f"refuses {words}", _put(rule, refusals=refusals)


def _no_part(rule: Concat | Arithmetic | ListOf, _: Ground) -> Spoilt:
    for index, _part in enumerate(rule.parts if len(rule.parts) > 1 else ()):
        yield f"does without part {index + 1} of {len(rule.parts)}", _put(rule, parts=_without(rule.parts, index))


def _other_order(rule: Concat | Arithmetic, _: Ground) -> Spoilt:
    if isinstance(rule, Arithmetic) and rule.operation != "subtract":
        return
    for index in range(len(rule.parts) - 1):
        yield f"has part {index + 2} before part {index + 1}", _put(rule, parts=_swapped(rule.parts, index))


def _another_separator(rule: Concat, _: Ground) -> Spoilt:
    if len(rule.parts) > 1:
        yield f"is joined by {'~'!r} instead of {rule.separator!r}", _put(rule, separator="~")


def _another_operation(rule: Arithmetic, _: Ground) -> Spoilt:
    for operation in ("add", "subtract", "multiply"):
        if operation != rule.operation:
            yield f"does {operation} instead of {rule.operation}", _put(rule, operation=operation)


def _other_branch(rule: When, _: Ground) -> Spoilt:
    yield "takes the branch then in any case", rule.then
    yield "takes the branch otherwise in any case", rule.otherwise
    yield "takes the branches the other way round", _put(rule, then=rule.otherwise, otherwise=rule.then)


def _another_condition(rule: When, ground: Ground) -> Spoilt:
    for words, condition in changed_conditions(rule.condition, ground.sources):
        yield f"takes the branch then {words}", _put(rule, condition=condition)


def _no_branch(rule: When, _: Ground) -> Spoilt:
    for name in ("then", "otherwise"):
        inner: Rule = getattr(rule, name)
        if not isinstance(inner, Absent):
            yield f"gives nothing in the branch {name}", _put(rule, **{name: Absent(inner.head)})


def _no_sort(rule: Each, _: Ground) -> Spoilt:
    if rule.sort:
        yield f"is not sorted by {rule.sort}", _put(rule, sort=None)


def _may_be_empty(rule: Rule, present: frozenset[str]) -> bool:
    match rule:
        case Const() | Index():
            return isinstance(rule, Const) and bool(rule.value == "")
        case From():
            return rule.path.full not in present
        case Concat():
            return all(_may_be_empty(part, present) for part in rule.parts)
        case Object():
            return all(_may_be_left_out(inner, present) for inner in rule.fields.values())
        case ListOf():  # an object written out is always there, and so is what must not be empty
            return all(
                isinstance(part, Each) or (not isinstance(part, Object) and _may_be_left_out(part, present))
                for part in rule.parts
            )
        case _:
            return True


def _may_be_left_out(rule: Rule, present: frozenset[str]) -> bool:
    """Whether nothing may stand for the rule without a problem."""
    if isinstance(rule, Absent | When):
        return True
    return rule.head.default is None and not rule.head.required and _may_be_empty(rule, present)


def _constants(value: Any) -> Iterator[Any]:
    match value:
        case bool():
            yield not value
        case str():
            yield f"{value}~"
        case int() | Decimal():
            yield value + 1


def _without(items: tuple[Any, ...], index: int) -> tuple[Any, ...]:
    return (*items[:index], *items[index + 1 :])


def _swapped(items: tuple[Any, ...], index: int) -> tuple[Any, ...]:
    return (*items[:index], items[index + 1], items[index], *items[index + 2 :])


_REFINED: Mapping[str, Operator] = {"no transform": _no_transform, "another argument": _another_argument}
_ANSWERED: Mapping[str, Operator] = {"another answer": _another_answer, "fewer answers": _fewer_answers}
_FILLED: Mapping[str, Operator] = {"another default": _another_default, "other requirement": _other_requirement}

OPERATORS: Mapping[type, Mapping[str, Operator]] = {
    From: {"another path": _another_path, **_REFINED, **_ANSWERED, **_FILLED},
    Lookup: {
        "another path": _another_key,
        "fewer keys": _fewer_keys,
        "another column": _another_column,
        "another legal entity": _another_scope,
        **_REFINED,
        **_ANSWERED,
        **_FILLED,
    },
    Const: {"another constant": _another_constant},
    Index: {"another index": _always_first},
    Absent: {},
    Concat: {
        "no part": _no_part,
        "other order": _other_order,
        "another separator": _another_separator,
        **_REFINED,
        "other requirement": _other_requirement,
    },
    Arithmetic: {
        "another operation": _another_operation,
        "no part": _no_part,
        "other order": _other_order,
        **_REFINED,
        "other requirement": _other_requirement,
    },
    When: {"other branch": _other_branch, "another condition": _another_condition, "no rule": _no_branch},
    Object: {"no rule": _no_field, "no refusal": _no_refusal, "other requirement": _other_requirement},
    Each: {"another path": _another_path, "no sort": _no_sort, "other requirement": _other_requirement},
    ListOf: {"no part": _no_part, "other requirement": _other_requirement},
}
"""Operators by the kind of rule they spoil, under the names that reports and docs use."""
