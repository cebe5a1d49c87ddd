"""JSON Schemas (2020-12) of every canonical document, generated from the types and their docstrings into `schemas/`.

`python -m canonical_model.schemas` writes the files; with `--check` it only compares, and exits with 1 and the names of those that are not
as generated.
"""

import argparse
import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from canonical_model.catalog import DOCUMENTS

FOLDER = Path(__file__).parent / "schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
_FIELD, _CONTINUATION = re.compile(r"    (\w+): (.+)"), re.compile(r"\n {8,}")


def generate() -> dict[str, bytes]:
    """The schema of every document by its file name, for example `invoice.json`; always the same bytes for the same types."""
    return {f"{name}.json": _schema_file(name, kind) for name, kind in sorted(DOCUMENTS.items())}


def stale(folder: Path = FOLDER) -> list[str]:
    """Names of the files in `folder` that are missing, not as generated, or of no document, sorted."""
    generated = generate()
    found = {file.name: file.read_bytes() for file in folder.glob("*.json")}
    return sorted(name for name in generated.keys() | found.keys() if generated.get(name) != found.get(name))


def write(folder: Path = FOLDER) -> None:
    """Write all schemas, and remove the files of documents that are no more."""
    folder.mkdir(exist_ok=True)
    generated = generate()
    for name, body in generated.items():
        (folder / name).write_bytes(body)
    for name in stale(folder):
        (folder / name).unlink()


def main(arguments: Sequence[str] | None = None, *, folder: Path = FOLDER) -> None:
    """Write or check the files.

    Raises:
        SystemExit: With 1 when files are stale, with 2 for an unknown argument.
    """
    parser = argparse.ArgumentParser(prog="python -m canonical_model.schemas", description="JSON Schemas of documents.")
    parser.add_argument("--check", action="store_true", help="only compare, and exit with 1 when files are stale")
    if not parser.parse_args(arguments).check:
        write(folder)
    elif names := stale(folder):
        lines = "\n".join(f"  canonical_model/schemas/{name}" for name in names)
        raise SystemExit(f"stale schemas; run `python -m canonical_model.schemas`:\n{lines}")


def _schema_file(name: str, kind: type[msgspec.Struct]) -> bytes:
    schema = msgspec.json.schema(kind)
    structs = {struct.__name__: struct for struct in _structs_of(msgspec.inspect.type_info(kind))}
    definitions = {key: _described(schema["$defs"][key], structs[key]) for key in sorted(schema["$defs"])}
    body = {"$schema": _DIALECT, "$id": f"urn:billing-hub:{name}", "$ref": schema["$ref"], "$defs": definitions}
    return (json.dumps(_with_decimals(body), indent=2, ensure_ascii=False) + "\n").encode()


def _structs_of(info: Any) -> Iterator[type[msgspec.Struct]]:
    """A struct and all structs that its fields hold."""
    if isinstance(info, msgspec.inspect.StructType):
        yield info.cls
        for field in info.fields:
            yield from _structs_of(field.type)
    elif isinstance(info, msgspec.inspect.UnionType):
        for part in info.types:
            yield from _structs_of(part)
    elif isinstance(info, msgspec.inspect.VarTupleType):
        yield from _structs_of(info.item_type)


def _described(definition: Mapping[str, Any], struct: type[msgspec.Struct]) -> dict[str, Any]:
    """A definition with each sentence of the docstring at the field it is about."""
    doc = inspect.cleandoc(struct.__doc__ or "")
    attributes = doc.partition("Attributes:\n")[2].partition("\n\n")[0]
    texts = dict(_FIELD.findall(_CONTINUATION.sub(" ", attributes)))
    properties = {
        name: {**shape, "description": texts[name]} if name in texts else shape
        for name, shape in definition["properties"].items()
    }
    return {**definition, "description": doc.partition("\n\nAttributes:")[0], "properties": properties}


def _with_decimals(value: Any) -> Any:
    """Say of decimals how they are written: the `format` that msgspec gives them is no standard one."""
    if isinstance(value, list):
        return [_with_decimals(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("format") == "decimal":
        value = {**value, "pattern": _DECIMAL}
    return {key: _with_decimals(item) for key, item in value.items()}


if __name__ == "__main__":
    main()
