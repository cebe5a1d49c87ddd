"""Overlays: patches of a legal entity or a customer on a mapping, and what is refused of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mappings
from canonical_model.errors import MappingError
from mappings import CompiledMapping, compile_file
from mappings.compilation import laid_on
from mappings.overlaid import OverlaidMapping

BASE = """\
mapping: crm/thing
version: 3
direction: outbound
source: {system: hub, entity: invoice, schema: {name: Invoice, version: "1"}, inputs: [context]}
target: {system: crm, entity: thing}
owner: tests
overlays: {legal_entity: context.entity, customer: context.customer}
fields:
  a: {const: base}
  nested:
    fields:
      b: {from: context.b, transform: text, required: false}
  rows:
    each: context.rows
    required: false
    fields:
      c: {from: c, transform: text}
"""
UK = """\
overlay: crm/thing
for: {legal_entity: UK}
version: 7
owner: tests
reason: the books of the UK differ
set:
  a: {const: uk}
  nested.b: {const: patched, reason: because}
  "rows[].c": {from: c, transform: [text, upper]}
  d: {from: context.d, transform: text}
"""
ACME = """\
overlay: crm/thing
for: {customer: ACME}
version: 2
owner: tests
reason: ACME wants its own
set:
  a: {const: acme}
"""

Lay = Callable[..., CompiledMapping]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Compiles a base with overlays, by file name."""

    def compiled(base: str = BASE, **overlays: str) -> CompiledMapping:
        folder = tmp_path / "crm"
        (folder / "overlays").mkdir(parents=True, exist_ok=True)
        (folder / "thing.yaml").write_text(base, "utf-8")
        for code, text in overlays.items():
            (folder / "overlays" / f"thing.{code}.yaml").write_text(text, "utf-8")
        return compile_file(folder / "thing.yaml")

    return compiled


def record(**context: Any) -> dict[str, Any]:
    return {"invoice": {}, "context": {"b": "plain", "d": "extra", "rows": [{"c": "x"}], **context}}


def test_a_record_is_mapped_with_the_patches_that_are_for_it(lay: Lay) -> None:
    mapping = lay(uk=UK, acme=ACME)
    base = {"a": "base", "nested": {"b": "plain"}, "rows": [{"c": "x"}]}
    uk = {"a": "uk", "nested": {"b": "patched"}, "rows": [{"c": "X"}], "d": "extra"}
    assert mapping.apply(record()).document == base
    assert mapping.apply(record(entity="FR", customer="other")).document == base
    assert mapping.apply(record(entity=" UK ")).document == uk
    assert mapping.apply(record(customer="ACME")).document == base | {"a": "acme"}


def test_a_customers_patch_lies_on_that_of_the_legal_entity(lay: Lay) -> None:
    document = lay(uk=UK, acme=ACME).apply(record(entity="UK", customer="ACME")).document
    assert (document["a"], document["nested"]) == ("acme", {"b": "patched"})


def test_a_patch_for_both_is_for_nobody_else_and_lies_on_top(lay: Lay) -> None:
    both = ACME.replace("{customer: ACME}", "{customer: ACME, legal_entity: UK}").replace("const: acme", "const: both")
    mapping = lay(uk=UK, acme=ACME, both=both)
    answers = [mapping.apply(record(entity=entity, customer="ACME")).document["a"] for entity in ("UK", "DE")]
    assert answers == ["both", "acme"]


def test_traces_name_the_file_line_and_version_that_decided(lay: Lay) -> None:
    traces = {trace.field: trace for trace in lay(uk=UK).explain(record(entity="UK"))}
    assert (traces["a"].origin, traces["a"].version) == ("crm/overlays/thing.uk.yaml:7", 7)
    assert (traces["rows[0].c"].origin, traces["rows[0].c"].result) == ("crm/overlays/thing.uk.yaml:9", "X")
    assert (traces["rows"].origin, traces["rows"].version) == ("crm/thing.yaml:13", 3)


def test_problems_carry_the_version_of_the_overlay(lay: Lay) -> None:
    (problem,) = lay(uk=UK).apply(record(entity="UK", d=None)).problems
    assert (problem.mapping, problem.version, problem.field) == ("crm/thing", 7, "d")


def test_what_only_an_overlay_reads_is_unmapped_for_others(lay: Lay) -> None:
    mapping = lay(uk=UK)
    assert mapping.unmapped(record()) == ["invoice", "context.d"]
    assert mapping.unmapped(record(entity="UK")) == ["invoice", "context.b"]  # which the patch no longer reads
    ignoring = UK + "ignore: [{paths: [invoice, context.b], reason: the books of the UK have no use for it}]\n"
    assert lay(uk=ignoring).unmapped(record(entity="UK")) == []


def test_records_that_are_no_objects_are_problems_and_no_crash(lay: Lay) -> None:
    mapping = lay(uk=UK)
    for value in (None, 1, "x", [], {"context": 3}, {"context": {"entity": "UK", "rows": 1}}):
        assert mapping.apply(value).problems  # type: ignore[arg-type]
    assert mapping.apply({"context": {"entity": {}, "customer": ["ACME"]}}).document["a"] == "base"


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        (
            UK.replace("  a: {const: uk}", "  nope.x: {const: uk}"),
            "thing.uk.yaml:7: nope.x: the mapping has no such place",
        ),
        (UK.replace('"rows[].c"', "rows.c"), "thing.uk.yaml:9: rows.c: the mapping has no such place"),
        (UK.replace("crm/thing", "crm/other"), "thing.uk.yaml:1: overlay: does not name the mapping it lies on"),
        (
            UK.replace("transform: [text, upper]", "transform: [text, uper]"),
            "thing.uk.yaml:9: rows[].c: there is no transform",
        ),
        (UK.replace("set:", "sets:"), "Additional properties are not allowed ('sets' was unexpected)"),
        (UK.replace("legal_entity: UK", "country: GB"), "('country' was unexpected)"),
        (UK.replace("context.d", "invoice.numbr"), "thing.uk.yaml:10"),
    ],
)
def test_faulty_overlays_are_refused_with_file_line_and_field(lay: Lay, overlay: str, message: str) -> None:
    with pytest.raises(MappingError) as caught:
        lay(uk=overlay)
    assert message in str(caught.value)


def test_two_overlays_for_the_same_are_refused(lay: Lay) -> None:
    with pytest.raises(MappingError, match=r"thing\.b\.yaml:2: for: crm/overlays/thing\.a\.yaml is for the same"):
        lay(a=UK, b=UK)


def test_the_base_must_say_where_the_selector_is_read(lay: Lay) -> None:
    base = BASE.replace(", customer: context.customer", "")
    with pytest.raises(MappingError, match="does not say where its customer is read"):
        lay(base, acme=ACME)


def test_a_bundle_shows_the_result_with_the_place_of_each_value() -> None:
    merged = laid_on(mappings.bundle_of("netsuite/invoice"), legal_entity="UK", customer=None)
    item = ("fields", "itemList", "fields", "item", "fields", "item", "fields", "externalId")
    assert merged.mark(item).file == "netsuite/overlays/invoice.uk.yaml"
    assert merged.mark(("fields", "tranId")).file == "netsuite/invoice.yaml"


def test_shipped_overlays_keep_their_entity_apart() -> None:
    mapping = mappings.load("netsuite/invoice")
    assert isinstance(mapping, OverlaidMapping)
    assert len(mapping.variants) == 2
