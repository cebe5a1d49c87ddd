"""How transforms and conditions are spoilt: what `operators` needs of them."""

from collections.abc import Iterator
from typing import Any

import msgspec

from mappings.language.definition import Condition, Path, Use
from mappings.language.wording import condition_words
from mappings.runtime.refiners import ROUNDINGS
from mappings.runtime.transforms import TRANSFORMS
from mappings.testing.sources import Sources

_put = msgspec.structs.replace


def changed_uses(use: Use, read: str, sources: Sources) -> Iterator[tuple[str, tuple[Use, ...]]]:
    """A transform with other arguments.

    Args:
        use: The transform.
        read: Full path of what the rule reads; empty where it reads no single path.
        sources: Paths that could be read instead.

    Yields:
        Words for the change, and what stands in the place of the transform.
    """
    match use.argument:
        case Path():
            for path in sources.others(use.argument):
                yield f"{use.name} takes {path.text} instead of {use.argument.text}", (_put(use, argument=path),)
        case Condition():
            yield f"{use.name} where not {condition_words(use.argument)}", (Use(name="negate"), use)
            for words, condition in changed_conditions(use.argument, sources):
                yield f"{use.name} {words}", (_put(use, argument=condition),)
        case int() | str():
            for argument in _arguments(use, read, sources):
                yield f"{use.name} {argument!r} instead of {use.argument!r}", (_put(use, argument=argument),)


def _arguments(use: Use, read: str, sources: Sources) -> list[Any]:
    argument: Any = use.argument
    match TRANSFORMS[use.name].argument:
        case "length":
            return [length for length in (argument - 1, argument + 1) if length > 0]
        case "pattern":
            return [f"{argument}~"]
        case "field":
            return sources.fellows(f"{read}[].{argument}")[:1]
        case "currency":
            return ["EUR" if argument != "EUR" else "USD"]
        case "rounding":
            return [rounding for rounding in ROUNDINGS if rounding != argument][:1]
        case _:
            return []


def changed_conditions(condition: Condition, sources: Sources) -> Iterator[tuple[str, Condition]]:
    """A condition on another path, or with another value: one of the texts that stand there, or one fewer of several."""
    for path in sources.others(condition.path):
        changed = _put(condition, path=path)
        yield f"when {condition_words(changed)}, not {condition_words(condition)}", changed
    for value in _values(condition, sources):
        changed = _put(condition, value=value)
        yield f"when {condition_words(changed)}, not {condition_words(condition)}", changed


def opposite(condition: Condition) -> Iterator[tuple[str, Condition]]:
    """The condition turned round, where the language has a word for that."""
    if isinstance(condition.value, bool):
        yield f"when not {condition_words(condition)}", _put(condition, value=not condition.value)


def _values(condition: Condition, sources: Sources) -> list[Any]:
    if condition.test == "in":
        return [
            [each for each in condition.value if each != value] for value in condition.value if len(condition.value) > 1
        ]
    if condition.test == "equals" and isinstance(condition.value, str):
        return [text for text in sources.texts(condition.path.full) if text != condition.value][:1]
    return []
