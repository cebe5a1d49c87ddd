"""Sample records from a file: JSON (one record or a list of them), JSON lines, or CSV with a header."""

import csv
import json
from collections.abc import Iterable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

from canonical_model.errors import HubError

Record = dict[str, Any]


class SampleError(HubError):
    """A file that holds no sample records; the message says why and what to do."""


def read_samples(path: Path) -> list[Record]:
    """The records of a file, in its order; numbers with decimals are exact. A CSV's values are text, and an empty one is nothing.

    Raises:
        SampleError: The file cannot be read, or what it holds are no records.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}", "name a file that exists") from error
    except UnicodeDecodeError as error:
        raise _refused(path, f"is not UTF-8 from byte {error.start} on", "save it as UTF-8") from error
    records = _csv(path, text) if path.suffix.lower() == ".csv" else _json(path, text)
    if not records:
        raise _refused(path, "holds no record", "give at least one")
    return records


def _json(path: Path, text: str) -> list[Record]:
    try:
        value = _decoded(text)
    except json.JSONDecodeError as error:
        return _lines(path, text, error)
    except (ValueError, RecursionError) as error:
        raise _refused(
            path, f"is not JSON that can be read: {error}", "shorten what is too long or too deep"
        ) from error
    return _records(path, value if isinstance(value, list) else [value])


def _lines(path: Path, text: str, error: json.JSONDecodeError) -> list[Record]:
    """The records of JSON lines, where the text is not one JSON value."""
    lines = [line for line in text.split("\n") if line.strip()]
    try:
        return _records(path, [_decoded(line) for line in lines])
    except (ValueError, RecursionError):
        place = f"line {error.lineno}, column {error.colno}"
        raise _refused(
            path, f"is not JSON: {error.msg} in {place}", "mend it there, or put one record on each line"
        ) from error


def _csv(path: Path, text: str) -> list[Record]:
    try:
        rows = list(csv.DictReader(StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise _refused(path, f"is not CSV with commas: {error}", "save it with commas and double quotes") from error
    for number, row in enumerate(rows, start=1):
        if None in row:
            raise _refused(path, f"has more values than the header in row {number}", "quote values that hold a comma")
    return [{name: value or None for name, value in row.items()} for row in rows]


def _records(path: Path, values: Iterable[Any]) -> list[Record]:
    records = list(values)
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            problem = f"holds {type(record).__name__} as record {number}, not an object"
            raise _refused(path, problem, "give one record as an object, or a list of objects")
    return records


def _decoded(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_constant=str)


def _refused(path: Path, problem: str, step: str) -> SampleError:
    return SampleError(f"{path.name} {problem}; {step}")
