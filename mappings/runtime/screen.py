"""Holding records against a contract, fast: a record that keeps it costs one look-up and one type test for each of its fields."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from mappings.files.contracts import NOTHING, Contract, Kind
from mappings.runtime.records import shown

NUMERAL = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
"""A number as it is landed."""

_CLASSES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float, Decimal),
    "decimal": (int, float, Decimal, str),
    "boolean": (bool,),
    "object": (dict,),
    "list": (list, tuple),
    "null": (type(None),),
    "any": (str, int, float, Decimal, bool, dict, list, tuple, type(None)),
}
_NAMES: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    Decimal: "number",
    str: "text",
    dict: "object",
    list: "list",
    tuple: "list",
    type(None): "null",
}
_NEW: frozenset[type] = frozenset()


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One promise that a record breaks.

    Attributes:
        kind: How.
        path: Which field, items as `[]`.
        found: The type that was found, or `nothing`.
        expected: The types promised; `nothing` for a new field.
        sample: The offending value as text.
    """

    kind: Kind
    path: str
    found: str
    expected: str
    sample: str


class Screen:
    """A contract ready for use; safe to share between threads.

    Args:
        contract: What is promised.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._record = _shape(contract, "")

    def drifts(self, record: Mapping[str, Any]) -> list[Drift]:
        """Every promise that a record breaks, each once with the first value that does so; empty where it keeps the contract.

        Args:
            record: Plain JSON values as they were landed.
        """
        if _keeps(self._record, record):
            return []
        found: dict[tuple[Kind, str, str], Drift] = {}
        for each in _drifts(self._record, record, ""):
            found.setdefault((each.kind, each.path, each.found), each)
        return list(found.values())


class _Field(msgspec.Struct, frozen=True):
    """One field of an object, or the items of a list."""

    path: str
    classes: frozenset[type]
    numeral: bool  # whether text must be that of a number
    optional: bool
    in_words: str
    inside: "_Object | None"
    items: "_Field | None"

    def takes(self, value: Any) -> bool:
        """Whether the value itself has a type that is promised."""
        if type(value) not in self.classes:
            return False
        return not (self.numeral and type(value) is str and not NUMERAL.fullmatch(value))


class _Object(msgspec.Struct, frozen=True):
    """An object's fields, and what of them needs more than a test of the type."""

    fields: Mapping[str, _Field]
    classes: Mapping[str, frozenset[type]]
    required: frozenset[str]
    closer: tuple[tuple[str, _Field], ...]


def type_of(value: Any) -> str:
    """The name of a value's JSON type."""
    return _NAMES.get(type(value), "text")


def _shape(contract: Contract, path: str) -> _Object:
    before = f"{path}." if path else ""
    names = [each.removeprefix(before) for each in contract.fields if each.startswith(before)]
    fields = {name: _field(contract, before + name) for name in names if "." not in name and not name.endswith("[]")}
    return _Object(
        fields=fields,
        classes={name: field.classes for name, field in fields.items()},
        required=frozenset(name for name, field in fields.items() if not field.optional),
        closer=tuple((name, each) for name, each in fields.items() if each.numeral or each.inside or each.items),
    )


def _field(contract: Contract, path: str) -> _Field:
    promised, items = contract.fields[path], f"{path}[]"
    return _Field(
        path=path,
        classes=frozenset(each for name in promised.types for each in _CLASSES[name]),
        numeral="decimal" in promised.types and not {"text", "any"} & {*promised.types},
        optional=promised.optional,
        in_words=promised.in_words,
        inside=_shape(contract, path) if any(each.startswith(f"{path}.") for each in contract.fields) else None,
        items=_field(contract, items) if items in contract.fields else None,
    )


def _keeps(promised: _Object, record: Mapping[str, Any]) -> bool:
    classes = promised.classes
    for name, value in record.items():
        if type(value) not in classes.get(name, _NEW):
            return False
    if len(record) != len(classes) and not promised.required <= record.keys():
        return False
    return all(_keeps_inside(field, record.get(name)) for name, field in promised.closer)


def _keeps_inside(field: _Field, value: Any) -> bool:
    if value is None:
        return True
    if field.numeral:
        return field.takes(value)
    if field.inside is not None and type(value) is dict:
        return _keeps(field.inside, value)
    if field.items is not None and isinstance(value, list | tuple):
        return all(_keeps_item(field.items, item) for item in value)
    return True


def _keeps_item(items: _Field, item: Any) -> bool:
    return type(item) in items.classes and _keeps_inside(items, item)


def _drifts(promised: _Object, record: Mapping[str, Any], path: str) -> Iterator[Drift]:
    before = f"{path}." if path else ""
    for name, value in record.items():
        if name in promised.fields:
            yield from _drifts_of(promised.fields[name], value)
        else:
            yield _new(before + name, value)
    for name in sorted(promised.required - record.keys()):
        field = promised.fields[name]
        yield Drift(kind="missing_field", path=field.path, found=NOTHING, expected=field.in_words, sample=NOTHING)


def _drifts_of(field: _Field, value: Any) -> Iterator[Drift]:
    if not field.takes(value):
        found = type_of(value)
        yield Drift(kind="changed_type", path=field.path, found=found, expected=field.in_words, sample=_as_text(value))
    elif field.inside is not None and type(value) is dict:
        yield from _drifts(field.inside, value, field.path)
    elif field.items is not None and isinstance(value, list | tuple):
        for item in value:
            yield from _drifts_of(field.items, item)


def _new(path: str, value: Any) -> Drift:
    return Drift(kind="new_field", path=path, found=type_of(value), expected=NOTHING, sample=_as_text(value))


def _as_text(value: Any) -> str:
    """As people see it: `true`, not `True`."""
    return str(value).lower() if type(value) is bool else shown(value)
