"""The reference of the language, generated from its schemas and transforms: `python -m mappings.reference [--check]`.

It writes `docs/mapping-reference.md` for people and `docs/schema/*.schema.json` for editors. The schemas for editors know more than those that
files are held against: the transforms with their arguments, and the fields of the canonical documents.
"""

import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from mappings.files.schemas import SCHEMAS, schema_of
from mappings.language.canonical import ENTITIES, Shape, fields_of
from mappings.runtime.records import FieldProblem, FieldTrace
from mappings.runtime.refiners import ROUNDINGS
from mappings.runtime.transforms import TRANSFORMS, Argument, Transform

DOCS = Path(__file__).parent.parent / "docs"
_ATTRIBUTE, _CONTINUATION = re.compile(r"    (\w+): (.+)"), re.compile(r"\n {8,}")

ARGUMENTS: Mapping[Argument, tuple[str, Mapping[str, Any]]] = {
    "none": ("", {}),
    "path": ("path", {"$ref": "#/$defs/path"}),
    "condition": ("condition", {"$ref": "#/$defs/condition"}),
    "length": ("number", {"type": "integer", "minimum": 1}),
    "pattern": ("text with `{}`", {"type": "string"}),
    "field": ("field", {"$ref": "#/$defs/name"}),
    "table": ("table", {"$ref": "#/$defs/name"}),
    "rounding": (" or ".join(f"`{name}`" for name in ROUNDINGS), {"enum": list(ROUNDINGS)}),
    "currency": (
        "`currency: path` or `code: USD`",
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {
                "currency": {"$ref": "#/$defs/path", "description": "Path to the ISO 4217 code."},
                "code": {"type": "string", "description": "ISO 4217 code of all amounts here."},
            },
        },
    ),
}
"""How the argument of a transform is written, for people and as a schema."""


def generate() -> dict[str, str]:
    """All generated files by their path below `docs/`."""
    kinds = sorted(path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.schema.json"))
    schemas = {f"schema/{kind}.schema.json": _published(kind) for kind in kinds}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()} | {
        "mapping-reference.md": "\n".join(_page(kinds))
    }


def main(arguments: Sequence[str], *, folder: Path = DOCS) -> int:
    """Write the files, or with `--check` name those that are not as generated (exit 1 when there are some)."""
    files = generate()
    stale = [name for name, text in files.items() if not _is(folder / name, text)]
    if "--check" not in arguments:
        (folder / "schema").mkdir(exist_ok=True)
        for name in stale:
            (folder / name).write_text(files[name], encoding="utf-8")
        return 0
    for name in stale:
        sys.stderr.write(f"{folder.name}/{name} is not up to date: run make generate\n")
    return 1 if stale else 0


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _published(kind: str) -> dict[str, Any]:
    """The schema for editors, in draft 7: the YAML language server knows JSON Schema "7 and below" (its README, version 1.19)."""
    schema: dict[str, Any] = _in_draft_07(schema_of(kind)) | {"$schema": "http://json-schema.org/draft-07/schema#"}
    if "use" not in schema.get("$defs", {}):
        return schema
    schema["$defs"]["use"] = {"description": schema["$defs"]["use"]["description"], "oneOf": list(_uses())}
    use = {"$ref": "#/$defs/use"}
    words = schema["$defs"]["transform"]["description"]
    schema["$defs"]["transform"] = {
        "description": words,
        "oneOf": [use, {"type": "array", "minItems": 1, "items": use}],
    }
    return _with_documents(schema) if kind == "mapping" else schema


def _in_draft_07(schema: Any) -> Any:
    """The same in the words of draft 7, of which `dependentRequired` is the only one that differs here."""
    if isinstance(schema, list):
        return [_in_draft_07(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {"dependencies" if key == "dependentRequired" else key: _in_draft_07(each) for key, each in schema.items()}


def _uses() -> Iterator[dict[str, Any]]:
    for name, transform in TRANSFORMS.items():
        text = {"description": _sentence(transform)}
        if transform.argument == "none":
            yield {"const": name, **text}
        else:
            yield {
                "type": "object",
                "required": [name],
                "additionalProperties": False,
                "properties": {name: {**ARGUMENTS[transform.argument][1], **text}},
                **text,
            }


def _with_documents(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of mappings, which canonical documents there are, and of each the fields that an inbound mapping sets."""
    for branch, side in ((schema["then"], "target"), (schema["else"]["then"], "source")):
        branch["properties"][side]["properties"]["entity"] = {
            "enum": list(ENTITIES),
            "description": "Canonical document.",
        }
    for struct in dict.fromkeys(each for entity in ENTITIES.values() for each in _structs(entity)):
        schema["$defs"][struct.__name__] = _fields_of(struct)
    return schema | {"allOf": [_document(entity) for entity in ENTITIES]}


def _document(entity: str) -> dict[str, Any]:
    is_inbound = {"direction": {"const": "inbound"}, "target": {"properties": {"entity": {"const": entity}}}}
    return {
        "if": {"required": ["direction", "target"], "properties": is_inbound},
        "then": {"properties": {"fields": {"$ref": f"#/$defs/{ENTITIES[entity].__name__}"}}},
    }


def _structs(struct: type[Struct]) -> Iterator[type[Struct]]:
    """A struct, then those inside it."""
    yield struct
    for shape in fields_of(struct).values():
        if shape.struct:
            yield from _structs(shape.struct)


def _fields_of(struct: type[Struct]) -> dict[str, Any]:
    """A rule for each field of a struct: none may be missing, and there are no others."""
    shapes, texts = fields_of(struct), _attributes(struct)
    rules = {name: _rule_of(shape) | {"description": texts.get(name, "")} for name, shape in shapes.items()}
    return {"type": "object", "required": list(rules), "additionalProperties": False, "properties": rules}


def _rule_of(shape: Shape) -> dict[str, Any]:
    rule = {"$ref": "#/$defs/rule"}
    if not shape.struct:
        return rule
    return {"allOf": [rule, {"properties": {"fields": {"$ref": f"#/$defs/{shape.struct.__name__}"}}}]}


_HEAD = """# Mapping language: reference

Generated from `mappings/schema/` and the transforms (`make generate`). How to work with it is told in the [guide](mapping-guide.md).
"""


def _page(kinds: Sequence[str]) -> Iterator[str]:
    yield _HEAD
    for kind in ("mapping", *(kind for kind in kinds if kind != "mapping")):
        schema = schema_of(kind)
        yield from (f"## {schema['title']} file\n", f"{schema['description']}\n")
        yield from _properties(schema)
        if kind == "mapping":
            yield from _language(schema["$defs"])
    yield "## Problems\n\nA record that cannot be mapped has one or more of these, and no document.\n"
    yield from _table(("field", "meaning"), _attributes(FieldProblem).items())
    yield "## Traces\n\n`explain` gives one for each field.\n"
    yield from _table(("field", "meaning"), _attributes(FieldTrace).items())


def _language(definitions: Mapping[str, Any]) -> Iterator[str]:
    rule = definitions["rule"]
    yield f"## Rules\n\n{rule['description']}\n"
    yield from _table(
        ("key", "meaning"), ((f"`{name}`", each["description"]) for name, each in rule["properties"].items())
    )
    for name in ("lookup", "condition", "ignore", "refuse", "operands", "path"):
        yield f"### {name}\n\n{definitions[name]['description']}\n"
        if "properties" in definitions[name]:
            yield from _properties(definitions[name])
    yield f"## Transforms\n\n{definitions['transform']['description']} {definitions['use']['description']}\n"
    yield from _table(("name", "argument", "takes and gives", "meaning"), map(_transform, TRANSFORMS))


def _properties(schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    rows = (
        (f"`{name}`", "yes" if name in required else "", _meaning(each)) for name, each in schema["properties"].items()
    )
    yield from _table(("key", "needed", "meaning"), rows)


def _meaning(each: Mapping[str, Any]) -> str:
    inner = each.get("properties", {})
    parts = "; ".join(f"`{name}`: {part.get('description', '').rstrip('.')}" for name, part in inner.items())
    return f"{each.get('description', '')} {parts}".strip()


def _transform(name: str) -> tuple[str, ...]:
    transform = TRANSFORMS[name]
    gives = ", ".join(f"{_kind(taken)} to {given}" for taken, given in transform.gives.items())
    return f"`{name}`", ARGUMENTS[transform.argument][0], gives, _sentence(transform)


def _kind(name: str) -> str:
    return "raw value" if name == "json" else name


def _sentence(transform: Transform) -> str:
    return " ".join(inspect.cleandoc(transform.function.__doc__ or "").split("\n\n")[0].split())


def _attributes(struct: type) -> dict[str, str]:
    """What the docstring says of each field."""
    doc = inspect.cleandoc(struct.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    return dict(_ATTRIBUTE.findall(_CONTINUATION.sub(" ", doc)))


def _table(head: Sequence[str], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
