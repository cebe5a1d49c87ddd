"""Records of about 2 kB for every mapping, grown from its own fixtures: always the same for the same number, all different, all sound.

A fixture's list of lines is repeated until the record is large enough; one without lines gets fields that the mapping does not read, as
wide tables have them. Digits in identifiers, amounts and days differ from record to record.
"""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

import mappings
from canonical_model.encoding import decode_payload, encode, encode_payload
from mappings.language.canonical import ENTITIES
from mappings.testing.fixtures import cases, read_input

SIZE = 2_000
"""Bytes of JSON that a record has at least."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_AMOUNT = re.compile(r"\d+\.\d\d")
_DIGITS = re.compile(r"\d{4,}")
_SPOT = re.compile("\ue000(\\d+)\ue000")
_STRIDE = 7_919  # a prime, so that the lines of one record do not come again in the next
_NUMBERED = ("line_id", "lineNumber", "LineNo", "OrderItemNumber")
_KEPT = ("rate", "percent", "version")
"""Parts of names of fields whose numbers mean something other than an amount or an identifier."""


def records(name: str, number: int) -> Iterator[Any]:
    """Records for the mapping `name`, as the hub hands them over: JSON values, numbers of canonical documents as Decimal.

    Args:
        name: Name of a mapping, for example `salesforce/account`.
        number: How many.
    """
    return map(reading(name), bodies(name, number))


def bodies(name: str, number: int) -> Iterator[str]:
    """The records as JSON; what `reading` gives for one is new each time, down to its texts."""
    spots: list[tuple[str, int]] = []
    marked = encode_payload(_marked(grown(_sound(name)), 0, "", spots))
    constant, numbers = _SPOT.split(marked)[::2], _SPOT.findall(marked)
    for index in range(number):
        texts = [_varied(*spots[int(spot)], index) for spot in numbers]
        yield constant[0] + "".join(map("".join, zip(texts, constant[1:], strict=True)))


def reading(name: str) -> Callable[[str], Any]:
    """How the hub reads a record for a mapping."""
    definition = mappings.load(name).definition
    if definition.inbound:
        return decode_payload
    entity, struct = definition.entity, ENTITIES[definition.entity]

    def read(body: str) -> Any:
        record = decode_payload(body)
        document = msgspec.convert(record[entity], struct, strict=False)
        return record | {entity: msgspec.to_builtins(document, builtin_types=(Decimal,))}

    return read


def grown(record: Any) -> Any:
    """A record with its list of lines repeated, or with more fields, until it has `SIZE` bytes."""
    lines = max(_lists(record), key=lambda each: len(encode(each)), default=None)
    pattern = [*lines] if lines else []
    for place in count(1):
        if len(encode(record)) >= SIZE:
            break
        if lines is None:
            record[f"Other_{place:02d}__c"] = f"value {place} of a field that nobody reads"
        else:
            lines.append(_numbered(pattern[(place - 1) % len(pattern)], len(lines) + 1))
    return record


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


def _marked(value: Any, shift: int, key: str, spots: list[tuple[str, int]]) -> Any:
    """A value with a mark in place of each text that is going to vary; the texts go to `spots`, each with its shift."""
    if isinstance(value, dict):
        return {name: _marked(item, shift, name, spots) for name, item in value.items()}
    if isinstance(value, list):
        return [_marked(item, shift + place * _STRIDE, key, spots) for place, item in enumerate(value)]
    is_fixed = not isinstance(value, str) or key in _NUMBERED or any(part in key.lower() for part in _KEPT)
    if is_fixed or not (_AMOUNT.fullmatch(value) or _DAY.match(value) or _DIGITS.search(value)):
        return value
    spots.append((json.dumps(value, ensure_ascii=False)[1:-1], shift))
    return f"\ue000{len(spots) - 1}\ue000"


def _varied(value: str, shift: int, index: int) -> str:
    """A text, as it stands in JSON, with other digits."""
    index += shift
    if _AMOUNT.fullmatch(value):
        return f"{(int(value.partition('.')[0]) + index * 37 + index // 100) % 1_000_000}.{index % 100:02d}"
    if _DAY.match(value):
        return f"{value[:8]}{index % 28 + 1:02d}{value[10:]}"
    return _DIGITS.sub(lambda found: f"{index % 10 ** len(found[0]):0{len(found[0])}d}", value)
