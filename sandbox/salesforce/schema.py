"""The org's objects and fields, read from `objects.yaml` beside this module."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import yaml

NUMBER_TYPES = frozenset({"double", "currency", "percent"})
TEXT_TYPES = frozenset({"string", "textarea", "email", "phone", "picklist"})
ID_TYPES = frozenset({"id", "reference"})

_DEFAULT_FILE = Path(__file__).with_name("objects.yaml")


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"relationship": "as", "pattern": "auto"}):
    """One field of an object; the keys are explained at the top of `objects.yaml`."""

    type: str
    name: str = ""
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    required: bool = False
    external_id: bool = False
    values: tuple[str, ...] | str = ()
    open: bool = False
    default: str | bool | None = None
    to: str = ""
    relationship: str = ""
    children: str = ""
    master: bool = False
    pattern: str = ""
    read_only: bool = False

    @property
    def custom(self) -> bool:
        """Whether an administrator added the field."""
        return self.name.endswith("__c")


class ObjectType(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"name_field": "name"}, dict=True):
    """One object of the org, e.g. Contract."""

    prefix: str
    fields: dict[str, Field]
    name_field: str = "Name"
    api_name: str = ""

    @cached_property
    def _by_lower_name(self) -> dict[str, Field]:
        return {name.lower(): spec for name, spec in self.fields.items()}

    @cached_property
    def _by_relationship(self) -> dict[str, Field]:
        return {spec.relationship.lower(): spec for spec in self.fields.values() if spec.relationship}

    @cached_property
    def external_id(self) -> Field | None:
        """The object's external id field, if it has one."""
        return next((spec for spec in self.fields.values() if spec.external_id), None)

    def field(self, name: str) -> Field | None:
        """Return a field by API name; upper and lower case are the same, as in the org."""
        return self._by_lower_name.get(name.lower())

    def parent_field(self, relationship: str) -> Field | None:
        """Return the reference field behind a relationship name, e.g. `Contract__r`."""
        return self._by_relationship.get(relationship.lower())


class Schema:
    """All objects of the org, in the order of the file (parents first)."""

    def __init__(self, objects: Mapping[str, ObjectType]) -> None:
        """Keep the objects, keyed by API name."""
        self.objects: dict[str, ObjectType] = {}
        self._by_lower_name: dict[str, ObjectType] = {}
        self._by_prefix: dict[str, ObjectType] = {}
        for name, found in objects.items():
            self._keep(name, found)

    def put_field(self, name: str, spec: Field) -> bool:
        """Add a field to an object, or change one. Returns whether there is such an object."""
        return self._change(name, lambda fields: {**fields, spec.name: spec})

    def remove_field(self, name: str, field: str) -> bool:
        """Remove a field from an object. Returns whether both were there."""
        found = self.object(name)
        if found is None or field not in found.fields:
            return False
        return self._change(name, lambda fields: {key: spec for key, spec in fields.items() if key != field})

    def object(self, name: str) -> ObjectType | None:
        """Return an object by API name; upper and lower case are the same."""
        return self._by_lower_name.get(name.lower())

    def object_of_id(self, record_id: str) -> ObjectType | None:
        """Return the object a record id belongs to."""
        return self._by_prefix.get(record_id[:3])

    def children_of(self, parent: ObjectType) -> list[tuple[ObjectType, Field]]:
        """Return each object and reference field that points at `parent`."""
        return [
            (child, spec)
            for child in self.objects.values()
            for spec in child.fields.values()
            if spec.to == parent.api_name
        ]

    def child(self, parent: ObjectType, relationship: str) -> tuple[ObjectType, Field] | None:
        """Return the object and reference field behind a child relationship, e.g. `Amendments__r`."""
        wanted = relationship.lower()
        return next((pair for pair in self.children_of(parent) if pair[1].children.lower() == wanted), None)

    def _change(self, name: str, change: Callable[[Mapping[str, Field]], dict[str, Field]]) -> bool:
        found = self.object(name)
        if found is not None:
            self._keep(found.api_name, msgspec.structs.replace(found, fields=change(found.fields)))
        return found is not None

    def _keep(self, name: str, found: ObjectType) -> None:
        self.objects[name] = self._by_lower_name[name.lower()] = self._by_prefix[found.prefix] = found


def field_from(name: str, spec: Any) -> Field:
    """A field from its keys as in `objects.yaml`, values written out.

    Raises:
        msgspec.ValidationError: A key or a value is not understood.
    """
    return _field(name, msgspec.convert(spec, Field), {})


def load_schema(path: Path = _DEFAULT_FILE) -> Schema:
    """Read the org's schema.

    Raises:
        msgspec.ValidationError: A key or a value of the file is not understood.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Schema({name: _object(name, body, raw) for name, body in raw["objects"].items()})


def _object(name: str, body: dict[str, Any], raw: dict[str, Any]) -> ObjectType:
    found = msgspec.convert({**body, "fields": raw["system"] | body["fields"]}, ObjectType)
    fields = {key: _field(key, spec, raw["picklists"]) for key, spec in found.fields.items()}
    return msgspec.structs.replace(found, api_name=name, fields=fields)


def _field(name: str, spec: Field, picklists: dict[str, list[str]]) -> Field:
    values = tuple(picklists[spec.values]) if isinstance(spec.values, str) else spec.values
    return msgspec.structs.replace(spec, name=name, label=spec.label or _in_words(name), values=values)


def _in_words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("__c").replace("_", " "))
