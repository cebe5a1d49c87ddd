"""A rule in words, as problems, traces and the compiled source show it."""

from typing import Any

from mappings.files.tables import Table
from mappings.language.definition import (
    Absent,
    Arithmetic,
    Concat,
    Condition,
    Const,
    Each,
    From,
    Index,
    ListOf,
    Lookup,
    Object,
    Path,
    Rule,
    Use,
    When,
)


def rule_words(rule: Rule) -> str:
    """The rule on one line, without its path."""
    match rule:
        case From():
            return _refined("from", rule.uses, rule.choices)
        case Lookup():
            scope = f" for {rule.scope.text}" if rule.scope else ""
            return _refined(f"lookup {rule.table.name}.{rule.column}{scope}", rule.uses, rule.choices)
        case Concat() | Arithmetic():
            return _refined(rule.operation if isinstance(rule, Arithmetic) else "concat", rule.uses, None)
        case When():
            return f"when {condition_words(rule.condition)}"
        case Each():
            return "each" + (f", sorted by {rule.sort}" if rule.sort else "")
        case Const() | Index() | Absent() | Object() | ListOf():
            return {"ListOf": "list", "Object": "fields"}.get(type(rule).__name__, type(rule).__name__.lower())


def condition_words(condition: Condition) -> str:
    """The condition on one line."""
    if condition.test == "present":
        return f"{condition.path.text} is {'present' if condition.value else 'not present'}"
    return f"{condition.path.text} {condition.test} {condition.value!r}"


def use_words(use: Use) -> str:
    """The transform with its argument on one line."""
    match use.argument:
        case None:
            return use.name
        case Path():
            return f"{use.name} {use.argument.text}"
        case Condition():
            return f"{use.name} {condition_words(use.argument)}"
        case Table():
            return f"{use.name} {use.argument.name}"
        case _:
            return f"{use.name} {use.argument!r}"


def source_words(rule: Rule) -> str:
    """The full source paths a rule reads, joined by commas."""
    match rule:
        case From():
            return rule.path.full
        case Lookup():
            return ", ".join(path.full for path in rule.keys)
        case Each():
            return rule.path.full
        case When():
            return rule.condition.path.full
        case Concat() | Arithmetic():
            return ", ".join(words for part in rule.parts if (words := source_words(part)))
        case _:
            return ""


def _refined(start: str, uses: tuple[Use, ...], choices: Any) -> str:
    return ", ".join([start, *(use_words(use) for use in uses), *(["map"] if choices is not None else [])])
