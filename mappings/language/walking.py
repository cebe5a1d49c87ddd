"""Going through the rules of a mapping: which there are, and what each of them reads."""

from collections.abc import Iterator

from mappings.language.definition import (
    Arithmetic,
    Concat,
    Condition,
    Each,
    From,
    ListOf,
    Lookup,
    Object,
    Path,
    Rule,
    Use,
    When,
)


def inner_rules(rule: Rule) -> Iterator[Rule]:
    """The rules directly in a rule."""
    match rule:
        case Object():
            yield from rule.fields.values()
        case Each():
            yield rule.body
        case When():
            yield from (rule.then, rule.otherwise)
        case Concat() | Arithmetic() | ListOf():
            yield from rule.parts


def all_rules(rule: Rule) -> Iterator[Rule]:
    """A rule, then all rules in it, in the order of the file."""
    yield rule
    for inner in inner_rules(rule):
        yield from all_rules(inner)


def certain_rules(rule: Rule, *, into_lists: bool = False) -> Iterator[Rule]:
    """A rule, then those in it that are followed for every record, or every item of its list: no condition decides about them.

    Args:
        rule: Where to begin.
        into_lists: Also those that are followed for every item of an inner list.
    """
    yield rule
    if isinstance(rule, When) or (isinstance(rule, Each) and not into_lists):
        return
    for inner in inner_rules(rule):
        yield from certain_rules(inner, into_lists=into_lists)


def uses(rule: Rule) -> tuple[Use, ...]:
    """The transforms of a rule."""
    return rule.uses if isinstance(rule, From | Lookup | Concat | Arithmetic) else ()


def conditions(rule: Rule) -> Iterator[Condition]:
    """The comparisons that a rule itself makes."""
    if isinstance(rule, When):
        yield rule.condition
    if isinstance(rule, Object):
        yield from (condition for condition, _ in rule.refusals)
    yield from (use.argument for use in uses(rule) if isinstance(use.argument, Condition))


def paths(rule: Rule) -> Iterator[Path]:
    """The paths that a rule itself reads, without those of its comparisons."""
    match rule:
        case From() | Each():
            yield rule.path
        case Lookup():
            yield from rule.keys
            yield from (rule.scope,) if rule.scope else ()
    yield from (use.argument for use in uses(rule) if isinstance(use.argument, Path))
