"""The canonical structs as a mapping sees them: which fields there are, of which kind, and which may be left out."""

import types
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from canonical_model.catalog import DOCUMENTS
from canonical_model.money import Money

_NAMES = {"journal_entry": "entry"}
ENTITIES: Mapping[str, type[msgspec.Struct]] = {_NAMES.get(name, name): kind for name, kind in DOCUMENTS.items()}
"""Canonical documents by the name that mapping files use."""

Kind = Literal["text", "decimal", "integer", "boolean", "date", "money", "object", "list"]
_SCALARS: Mapping[Any, Kind] = {str: "text", Decimal: "decimal", int: "integer", bool: "boolean", date: "date"}


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a canonical struct.

    Attributes:
        kind: What it holds.
        required: Whether the struct has no default for it.
        default: The struct's default; None where there is none.
        choices: The only texts allowed; empty for free text.
        struct: The struct it holds, or holds a list of.
    """

    kind: Kind
    required: bool = True
    default: Any = None
    choices: tuple[str, ...] = ()
    struct: type[msgspec.Struct] | None = None

    @property
    def may_be_empty(self) -> bool:
        """Whether leaving the field out says that there is nothing, not some value."""
        return not self.required and self.default in (None, ())


@lru_cache(maxsize=64)
def fields_of(struct: type[msgspec.Struct]) -> Mapping[str, Shape]:
    """The fields of a struct, in its order."""
    hints = get_type_hints(struct)
    return {info.name: _shape(hints[info.name], info) for info in msgspec.structs.fields(struct)}


def entity_shape(entity: str) -> Shape:
    """A whole document as one shape."""
    return Shape(kind="object", struct=ENTITIES[entity])


def path_fault(entity: str, steps: tuple[str, ...]) -> str | None:
    """Why a path (list steps end in `[]`) does not exist in a document; None when it does."""
    shape = entity_shape(entity)
    for index, step in enumerate(steps):
        name, is_list = step.removesuffix("[]"), step.endswith("[]")
        known = fields_of(shape.struct) if shape.struct else {}
        if name not in known:
            parent = ".".join((entity, *steps[:index]))
            return f"{parent} has no field {name!r}" + (f"; it has {', '.join(known)}" if known else "")
        shape = known[name]
        is_last = index == len(steps) - 1
        if is_list != (shape.kind == "list") and not (is_last and not is_list):
            return f"{name!r} is {'' if shape.kind == 'list' else 'not '}a list"
    return None


def shape_at(entity: str, steps: tuple[str, ...]) -> Shape | None:
    """What stands at a path of a document (list steps may end in `[]`); None where the path does not exist."""
    shape: Shape | None = entity_shape(entity)
    for step in steps:
        shape = fields_of(shape.struct).get(step.removesuffix("[]")) if shape and shape.struct else None
    return shape


def _shape(hint: Any, info: msgspec.structs.FieldInfo) -> Shape:
    default = info.default_factory() if callable(info.default_factory) else info.default
    kind, choices, struct = _kind(_without_none(hint))
    return Shape(
        kind=kind,
        required=info.required,
        default=None if default is msgspec.NODEFAULT else default,
        choices=choices,
        struct=struct,
    )


def _kind(hint: Any) -> tuple[Kind, tuple[str, ...], type[msgspec.Struct] | None]:
    if hint in _SCALARS:
        return _SCALARS[hint], (), None
    if get_origin(hint) is Literal:
        return "text", get_args(hint), None
    if get_origin(hint) is tuple:
        return "list", (), get_args(hint)[0]
    if hint is Money:
        return "money", (), Money
    return "object", (), hint


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    return hint
