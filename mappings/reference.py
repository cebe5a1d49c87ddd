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

from mappings.files.schemas import SCHEMAS, schema_of
from mappings.language.canonical import ENTITIES, fields_of
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
            "properties": {"currency": {"$ref": "#/$defs/path"}, "code": {"type": "string"}},
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
    """The schema for editors."""
    schema = schema_of(kind)
    if "use" not in schema.get("$defs", {}):
        return schema
    schema["$defs"]["use"] = {"description": schema["$defs"]["use"]["description"], "oneOf": list(_uses())}
    use = {"$ref": "#/$defs/use"}
    words = schema["$defs"]["transform"]["description"]
    schema["$defs"]["transform"] = {
        "description": words,
        "oneOf": [use, {"type": "array", "minItems": 1, "items": use}],
    }
    return schema | {"allOf": [_fields_of(entity) for entity in ENTITIES]} if kind == "mapping" else schema


def _uses() -> Iterator[dict[str, Any]]:
    for name, transform in TRANSFORMS.items():
        text = {"description": _sentence(transform)}
        if transform.argument == "none":
            yield {"const": name, **text}
        else:
            argument = dict(ARGUMENTS[transform.argument][1])
            yield {
                "type": "object",
                "required": [name],
                "additionalProperties": False,
                "properties": {name: argument},
                **text,
            }


def _fields_of(entity: str) -> dict[str, Any]:
    """What an inbound mapping to a canonical document sets."""
    texts = _attributes(ENTITIES[entity])
    fields = {
        name: {"$ref": "#/$defs/rule", "description": texts.get(name, "")} for name in fields_of(ENTITIES[entity])
    }
    is_inbound = {"direction": {"const": "inbound"}, "target": {"properties": {"entity": {"const": entity}}}}
    return {
        "if": {"required": ["direction", "target"], "properties": is_inbound},
        "then": {"properties": {"fields": {"properties": fields, "additionalProperties": False}}},
    }


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
