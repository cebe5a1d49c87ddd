"""What a file does against its JSON Schema, in words for the person who wrote it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, NamedTuple

from jsonschema.exceptions import ValidationError

from mappings.files.faults import Fault
from mappings.files.yaml_source import Place, Source

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "nothing",
}
_SHOWN = 120
"""How many characters of a value a message shows."""


class Breach(NamedTuple):
    """One error as the validator tells it.

    Attributes:
        rule: Keyword of the schema that is broken, for example `required`.
        wanted: What the keyword says.
        given: What is in the file.
        schema: The part of the schema that the keyword stands in.
        place: Where the value, or the key that is wrong, stands.
        message: In the validator's words.
    """

    rule: str
    wanted: Any
    given: Any
    schema: Any
    place: Place
    message: str


def in_words(errors: Iterable[ValidationError], source: Source) -> list[Fault]:
    """The errors with the lines they are on."""
    return [
        Fault(source.mark(place), ".".join(map(str, place)) or "file", message)
        for error in errors
        for place, message in _faults(_breach(error))
    ]


def _breach(error: Any) -> Breach:
    place, is_key = tuple(error.absolute_path), "propertyNames" in error.absolute_schema_path
    return Breach(
        rule=error.validator,
        wanted=error.validator_value,
        given=error.instance,
        schema=error.schema,
        place=(*place, error.instance) if is_key else place,
        message=error.message,
    )


def _faults(breach: Breach) -> Iterator[tuple[Place, str]]:
    if breach.rule == "additionalProperties":
        known = breach.schema.get("properties", {})
        yield from (((*breach.place, key), _stray(key, known)) for key in breach.given if key not in known)
    elif breach.rule == "required":
        yield from ((breach.place, f"{name!r} is missing") for name in breach.wanted if name not in breach.given)
    elif breach.rule == "dependentRequired":
        yield from ((breach.place, message) for message in _lonely(breach.wanted, breach.given))
    elif breach.rule in _MESSAGES:
        yield breach.place, f"{_shown(breach.given)} {_MESSAGES[breach.rule](breach)}"
    else:
        yield breach.place, breach.message if len(breach.message) <= _SHOWN else f"{breach.message[:_SHOWN]}..."


def _stray(key: str, known: Iterable[str]) -> str:
    close = get_close_matches(key, known, 1)
    return "is no key that can stand here; " + (f"is it {close[0]!r}?" if close else f"there are {', '.join(known)}")


def _lonely(needed: Mapping[str, Iterable[str]], given: Mapping[str, Any]) -> Iterator[str]:
    for key in needed.keys() & given.keys():
        yield from (f"{key!r} needs {name!r} beside it" for name in needed[key] if name not in given)


def _type(breach: Breach) -> str:
    wanted = breach.wanted if isinstance(breach.wanted, list) else [breach.wanted]
    quoted = "; quote it" if wanted == ["string"] and type(breach.given) in (int, bool, Decimal) else ""
    return f"is not {' or '.join(_TYPES[name] for name in wanted)}{quoted}"


def _described(breach: Breach) -> str:
    return f"does not fit: {breach.schema['description'].rstrip('.')}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


_MESSAGES: Mapping[str, Callable[[Breach], str]] = {
    "type": _type,
    "pattern": _described,
    "anyOf": _described,
    "enum": lambda breach: f"is not one of {', '.join(map(str, breach.wanted))}",
    "const": lambda breach: f"must be {breach.wanted!r}",
    "not": lambda breach: str(breach.schema["description"]),
    "minItems": lambda breach: f"has too few items; {breach.wanted} or more are needed",
    "minProperties": lambda breach: f"has too few keys; {breach.wanted} or more are needed",
    "maxProperties": lambda breach: f"has too many keys; only {breach.wanted} can stand here",
}
