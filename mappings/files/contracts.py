"""Drift contracts: what a source promises of its records, field by field, and what is done when it breaks the promise."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from mappings.files.faults import Fault, refusal
from mappings.files.schemas import checked
from mappings.files.yaml_source import Mark, Source

Kind = Literal["new_field", "missing_field", "changed_type"]
Policy = Literal["allow", "quarantine", "refuse"]

TYPES = ("text", "integer", "number", "decimal", "boolean", "object", "list", "null", "any")
"""Types a contract may state; `decimal` is a number or the text of one, because numbers with a point are landed as text."""

NOTHING = "nothing"
"""What is found of a missing field."""

SOMETHING = "something"
"""What is found of a new field, whatever its type, so that it is one cause."""

_WIDER = {"number": ("integer",), "decimal": ("integer", "number")}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised of one field.

    Attributes:
        types: Types it may have, as written.
        optional: Whether it may be missing.
        new: Policy for new fields inside it; None for that of the contract.
        missing: Policy where it is missing.
        changed: Policy where it has another type.
    """

    types: tuple[str, ...]
    optional: bool = False
    new: Policy | None = None
    missing: Policy | None = None
    changed: Policy | None = None

    def takes(self, type_name: str) -> bool:
        """Whether a value of this type keeps the promise."""
        return bool({type_name, "any"} & {*self.types}) or any(type_name in _WIDER.get(each, ()) for each in self.types)

    @property
    def in_words(self) -> str:
        """`decimal or null`."""
        return " or ".join(self.types)


ANYTHING = Field(types=("any",), optional=True)
"""A field that nobody reads."""


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """A whole contract.

    Attributes:
        name: Name of the mapping whose records it is about.
        version: Raised with every change of a promise.
        schema: The source's name of the schema.
        schema_version: Its version.
        owner: Team that decides about drift.
        on: Policy by kind of drift.
        mark: File and line of the schema's name.
        fields: By path, for example `OrderItems[].Quantity`; all that are not listed are new.
    """

    name: str
    version: int
    schema: str
    schema_version: str
    owner: str
    on: Mapping[Kind, Policy]
    mark: Mark
    fields: Mapping[str, Field]

    def policy(self, kind: Kind, path: str) -> Policy:
        """What becomes of a record with this drift: the field's own policy, or the contract's; a new field asks the one that it stands in."""
        if kind == "new_field":
            around = self.fields.get(parent_of(path))
            own = around.new if around else None
        else:
            field = self.fields.get(path)
            own = (field.missing if kind == "missing_field" else field.changed) if field else None
        return own or self.on[kind]

    def is_broken_by(self, kind: Kind, path: str, found: str) -> bool:
        """Whether this is drift: `found` is the type that was found at `path`, or NOTHING."""
        field = self.fields.get(path)
        if kind == "new_field":
            return not self.covers(path)
        if field is None:
            return False
        return not (field.optional if kind == "missing_field" else field.takes(found))

    def covers(self, path: str) -> bool:
        """Whether a path is listed, or stands inside one of which nothing inside is listed."""
        if path in self.fields:
            return True
        around = parent_of(path)
        while around and around not in self.fields:
            around = parent_of(around)
        return bool(around) and self.is_opaque(around)

    def is_opaque(self, path: str) -> bool:
        """Whether a listed field may hold anything, because nothing inside it is listed."""
        return not any(each.startswith((f"{path}.", f"{path}[]")) for each in self.fields)


def parent_of(path: str) -> str:
    """The path that another stands in: `OrderItems[]` for `OrderItems[].Quantity`, `OrderItems` for that; empty for the record."""
    return path[:-2] if path.endswith("[]") else path.rpartition(".")[0]


def read_contract(name: str, text: str) -> Contract:
    """Read and check one contract.

    Args:
        name: `system/entity`; the place it was found in.
        text: Content of its file.

    Raises:
        MappingError: It breaks the schema or contradicts itself; all errors in one message, with file, line and field.
    """
    system, _, entity = name.partition("/")
    source = checked(text, f"{system}/contracts/{entity}.yaml", "contract")
    faults = [*_header_faults(name, source), *_field_faults(source)]
    if faults:
        raise refusal(name, faults)
    data = source.data
    return Contract(
        name=name,
        version=data["version"],
        schema=data["schema"]["name"],
        schema_version=data["schema"]["version"],
        owner=data["owner"],
        on=data["on"],
        mark=source.mark(("schema",)),
        fields=_fields(data),
    )


def _unread(data: Mapping[str, Any]) -> Iterator[str]:
    """Paths of the fields that nobody reads."""
    for around, names in data.get("unread", {}).items():
        yield from (name if around == "$" else f"{around}.{name}" for name in names)


def _fields(data: Mapping[str, Any]) -> dict[str, Field]:
    """By path; items of which a field is listed are objects, whether that is written or not."""
    fields = {path: _field(value) for path, value in data["fields"].items()}
    fields |= {path: ANYTHING for path in _unread(data) if path not in fields}
    around = dict.fromkeys(parent_of(path) for path in fields)
    return fields | {path: Field(types=("object",)) for path in around if path.endswith("[]") and path not in fields}


def _field(value: Any) -> Field:
    data = value if isinstance(value, dict) else {"type": value}
    given = data["type"] if isinstance(data["type"], list) else [data["type"]]
    own = {name: data[name] for name in ("optional", "new", "missing", "changed") if name in data}
    return Field(types=tuple("null" if each is None else each for each in given), **own)


def _header_faults(name: str, source: Source) -> Iterator[Fault]:
    if source.data["contract"] != name:
        message = f"the file calls itself {source.data['contract']!r}; name and place must agree"
        yield Fault(source.mark(("contract",)), "contract", message)


def _field_faults(source: Source) -> Iterator[Fault]:
    fields = _fields(source.data)
    for path, field in fields.items():
        if message := _fault(path, field, fields):
            yield Fault(_mark(source, path), path, message)
    for path in _unread(source.data):
        if path in source.data["fields"]:
            message = "is listed under fields and under unread; say one of both"
            yield Fault(source.mark(("fields", path)), path, message)


def _mark(source: Source, path: str) -> Mark:
    """Where a field is listed, or the first one inside it where it goes without saying."""
    listed = (each for each in source.data["fields"] if each == path or each.startswith(f"{path}."))
    return source.mark(next((("fields", each) for each in listed), ("unread", parent_of(path))))


def _fault(path: str, field: Field, fields: Mapping[str, Field]) -> str | None:
    if field.optional and field.missing:
        return "may be missing (optional), so it has no policy for that; say one of both"
    if field.new and not field.takes("object"):
        return f"is {field.in_words}, so nothing new can be inside it; say `new` of an object only"
    around, needed = parent_of(path), "list" if path.endswith("[]") else "object"
    if not around:
        return None
    if around not in fields:
        return f"stands in {around}, which is not listed; list it as {needed}"
    if not fields[around].takes(needed):
        return f"stands in {around}, which is {fields[around].in_words}; that must be {needed}"
    return None
