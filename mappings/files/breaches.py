"""What a file does against its JSON Schema, in words for the person who wrote it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

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


def in_words(errors: Iterable[ValidationError], source: Source) -> list[Fault]:
    """The errors with the lines they are on."""
    return [
        Fault(source.mark(place), ".".join(map(str, place)) or "file", message)
        for error in errors
        for place, message in _places(error)
    ]


def _places(error: ValidationError) -> Iterator[tuple[Place, str]]:
    place = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        yield from (((*place, key), _stray(key, known)) for key in error.instance if key not in known)
    elif error.validator == "dependentRequired":
        yield from ((place, message) for message in _lonely(error.validator_value, error.instance))
    elif "propertyNames" in error.absolute_schema_path:
        yield (*place, error.instance), _message(error)
    else:
        yield place, _message(error)


def _stray(key: str, known: Iterable[str]) -> str:
    close = get_close_matches(key, known, 1)
    return "is no key that can stand here; " + (f"is it {close[0]!r}?" if close else f"there are {', '.join(known)}")


def _lonely(needed: Mapping[str, Iterable[str]], given: Mapping[str, Any]) -> Iterator[str]:
    for key in needed.keys() & given.keys():
        yield from (f"{key!r} needs {name!r} beside it" for name in needed[key] if name not in given)


def _message(error: ValidationError) -> str:
    if error.validator == "required":
        return f"{error.message.split(chr(39))[1]!r} is missing"
    if error.validator in _MESSAGES:
        return f"{_shown(error.instance)} {_MESSAGES[error.validator](error)}"
    return error.message if len(error.message) <= _SHOWN else f"{error.message[:_SHOWN]}..."


def _type(error: ValidationError) -> str:
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    quoted = "; quote it" if wanted == ["string"] and type(error.instance) in (int, bool, Decimal) else ""
    return f"is not {' or '.join(_TYPES[name] for name in wanted)}{quoted}"


def _enum(error: ValidationError) -> str:
    return f"is not one of {', '.join(map(str, error.validator_value))}"


def _described(error: ValidationError) -> str:
    return f"does not fit: {error.schema.get('description', error.validator_value)}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


_MESSAGES: Mapping[str, Callable[[ValidationError], str]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda error: f"must be {error.validator_value!r}",
    "pattern": _described,
    "anyOf": _described,
    "not": lambda error: error.schema["description"],
    "minItems": lambda error: f"has too few items; {error.validator_value} or more are needed",
    "minProperties": lambda error: f"has too few keys; {error.validator_value} or more are needed",
    "maxProperties": lambda error: f"has too many keys; only {error.validator_value} can stand here",
}
