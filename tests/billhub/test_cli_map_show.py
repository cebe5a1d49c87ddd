"""`billhub map show`: what is printed is the mapping itself, with overlays laid on and the origin of each line."""

import re
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import mappings
from billhub.cli import app
from billhub.cli.mapping.layered import _yaml, layered, written
from mappings import Bundle, bundle_of, compile_bundle
from mappings.compilation import laid_on
from mappings.files.yaml_source import read
from mappings.overlaid import OverlaidMapping

UK = {"legal_entity": "UK", "customer": None}
BASE = {"legal_entity": None, "customer": None}
COMMENT = re.compile(r"  # (\S+\.yaml):(\d+)(?:, version (\d+))?$")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["map", "show", *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def recompiled(name: str, text: str) -> Any:
    bundle = bundle_of(name)
    others = {file: content for file, content in bundle.files.items() if file.startswith("tables/")}
    return compile_bundle(Bundle(name=name, files={f"{name}.yaml": text, **others}), mappings.promises(name))


@pytest.mark.parametrize("name", mappings.names())
def test_what_is_printed_compiles_to_the_same_mapping(name: str) -> None:
    """For every mapping that is shipped, without overlays and with those of each legal entity."""
    bundle, whole = bundle_of(name), mappings.load(name)
    variants = whole.variants if isinstance(whole, OverlaidMapping) else [whole]
    entities = [None, *sorted({each.values["legal_entity"] for each in layered(bundle, BASE).overlays})]
    assert len(entities) == len(variants)
    for entity, variant in zip(entities, variants, strict=True):
        text = written(bundle, {"legal_entity": entity, "customer": None}, all_origins=False)
        assert _without_places(recompiled(name, text).source_text) == _without_places(variant.source_text)


@pytest.mark.parametrize("name", mappings.names())
def test_the_values_printed_are_the_values_of_the_files(name: str) -> None:
    for all_origins in (False, True):
        text = written(bundle_of(name), BASE, all_origins=all_origins)
        merged = laid_on(bundle_of(name), legal_entity=None, customer=None)
        assert read(text).data == merged.data


def test_lines_of_an_overlay_say_file_line_and_version() -> None:
    lines = run("netsuite/invoice", "--legal-entity", "UK").splitlines()
    commented = [line for line in lines if COMMENT.search(line)]
    assert [COMMENT.search(line)[1] for line in commented] == ["netsuite/overlays/invoice.uk.yaml"] * len(commented)
    [item] = [line for line in commented if "RETAIL-GOODS" in line]
    [(file, line, version)] = COMMENT.findall(item)
    assert "RETAIL-GOODS" in bundle_of("netsuite/invoice").files[file].splitlines()[int(line) - 1]
    assert version == "1"
    assert any("description:" in line for line in commented)
    assert not any("tranDate" in line for line in commented)


def test_with_origins_every_line_says_where_it_comes_from() -> None:
    lines = [
        line for line in run("netsuite/invoice", "--legal-entity", "UK", "--origins").splitlines() if line[0] != "#"
    ]
    texts = bundle_of("netsuite/invoice").files
    for line in lines:
        [(file, number, _)] = COMMENT.findall(line)
        key = line.strip().removeprefix("- ").partition(":")[0].strip("{")
        assert key.partition(" ")[0] in texts[file].splitlines()[int(number) - 1], line


def test_overlays_are_named_laid_on_or_not() -> None:
    head = run("netsuite/invoice").splitlines()[0]
    assert head.startswith("# overlay netsuite/overlays/invoice.uk.yaml, version 1, for legal entity UK: not laid on; ")
    assert ": laid on; " in run("netsuite/invoice", "--legal-entity", "UK").splitlines()[0]
    assert run("salesforce/account").splitlines()[0] == "# salesforce/account has no overlays"


def test_an_entity_without_overlays_gets_the_base() -> None:
    assert run("netsuite/invoice", "--legal-entity", "US") == run("netsuite/invoice")


def test_a_customers_overlay_lies_on_that_of_its_legal_entity() -> None:
    bundle = bundle_of("netsuite/invoice")
    own = bundle.files[bundle.file].replace(
        "overlays: {legal_entity: invoice.legal_entity}",
        "overlays: {legal_entity: invoice.legal_entity, customer: invoice.buyer.party_id}",
    )
    special = "\n".join(
        (
            "overlay: netsuite/invoice",
            "for: {customer: A-0007}",
            "version: 4",
            "owner: finance-systems",
            "reason: its articles have an item of their own",
            "set:",
            "  itemList.item[].item.externalId: {const: A7-GOODS}",
        )
    )
    more = {bundle.file: own, "netsuite/overlays/invoice.a0007.yaml": special}
    both = Bundle(name=bundle.name, files={**bundle.files, **more})
    text = written(both, {"legal_entity": "UK", "customer": "A-0007"}, all_origins=False)
    assert "externalId: {const: A7-GOODS}  # netsuite/overlays/invoice.a0007.yaml:7, version 4" in text
    assert "RETAIL-GOODS" not in text
    assert "# netsuite/overlays/invoice.uk.yaml:10, version 1" in text


def test_json_has_document_origins_and_overlays() -> None:
    told = msgspec.json.decode(run("netsuite/invoice", "--legal-entity", "UK", "--json"))
    assert told["document"]["mapping"] == "netsuite/invoice"
    place = "fields.itemList.fields.item.fields.item.fields.externalId"
    assert told["origins"][place].startswith("netsuite/overlays/invoice.uk.yaml:")
    assert told["origins"]["fields.tranDate"].startswith("netsuite/invoice.yaml:")
    assert [(each["file"], each["is_laid_on"]) for each in told["overlays"]] == [
        ("netsuite/overlays/invoice.uk.yaml", True)
    ]


def test_an_unknown_mapping_is_refused() -> None:
    result = CliRunner().invoke(app, ["map", "show", "salesforce/nothing"])
    assert result.exit_code == 1
    assert "there is no such mapping" in result.output


LOOKS_LIKE_ELSE = (
    *("yes", "No", "true", "null", "~", "010", "1_000", "1.5", "1e3", ".5", "2026-01-01", "<<", "="),
    *("a: b", "a # b", "# x", "- x", "two\nlines", "{}", "[", "!x", "&a", "*a", "|", ">", "'", '"', "%", "@"),
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30) | st.sampled_from(
    LOOKS_LIKE_ELSE
)
SCALARS = (
    TEXTS | st.integers() | st.booleans() | st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=3)
)


@settings(max_examples=60)
@given(
    st.dictionaries(
        TEXTS.filter(bool),
        st.recursive(
            SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS.filter(bool), inner), max_leaves=20
        ),
        min_size=1,
    )
)
def test_any_values_come_back_as_they_were(data: dict[str, Any]) -> None:
    """Text that looks like a number, a comment or a flag stays text; an exact number stays exact; one line holds no half of a text."""
    text = _yaml(data)
    assert _typed(read(text).data) == _typed(data)
    commented = "\n".join(f"{line}  # comment" for line in text.splitlines())
    assert _typed(read(commented).data) == _typed(data)


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return (Decimal, value) if isinstance(value, Decimal) else (type(value), value)


def _without_places(source: str) -> str:
    """Generated code without its comments, which name files and lines."""
    return "\n".join(line for line in source.splitlines() if not line.strip().startswith("#"))
