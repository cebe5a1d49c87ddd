"""The types of the contract, read from `vocabulary`.

Everything else asks here: which fields a type has, in which order, in which namespace.
"""

import re
from dataclasses import dataclass

from sandbox.netsuite.vocabulary import SCHEMAS

VERSION = "2023_2"
BUILT_IN = frozenset({"string", "boolean", "double", "int", "long", "dateTime"})
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSI_TYPE = f"{{{XSI}}}type"


@dataclass(frozen=True, slots=True)
class Field:
    """An element or attribute of a type."""

    name: str
    type: str
    schema: str
    required: bool = False
    many: bool = False
    attribute: bool = False
    reference: bool = False

    @property
    def tag(self) -> str:
        """The qualified name, as lxml writes it; an attribute has no namespace."""
        return self.name if self.attribute else f"{{{namespace(self.schema)}}}{self.name}"


@dataclass(frozen=True, slots=True)
class Type:
    """A type: either complex (`fields`, `base`), a text with attributes, or a restricted text.

    `own` are the fields the type adds to its base; `fields` are all, those of the base first.
    `values` and `pattern` restrict a simple type.
    """

    name: str
    schema: str
    own: tuple[Field, ...] = ()
    fields: tuple[Field, ...] = ()
    base: str | None = None
    abstract: bool = False
    text: str | None = None
    simple: bool = False
    values: tuple[str, ...] = ()
    pattern: str | None = None


def namespace(schema: str) -> str:
    """Return the namespace of a schema such as "platform/core" or "platform/coreTypes"."""
    area, name = schema.split("/")
    stem = name.removesuffix("Types")
    return f"urn:{'types.' if stem != name else ''}{stem}_{VERSION}.{area}.webservices.netsuite.com"


def _read_field(text: str, schema: str) -> Field:
    parts = re.fullmatch(r"([@&]?)(\w+)([!*+]?)(?::(\w+))?", text)
    if parts is None:
        raise ValueError(f"{schema}: {text!r} is not a field")
    mark, name, occurs, type_name = parts.groups()
    if mark == "&":
        home, type_name = ELEMENTS[name]
        return Field(name, type_name, home, required=occurs == "!", reference=True)
    return Field(name, type_name, schema, occurs in ("!", "+"), occurs in ("*", "+"), mark == "@")


def _read_type(line: str, schema: str) -> Type:
    name, *rest = line.removeprefix("abstract ").split()
    if rest[:1] == ["="]:
        return _read_text_type(name, schema, rest[1:])
    base = rest[1] if rest[:1] == ["<"] else None
    own = tuple(_read_field(text, schema) for text in (rest[2:] if base else rest))
    fields = (TYPES[base].fields if base else ()) + own
    return Type(name, schema, own, fields, base, abstract=line.startswith("abstract "))


def _read_text_type(name: str, schema: str, words: list[str]) -> Type:
    text, *rest = words
    if rest and rest[0].startswith("@"):
        own = tuple(_read_field(word, schema) for word in rest)
        return Type(name, schema, own, own, text=text)
    pattern = rest[0].strip("/") if rest and rest[0].startswith("/") else None
    return Type(name, schema, text=text, simple=True, values=() if pattern else tuple(rest), pattern=pattern)


def _read() -> None:
    for schema, lines in SCHEMAS.items():
        for line in filter(None, lines.splitlines()):
            if line.startswith("element "):
                name, type_name = line.removeprefix("element ").split(":")
                ELEMENTS[name] = (schema, type_name)
            else:
                found = _read_type(line, schema)
                TYPES[found.name] = found


TYPES: dict[str, Type] = {}
"""Every type by its local name, which is unique across the namespaces kept here."""

ELEMENTS: dict[str, tuple[str, str]] = {}
"""Schema and type of every global element, by local name."""

_read()


def element_tag(name: str) -> str:
    """Return the qualified name of a global element, as lxml writes it."""
    return f"{{{namespace(ELEMENTS[name][0])}}}{name}"
