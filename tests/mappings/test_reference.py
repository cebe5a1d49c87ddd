"""What is generated from the schemas and transforms: up to date, and of use to an editor."""

import json
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
    base = jsonschema.Draft202012Validator
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
        ("default: 30", "defalt: 30"),
    ):
        assert right in text
        assert list(check.iter_errors(read(text.replace(right, wrong)).data)), wrong


def test_the_page_tells_of_every_transform_and_kind_of_file() -> None:
    page = reference.generate()["mapping-reference.md"]
    assert all(f"| `{name}` |" in page for name in TRANSFORMS)
    assert "## Overlay file" in page


def test_every_canonical_field_is_explained() -> None:
    for branch in published("mapping").schema["allOf"]:
        fields = branch["then"]["properties"]["fields"]["properties"]
        assert all(each["description"] for each in fields.values())
    assert len(published("mapping").schema["allOf"]) == len(ENTITIES)
