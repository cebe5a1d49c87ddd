"""Holding mapping, overlay and table files against their JSON Schemas, all errors of a file at once."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from mappings.files.breaches import in_words
from mappings.files.faults import Fault, refusal
from mappings.files.yaml_source import Mark, Source, SourceError, read

SCHEMAS = Path(__file__).parent.parent / "schema"


def checked(text: str, file: str, schema: str) -> Source:
    """A text that fits the schema `schema/<schema>.schema.json`.

    Args:
        text: Content of the file.
        file: Its name, for messages.
        schema: `mapping`, `overlay`, `table` or `contract`.

    Raises:
        MappingError: It is not YAML, or breaks the schema; all errors in one message.
    """
    source, faults = inspected(text, file, schema)
    if faults:
        raise refusal(file.removesuffix(".yaml"), faults)
    return source


def inspected(text: str, file: str, schema: str) -> tuple[Source, list[Fault]]:
    """A text as `checked` takes it, with all its faults; what has faults must not be used."""
    try:
        source = read(text, file)
    except SourceError as error:
        return Source(file, None, {}), [Fault(Mark(file, error.line), "file", str(error))]
    return source, in_words(_validator(schema).iter_errors(source.data), source)


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of one kind of file; overlays share the rules of mappings."""
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return schema | {"$defs": schema_of("mapping")["$defs"]} if name == "overlay" else schema


@lru_cache(maxsize=8)
def _validator(name: str) -> Validator:
    base = jsonschema.Draft202012Validator
    numbers = base.TYPE_CHECKER.redefine("number", lambda _, value: type(value) in (int, Decimal))
    extended: Any = jsonschema.validators.extend
    validator: Validator = extended(base, {"pattern": _pattern}, type_checker=numbers)(schema_of(name))
    return validator


def _pattern(_validator: Any, pattern: str, text: Any, _schema: Any) -> Iterator[ValidationError]:
    """The whole text must fit: in Python `$` would let a line break at the end pass."""
    if isinstance(text, str) and not re.fullmatch(pattern, text):
        yield ValidationError(f"{text!r} does not match {pattern!r}")
