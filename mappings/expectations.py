"""What a mapping expects of a source: who reads a path, and which values of an enumeration it knows."""

from collections.abc import Iterator, Mapping, Sequence

from mappings.language.definition import Definition, Each, From, Lookup, Object, Rule, When
from mappings.language.walking import all_rules
from mappings.runtime.refusal import Refused
from mappings.runtime.transforms import TRANSFORMS


def readers(definition: Definition, path: str) -> list[str]:
    """Fields of the target that are made from a source path or from what stands in it, sorted; empty where nothing reads it."""
    inside = (f"{path}.", f"{path}[]")
    found = {
        rule.head.field
        for rule in all_rules(definition.root)
        if any(each == path or each.startswith(inside) for each in _paths(rule))
    }
    return sorted(found)


def unknown_values(
    definition: Definition, offered: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Values that a source may give and that the mapping would refuse.

    Args:
        definition: The mapping.
        offered: The values that the source lists, by path.

    Yields:
        Path, value, and the values that the mapping knows there.
    """
    for rule in all_rules(definition.root):
        for path, known in _choices(rule):
            for value in offered.get(path, ()):
                if _as_read(rule, value) not in known:
                    yield path, value, known


def _choices(rule: Rule) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The values that a rule knows, by the path it reads; of a look-up with several keys only the first counts."""
    if isinstance(rule, From) and rule.choices is not None:
        yield rule.path.full, tuple(rule.choices)
    elif isinstance(rule, Lookup):
        yield rule.keys[0].full, tuple(dict.fromkeys(key for key, _ in rule.table.all_rows()))


def _as_read(rule: Rule, value: str) -> str:
    """A value after the transforms that come before the enumeration, as far as they need nothing beside it."""
    for use in rule.uses if isinstance(rule, From) else ():
        transform = TRANSFORMS[use.name]
        if transform.argument == "none":
            try:
                value = transform.function(value)
            except Refused:
                return value
    return value


def _paths(rule: Rule) -> Iterator[str]:
    """The source paths that a rule itself reads."""
    if isinstance(rule, From | Each):
        yield rule.path.full
    elif isinstance(rule, Lookup):
        yield from (key.full for key in rule.keys)
    elif isinstance(rule, When):
        yield rule.condition.path.full
    elif isinstance(rule, Object):
        yield from (condition.path.full for condition, _ in rule.refusals)
