"""Going through rules: which there are, what they read, and which objects a sound record must hold."""

from collections.abc import Iterator
from typing import NamedTuple

from mappings.language.definition import Arithmetic, Concat, Condition, Each, From, ListOf, Lookup, Object, Path, Rule, Use, When


def parts(rule: Rule) -> Iterator[Rule]:
    """The rules directly inside a rule."""
    match rule:
        case Object():
            yield from rule.fields.values()
        case Each():
            yield rule.body
        case ListOf() | Concat() | Arithmetic():
            yield from rule.parts
        case When():
            yield from (rule.then, rule.otherwise)


def everything(rule: Rule) -> Iterator[Rule]:
    """A rule and all rules inside it."""
    yield rule
    for part in parts(rule):
        yield from everything(part)


def always(rule: Rule, *, into_lists: bool = False, into_branches: bool = False) -> Iterator[Rule]:
    """A rule and those inside it that are followed for every record, or every item of its list.

    Args:
        rule: Where to begin.
        into_lists: Also those that are followed for every item of an inner list.
        into_branches: Also those that a condition decides about.
    """
    yield rule
    if isinstance(rule, Each) and not into_lists or isinstance(rule, When) and not into_branches:
        return
    for part in parts(rule):
        yield from always(part, into_lists=into_lists, into_branches=into_branches)


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


def sure_objects(body: Object) -> frozenset[tuple[str, ...]]:
    """Keys to the objects that a sound source object must hold, because a value that is always needed is in them."""
    needed = (path for rule in always(body) if _is_needed(rule) for path in paths(rule) if path.at_root == _at_root(body))
    return frozenset(path.steps[:depth] for path in needed for depth in range(1, len(path.steps)))


def reads_item(body: Object) -> bool:
    """Whether something of an item is read before all else can be made of it, so that one that is no object raises."""
    firsts = [condition.path for condition, _ in body.refusals]
    for rule in always(body):
        firsts += [rule.condition.path] if isinstance(rule, When) else []
        firsts += [rule.path] if isinstance(rule, From | Each) else []
        firsts += rule.keys[:1] if isinstance(rule, Lookup) else ()
    return any(not path.at_root for path in firsts)


def currencies(rule: Rule) -> Iterator[Path]:
    """Where a rule that must give money reads its currency."""
    if isinstance(rule, From) and rule.head.required:
        yield from (use.argument for use in rule.uses if use.name == "money" and isinstance(use.argument, Path))


def is_of_record(rule: Rule) -> bool:
    """Whether a leaf in a list reads from the record alone, and so gives the same for all items."""
    if not isinstance(rule, From | Lookup):
        return False
    compared = [condition.path for condition in conditions(rule)]
    return all(path.at_root for path in (*paths(rule), *compared))


def _is_needed(rule: Rule) -> bool:
    """Whether nothing at any of a rule's paths is a problem."""
    if isinstance(rule, Lookup) and (len(rule.keys) > 1 or rule.scope):
        return False
    return isinstance(rule, From | Lookup | Each) and rule.head.required


def _at_root(body: Object) -> bool:
    return not body.head.field.endswith("[]")


class Shared(NamedTuple):
    """What a rule has in common with others that read the same value.

    Attributes:
        count: The number of transforms that they begin with.
        is_needed: Whether one of them must give something.
    """

    count: int
    is_needed: bool


def shared_transforms(body: Object) -> dict[int, Shared]:
    """What rules that are followed for every record, or every item, have in common, by identity of the rule."""
    groups: dict[tuple[str, bool], list[From]] = {}
    for rule in always(body):
        if isinstance(rule, From):
            groups.setdefault((rule.path.full, rule.path.at_root), []).append(rule)
    return {id(rule): found for rules in groups.values() for rule in rules if (found := _shared(rule, rules)).count}


def _shared(rule: From, rules: list[From]) -> Shared:
    lengths = [(_common(rule.uses, other.uses), other) for other in rules if other is not rule]
    longest = max((length for length, _ in lengths), default=0)
    is_needed = any(other.head.required for length, other in lengths if length == longest)
    return Shared(longest, rule.head.required or is_needed)


def _common(some: tuple[Use, ...], others: tuple[Use, ...]) -> int:
    pairs = enumerate(zip(some, others, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(some), len(others)))
