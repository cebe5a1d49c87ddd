"""What a compiler can know beforehand: which objects every sound record must hold, and what several rules do alike."""

from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from mappings.language.definition import Each, From, Lookup, Object, Path, Rule, Use, When
from mappings.language.walking import certain_rules, conditions, paths

Keys = tuple[str, ...]


class Shared(NamedTuple):
    """What a rule has in common with others that read the same value.

    Attributes:
        length: The number of transforms that they begin with.
        is_needed: Whether one of them must give something.
    """

    length: int
    is_needed: bool


def sure_objects(body: Rule, *, at_root: bool) -> frozenset[Keys]:
    """Keys to the objects that a sound source object must hold, because a value that the rule always needs is in them.

    Args:
        body: What is made of the source object.
        at_root: Whether that is the record, not an item of a list.
    """
    needed = [keys for rule in certain_rules(body) for keys in _needed(rule, at_root=at_root)]
    return frozenset(keys[:depth] for keys in needed for depth in range(1, len(keys) + 1))


def reads_item(body: Object) -> bool:
    """Whether something of an item is read before all else, so that one that is no object raises."""
    firsts = [condition.path for condition, _ in body.refusals]
    for rule in certain_rules(body):
        firsts += [rule.condition.path] if isinstance(rule, When) else []
        firsts += [rule.path] if isinstance(rule, From | Each) else []
        firsts += rule.keys[:1] if isinstance(rule, Lookup) else ()
    return any(not path.at_root for path in firsts)


def sure_currencies(body: Object) -> Iterator[Path]:
    """Where rules that must give money, for each item and each item of inner lists, read its currency."""
    for rule in certain_rules(body, into_lists=True):
        if isinstance(rule, From) and rule.head.required:
            yield from (use.argument for use in rule.uses if use.name == "money" and isinstance(use.argument, Path))


def is_of_record(rule: Rule) -> bool:
    """Whether a leaf in a list reads from the record alone, and so gives the same for all items."""
    if not isinstance(rule, From | Lookup):
        return False
    compared = (condition.path for condition in conditions(rule))
    return all(path.at_root for path in (*paths(rule), *compared))


def shared_transforms(body: Object) -> dict[int, Shared]:
    """What rules that are followed for every record, or every item, have in common, by identity of the rule."""
    groups: dict[tuple[str, bool], list[From]] = {}
    for rule in certain_rules(body):
        if isinstance(rule, From):
            groups.setdefault((rule.path.full, rule.path.at_root), []).append(rule)
    found = {id(rule): _shared(rule, rules) for rules in groups.values() for rule in rules}
    return {key: shared for key, shared in found.items() if shared.length}


def _needed(rule: Rule, *, at_root: bool) -> Iterator[Keys]:
    """Keys to the objects that hold what a rule must find; of a look-up by several keys, as far as they are the same."""
    if not isinstance(rule, From | Lookup | Each) or not rule.head.required:
        return
    if isinstance(rule, Lookup):
        if all(key.at_root == at_root for key in rule.keys):
            yield _common(*(key.steps[:-1] for key in rule.keys))
        return
    yield from (path.steps[:-1] for path in paths(rule) if path.at_root == at_root)


def _common(*ways: Keys) -> Keys:
    levels = takewhile(lambda keys: len(set(keys)) == 1, zip(*ways, strict=False))
    return tuple(keys[0] for keys in levels)


def _shared(rule: From, rules: list[From]) -> Shared:
    lengths = [(_alike(rule.uses, other.uses), other) for other in rules if other is not rule]
    longest = max((length for length, _ in lengths), default=0)
    is_needed = any(other.head.required for length, other in lengths if length == longest)
    return Shared(longest, rule.head.required or is_needed)


def _alike(some: tuple[Use, ...], others: tuple[Use, ...]) -> int:
    return len([*takewhile(lambda pair: pair[0] == pair[1], zip(some, others, strict=False))])
