"""Holding mapping, overlay and table files against their JSON Schemas, all errors of a file at once."""

import json
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from canonical_model.errors import MappingError
from mappings.files.yaml_source import Mark, Source, SourceError, read

SCHEMAS = Path(__file__).parent.parent / "schema"


class Fault(NamedTuple):
    """One error in a mapping file.

    Attributes:
        mark: File and line.
        field: Field of the target, or of the header.
        message: What is wrong.
    """

    mark: Mark
    field: str
    message: str


def refusal(mapping: str, faults: Iterable[Fault]) -> MappingError:
    """One exception for all faults, by file and line."""
    ordered = sorted(set(faults))
    lines = [f"{fault.mark}: {fault.field}: {fault.message}" for fault in ordered]
    return MappingError(f"{len(lines)} error(s)\n" + "\n".join(lines), mapping=mapping, field=ordered[0].field)


def checked(text: str, file: str, schema: str) -> Source:
    """A text that fits the schema `schema/<schema>.schema.json`.

    Args:
        text: Content of the file.
        file: Its name, for messages.
        schema: `mapping`, `overlay`, `table` or `contract`.

    Raises:
        MappingError: It is not YAML, or breaks the schema; all errors in one message.
    """
    try:
        source = read(text, file)
    except SourceError as error:
        raise refusal(_name(file), [Fault(Mark(file, error.line), "file", str(error))]) from error
    faults = [_fault(error, source) for error in _validator(schema).iter_errors(source.data)]
    if faults:
        raise refusal(_name(file), faults)
    return source


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of one kind of file; overlays share the rules of mappings."""
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return schema | {"$defs": schema_of("mapping")["$defs"]} if name == "overlay" else schema


def _name(file: str) -> str:
    return file.removesuffix(".yaml")


def _fault(error: ValidationError, source: Source) -> Fault:
    place = tuple(error.absolute_path)
    message = error.message if len(error.message) <= 200 else error.message[:200] + "..."
    return Fault(source.mark(place), ".".join(str(step) for step in place) or "file", message)


@lru_cache(maxsize=8)
def _validator(name: str) -> Validator:
    base = jsonschema.Draft202012Validator
    numbers = base.TYPE_CHECKER.redefine("number", lambda _, value: type(value) in (int, Decimal))
    extended: Any = jsonschema.validators.extend
    validator: Validator = extended(base, type_checker=numbers)(schema_of(name))
    return validator
