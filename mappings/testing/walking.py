"""Putting another rule in the place of one."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from mappings.language.definition import Arithmetic, Concat, Each, ListOf, Object, Rule, When

_put = msgspec.structs.replace


def replaceable_rules(rule: Rule) -> Iterator[tuple[Rule, Callable[[Any], Rule]]]:
    """The rules directly in a rule, each with what puts another in its place."""
    match rule:
        case Object():
            for name, inner in rule.fields.items():
                yield inner, partial(_with_field, rule, name)
        case Each():
            yield rule.body, lambda new: _put(rule, body=new)
        case When():
            yield rule.then, lambda new: _put(rule, then=new)
            yield rule.otherwise, lambda new: _put(rule, otherwise=new)
        case Concat() | Arithmetic() | ListOf():
            for index, part in enumerate(rule.parts):
                yield part, partial(_with_part, rule, index)


def _with_field(rule: Object, name: str, inner: Rule) -> Rule:
    return _put(rule, fields={**rule.fields, name: inner})


def _with_part(rule: Concat | Arithmetic | ListOf, index: int, part: Rule) -> Rule:
    return _put(rule, parts=(*rule.parts[:index], part, *rule.parts[index + 1 :]))
