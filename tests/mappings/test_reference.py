"""What is generated from the schemas and transforms: up to date, and of use to an editor."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mappings import reference
from mappings.catalogue import ROOT
from mappings.files.yaml_source import read
from mappings.language.canonical import ENTITIES
from mappings.runtime.transforms import TRANSFORMS

SYSTEMS = [folder for folder in ROOT.iterdir() if folder.is_dir() and not (folder / "__init__.py").exists()]
FILES = sorted(path for folder in SYSTEMS for path in folder.rglob("*.yaml"))


def published(kind: str) -> Any:
    """The schema for editors as a validator that takes exact decimals for numbers."""
    schema = json.loads((reference.DOCS / "schema" / f"{kind}.schema.json").read_text("utf-8"))
    base = jsonschema.Draft7Validator
    base.check_schema(schema)
    checker = base.TYPE_CHECKER.redefine("number", lambda _, value: type(value) in (int, Decimal))
    return jsonschema.validators.extend(base, type_checker=checker)(schema)


def test_the_generated_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_or_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main([], folder=tmp_path) == 0
    (tmp_path / "schema" / "table.schema.json").write_text("{}")
    (tmp_path / "mapping-reference.md").unlink()
    assert reference.main(["--check"], folder=tmp_path) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0].split("/", 1)[1] for line in lines] == ["schema/table.schema.json", "mapping-reference.md"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_names_its_schema_and_fits_it(path: Path) -> None:
    text = path.read_text("utf-8")
    word, _, place = text.splitlines()[0].partition("$schema=")
    assert word == "# yaml-language-server: "
    schema = (path.parent / place).resolve()
    assert schema.parent == reference.DOCS / "schema"
    assert list(published(schema.name.removesuffix(".schema.json")).iter_errors(read(text).data)) == []


def test_an_editor_learns_of_misspelt_transforms_and_fields() -> None:
    text = (ROOT / "salesforce" / "account.yaml").read_text("utf-8")
    check = published("mapping")
    for right, wrong in (
        ("transform: text}", "transform: txt}"),
        ("  tax_id:", "  tax_idd:"),
        ("      country:", "      county:"),
        ("default: 30", "defalt: 30"),
        (", reason: house terms apply where none were agreed", ""),
        ("entity: customer}", "entity: custumer}"),
        ("direction: inbound", "direction: outbound"),
    ):
        assert right in text
        assert list(check.iter_errors(read(text.replace(right, wrong)).data)), wrong


def test_the_page_tells_of_every_transform_and_kind_of_file() -> None:
    page = reference.generate()["mapping-reference.md"]
    assert all(f"| `{name}` |" in page for name in TRANSFORMS)
    assert "## Overlay file" in page


def test_every_canonical_document_is_known_with_all_that_is_in_it() -> None:
    schema = published("mapping").schema
    documents = {branch["then"]["properties"]["fields"]["$ref"].rpartition("/")[2] for branch in schema["allOf"]}
    assert documents == {struct.__name__ for struct in ENTITIES.values()}
    assert schema["$defs"]["Customer"]["properties"]["address"]["allOf"][1]["properties"]["fields"] == {
        "$ref": "#/$defs/Address"
    }
    assert schema["$defs"]["Address"]["required"] == ["country", "line1", "city", "region", "postal_code"]


@pytest.mark.parametrize("kind", ["mapping", "overlay", "table", "contract"])
def test_an_editor_has_words_for_every_key(kind: str) -> None:
    schema = published(kind).schema
    assert [place for place, each in keys_of(schema, kind) if not has_words(each, schema)] == []


def keys_of(schema: Any, place: str) -> Iterator[tuple[str, Any]]:
    """All keys that a schema knows, without what only narrows a key that is described elsewhere."""
    for name, each in schema.items() if isinstance(schema, dict) else ():
        if name == "properties":
            yield from ((f"{place}.{key}", inner) for key, inner in each.items())
            yield from (found for key, inner in each.items() for found in keys_of(inner, f"{place}.{key}"))
        elif name not in ("if", "then", "else", "allOf"):
            yield from keys_of(each, f"{place}.{name}" if name != "$defs" else place)


def has_words(each: Any, schema: Any) -> bool:
    """Whether hovering shows something."""
    reference = each.get("$ref", "").rpartition("/")[2]
    return bool(each.get("description") or schema.get("$defs", {}).get(reference, {}).get("description"))
