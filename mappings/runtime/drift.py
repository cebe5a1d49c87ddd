"""What a record has that its contract does not promise, found field by field; `mappings.compiler.keeping` says quickly when there is nothing."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from mappings.files.contracts import NOTHING, SOMETHING, Contract, Field, Kind
from mappings.runtime.records import shown

NUMERAL = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
"""A number as it is landed."""

CLASSES: Mapping[str, tuple[type, ...]] = {
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


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One promise that a record breaks.

    Attributes:
        kind: How.
        path: Which field, items as `[]`.
        found: The type that was found; `nothing` of a missing, `something` of a new field.
        expected: The types promised; `nothing` for a new field.
        sample: The offending value as text.
    """

    kind: Kind
    path: str
    found: str
    expected: str
    sample: str


def shape(contract: Contract) -> "Shape":
    """A contract as a tree, for `drifts`."""
    return _shape(contract, "")


def drifts(promised: "Shape", record: Mapping[str, Any]) -> list[Drift]:
    """Every promise that a record breaks, each once with the first value that does so."""
    found: dict[tuple[Kind, str, str], Drift] = {}
    for each in _drifts(promised, record, ""):
        found.setdefault((each.kind, each.path, each.found), each)
    return list(found.values())


class _Field(msgspec.Struct, frozen=True):
    """One field of an object, or the items of a list."""

    path: str
    classes: frozenset[type]
    numeral: bool  # whether text must be that of a number
    optional: bool
    in_words: str
    inside: "Shape | None"
    items: "_Field | None"

    def takes(self, value: Any) -> bool:
        """Whether the value itself has a type that is promised."""
        if type(value) not in self.classes:
            return False
        return not (self.numeral and type(value) is str and not NUMERAL.fullmatch(value))


class Shape(msgspec.Struct, frozen=True):
    """The fields of an object.

    Attributes:
        fields: By name.
        required: Names of those that may not be missing.
    """

    fields: Mapping[str, _Field]
    required: frozenset[str]


def type_of(value: Any) -> str:
    """The name of a value's JSON type."""
    return _NAMES.get(type(value), "text")


def is_numeral(promised: Field) -> bool:
    """Whether text there must be that of a number."""
    return "decimal" in promised.types and not {"text", "any"} & {*promised.types}


def _shape(contract: Contract, path: str) -> Shape:
    before = f"{path}." if path else ""
    names = [each.removeprefix(before) for each in contract.fields if each.startswith(before)]
    fields = {name: _field(contract, before + name) for name in names if "." not in name and not name.endswith("[]")}
    return Shape(
        fields=fields,
        required=frozenset(name for name, field in fields.items() if not field.optional),
    )


def _field(contract: Contract, path: str) -> _Field:
    promised, items = contract.fields[path], f"{path}[]"
    return _Field(
        path=path,
        classes=frozenset(each for name in promised.types for each in CLASSES[name]),
        numeral=is_numeral(promised),
        optional=promised.optional,
        in_words=promised.in_words,
        inside=_shape(contract, path) if any(each.startswith(f"{path}.") for each in contract.fields) else None,
        items=_field(contract, items) if items in contract.fields else None,
    )


def _drifts(promised: Shape, record: Mapping[str, Any], path: str) -> Iterator[Drift]:
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
    return Drift(kind="new_field", path=path, found=SOMETHING, expected=NOTHING, sample=_as_text(value))


def _as_text(value: Any) -> str:
    """As people see it: `true`, not `True`."""
    return str(value).lower() if type(value) is bool else shown(value)
