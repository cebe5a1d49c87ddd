"""Records between XML and the dictionaries that are stored.

A complex value becomes a dictionary keyed by the vendor's field names; a repeated field a list; a
double a Decimal with the digits that were sent; a boolean a bool; int and long an int; the rest text.
Where the contract names an abstract type, the key "$type" holds the type that was sent.
"""

from decimal import Decimal
from functools import cache
from typing import Any

from lxml import etree

from sandbox.netsuite.contract import TYPES, XSI_TYPE, Field, namespace

Body = dict[str, Any]

TYPE_KEY = "$type"


@cache
def _fields_by_tag(type_name: str) -> dict[str, Field]:
    return {field.tag: field for field in TYPES[type_name].fields}


@cache
def _is_complex(type_name: str) -> bool:
    return type_name in TYPES and TYPES[type_name].text is None


def type_of(node: etree._Element, declared: str) -> str:
    """Return the local name of a node's type: its xsi:type, or else the declared one."""
    given = node.get(XSI_TYPE)
    return declared if given is None else given.rpartition(":")[2]


def decode(node: etree._Element, type_name: str) -> Body:
    """Read a node of a complex type; the node has passed the schema."""
    fields = _fields_by_tag(type_name)
    body: Body = {TYPE_KEY: type_name} if node.get(XSI_TYPE) is not None else {}
    for name, text in node.attrib.items():
        if name in fields:
            body[str(name)] = _scalar(str(text), fields[name].type)
    for child in node.iterchildren(tag=etree.Element):
        field = fields[child.tag]
        value = _value(child, field.type)
        if field.many:
            body.setdefault(field.name, []).append(value)
        else:
            body[field.name] = value
    return body


def _value(node: etree._Element, type_name: str) -> Any:
    if _is_complex(type_name):
        return decode(node, type_of(node, type_name))
    return _scalar((node.text or "").strip() if type_name != "string" else node.text or "", type_name)


def _scalar(text: str, type_name: str) -> Any:
    if type_name == "double":
        return Decimal(text)
    if type_name == "boolean":
        return text in ("true", "1")
    if type_name in ("int", "long"):
        return int(text)
    return text


def encode(parent: etree._Element, tag: str, body: Body, *, type_name: str, declared: str) -> None:
    """Append an element for a complex value.

    Args:
        parent: Where to append.
        tag: Qualified name of the element.
        body: The value; keys the contract does not know are left out.
        type_name: Its type.
        declared: The type the contract names at this place; if it is another, xsi:type is written.
    """
    kind = TYPES[type_name]
    node = etree.SubElement(parent, tag, nsmap={"t": namespace(kind.schema)})
    if type_name != declared:
        node.set(XSI_TYPE, f"t:{type_name}")
    for field in kind.fields:
        if (value := body.get(field.name)) is not None:
            if field.attribute:
                node.set(field.name, _text(value))
            else:
                _append(node, field, value)


def _append(node: etree._Element, field: Field, value: Any) -> None:
    for one in value if field.many else (value,):
        if _is_complex(field.type):
            encode(node, field.tag, one, type_name=one.get(TYPE_KEY, field.type), declared=field.type)
        else:
            etree.SubElement(node, field.tag).text = _text(one)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
