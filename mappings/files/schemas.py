"""Reading mapping and table files against their JSON Schemas, all errors of a file at once."""

import json
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from canonical_model.errors import MappingError
from mappings.files.yaml_source import Source, SourceError, read

SCHEMAS = Path(__file__).parent.parent / "schema"


class Fault(NamedTuple):
    """One error in a mapping file.

    Attributes:
        line: Line of the file, from 1.
        field: Field of the target, or of the header.
        message: What is wrong.
    """

    line: int
    field: str
    message: str


def refuse_file(path: Path, faults: list[Fault]) -> MappingError:
    """One exception for all faults of a file, by line."""
    ordered = sorted(set(faults))
    lines = [f"{path.parent.name}/{path.name}:{fault.line}: {fault.field}: {fault.message}" for fault in ordered]
    name = f"{path.parent.name}/{path.stem}"
    return MappingError(f"{len(lines)} error(s)\n" + "\n".join(lines), mapping=name, field=ordered[0].field)


def checked(path: Path, schema: str) -> Source:
    """A file that fits the schema `schema/<schema>.schema.json`.

    Raises:
        MappingError: The file is missing, not YAML, or breaks the schema.
    """
    try:
        source = read(path.read_text("utf-8"))
    except OSError as error:
        raise refuse_file(path, [Fault(1, "file", f"cannot be read: {error.strerror}")]) from error
    except SourceError as error:
        raise refuse_file(path, [Fault(error.line, "file", str(error))]) from error
    faults = [_fault(error, source) for error in _validator(schema).iter_errors(source.data)]
    if faults:
        raise refuse_file(path, faults)
    return source


def _fault(error: ValidationError, source: Source) -> Fault:
    place = tuple(error.absolute_path)
    message = error.message if len(error.message) <= 200 else error.message[:200] + "..."
    return Fault(source.line(place), ".".join(str(step) for step in place) or "file", message)


@lru_cache(maxsize=4)
def _validator(name: str) -> Validator:
    schema: Any = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    base = jsonschema.Draft202012Validator
    numbers = base.TYPE_CHECKER.redefine("number", lambda _, value: type(value) in (int, Decimal))
    extended: Any = jsonschema.validators.extend
    validator: Validator = extended(base, type_checker=numbers)(schema)
    return validator
