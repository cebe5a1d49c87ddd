"""Records of about 2 kB for every mapping, grown from its own fixtures: always the same for the same number, all different, all sound.

A fixture's list of lines is repeated until the record is large enough; one without lines gets fields that the mapping does not read, as
wide tables have them. Digits in identifiers, amounts and days differ from record to record.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

import mappings
from canonical_model.encoding import decode_payload, encode, encode_payload
from mappings.language.canonical import ENTITIES
from mappings.testing.fixtures import cases, read_input

SIZE = 2_000
"""Bytes of JSON that a record has at least, if its shape lets it grow."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_AMOUNT = re.compile(r"\d+\.\d\d")
_DIGITS = re.compile(r"\d{4,}")
_NUMBERED = ("line_id", "lineNumber", "LineNo", "OrderItemNumber")
_KEPT = ("rate", "percent", "version")
"""Parts of names of fields whose numbers mean something other than an amount or an identifier."""


def records(name: str, number: int) -> Iterator[Any]:
    """Records for the mapping `name`, as the hub hands them over: JSON values, numbers of canonical documents as Decimal.

    Args:
        name: Name of a mapping, for example `salesforce/account`.
        number: How many.
    """
    source, definition = grown(_sound(name)), mappings.load(name).definition
    entity = None if definition.inbound else definition.entity
    for index in range(number):
        record = decode_payload(encode_payload(_varied(source, index, "")))
        yield record if entity is None else record | {entity: _as_canonical(record[entity], entity)}


def grown(record: Any) -> Any:
    """A record with its list of lines repeated, or with more fields, until it has `SIZE` bytes."""
    lines = max(_lists(record), key=lambda each: len(encode(each)), default=None)
    pattern = [*lines] if lines else []
    for place in count(1):
        if len(encode(record)) >= SIZE:
            return record
        if lines is None:
            record[f"Other_{place:02d}__c"] = f"value {place} of a field that nobody reads"
        else:
            lines.append(_numbered(pattern[(place - 1) % len(pattern)], len(lines) + 1))
    raise AssertionError("unreachable")


def _sound(name: str) -> Any:
    """The largest fixture that gives a document."""
    sound = [record for path in cases(name) if not mappings.load(name).apply(record := read_input(path)).problems]
    return max(sound, key=lambda each: len(encode(each)))


def _lists(record: Any) -> Iterator[list[Any]]:
    """The lists of objects in a record and in its objects, not in those lists themselves."""
    for value in record.values():
        if isinstance(value, dict):
            yield from _lists(value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield value


def _numbered(line: dict[str, Any], number: int) -> dict[str, Any]:
    found = {key: line[key] for key in _NUMBERED if key in line}
    return line | {key: type(old)(f"{number:0{len(str(old))}d}") for key, old in found.items()}


def _varied(value: Any, index: int, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _varied(item, index, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_varied(item, index + place * 7_919, key) for place, item in enumerate(value)]
    if not isinstance(value, str) or key in _NUMBERED or any(part in key.lower() for part in _KEPT):
        return value
    if _AMOUNT.fullmatch(value):
        return f"{(int(value.partition('.')[0]) + index * 37 + index // 100) % 1_000_000}.{index % 100:02d}"
    if _DAY.match(value):
        return f"{value[:8]}{index % 28 + 1:02d}{value[10:]}"
    return _DIGITS.sub(lambda found: f"{index % 10 ** len(found[0]):0{len(found[0])}d}", value)


def _as_canonical(document: Any, entity: str) -> Any:
    """A canonical document as the hub gives it to a mapping."""
    return msgspec.to_builtins(msgspec.convert(document, ENTITIES[entity], strict=False), builtin_types=(Decimal,))
