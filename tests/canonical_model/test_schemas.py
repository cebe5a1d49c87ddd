"""The JSON Schemas are as generated, say what each field means, and fit what is written."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import msgspec
import pytest

from canonical_model import schemas
from canonical_model.catalog import DOCUMENTS
from canonical_model.encoding import encode

GENERATED = {name.removesuffix(".json"): json.loads(body) for name, body in schemas.generate().items()}


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(GENERATED[name], format_checker=jsonschema.FormatChecker())


def test_the_files_are_as_generated():
    assert schemas.stale() == []


def test_each_document_has_its_schema():
    assert set(GENERATED) == set(DOCUMENTS)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_schema_is_one_of_2020_12(name):
    assert GENERATED[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert GENERATED[name]["$id"] == f"urn:billing-hub:{name}"
    jsonschema.Draft202012Validator.check_schema(GENERATED[name])


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_written_document_fits(documents, name):
    validator(name).validate(json.loads(encode(documents[name])))


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_struct_and_field_is_described(name):
    for struct, definition in GENERATED[name]["$defs"].items():
        assert definition["description"], struct
        assert "Attributes:" not in definition["description"]
        missing = [field for field, shape in definition["properties"].items() if not shape.get("description")]
        assert missing == [], f"the docstring of {struct} does not say what they are"


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_what_must_be_there_is_missed(documents, name):
    document = json.loads(encode(documents[name]))
    required = {field.name for field in msgspec.structs.fields(DOCUMENTS[name]) if field.required}
    for field in required:
        without = {key: value for key, value in document.items() if key != field}
        assert not validator(name).is_valid(without), field


@pytest.mark.parametrize("amount", [1.5, 1, "1.5E+3", "NaN", "1,5", "", "1.5\nx", "+1", "1_000", None])
def test_amounts_are_plain_decimal_strings(documents, amount):
    order = json.loads(encode(documents["order"]))
    order["lines"][0]["unit_price"]["amount"] = amount
    assert not validator("order").is_valid(order)


def test_a_day_is_a_day(documents):
    order = json.loads(encode(documents["order"]))
    assert not validator("order").is_valid({**order, "order_date": "2010-13-01"})


def test_an_unknown_choice_does_not_fit(documents):
    contract = json.loads(encode(documents["contract"]))
    assert not validator("contract").is_valid({**contract, "billing_frequency": "weekly"})


def test_stale_files_are_named_and_mended(tmp_path):
    schemas.write(tmp_path)
    assert schemas.stale(tmp_path) == []
    (tmp_path / "order.json").write_bytes(b"{}")
    (tmp_path / "invoice.json").unlink()
    (tmp_path / "quotation.json").write_bytes(b"{}")
    assert schemas.stale(tmp_path) == ["invoice.json", "order.json", "quotation.json"]
    schemas.write(tmp_path)
    assert schemas.stale(tmp_path) == []
    assert {file.stem for file in tmp_path.iterdir()} == set(DOCUMENTS)


def test_check_exits_with_the_list_of_stale_files(tmp_path):
    schemas.main([], folder=tmp_path)
    schemas.main(["--check"], folder=tmp_path)
    (tmp_path / "order.json").unlink()
    with pytest.raises(SystemExit) as stopped:
        schemas.main(["--check"], folder=tmp_path)
    assert "canonical_model/schemas/order.json" in str(stopped.value.code)
    assert "invoice.json" not in str(stopped.value.code)


def test_the_command_checks_the_files():
    command = [sys.executable, "-m", "canonical_model.schemas", "--check"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
