"""Overlays: patches of a legal entity or a customer on a mapping, and what is refused of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappings
from canonical_model.errors import MappingError
from mappings import Bundle, CompiledMapping, compile_bundle, compile_file
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
            "thing.uk.yaml:7: nope.x: the mapping has no nope; beside it are a, nested, rows",
        ),
        (
            UK.replace("  a:", "  nested.nope.x:"),
            "thing.uk.yaml:7: nested.nope.x: the mapping has no nested.nope; beside it are b",
        ),
        (UK.replace("nested.b", "a.x"), "thing.uk.yaml:8: a.x: a has no fields of its own; set a as a whole"),
        (UK.replace('"rows[].c"', "rows.c"), "thing.uk.yaml:9: rows.c: rows is a list; write rows[]"),
        (UK.replace("nested.b", '"nested[].b"'), "thing.uk.yaml:8: nested[].b: nested is no list; write nested"),
        (UK.replace("  a:", '  "rows[]":'), "thing.uk.yaml:7: rows[]: stands for single items; set rows as a whole"),
        (
            UK.replace("  a:", '  "a.":'),
            "thing.uk.yaml:7: set.a.: 'a.' does not fit: A path is names of fields joined by dots",
        ),
        (
            UK + "  nested: {fields: {z: {const: 1}}}\n",
            "thing.uk.yaml:8: nested.b: is lost, because nested is set as a whole after it",
        ),
        (
            UK.replace("legal_entity: UK", "legal_entity: 10"),
            "thing.uk.yaml:2: for.legal_entity: 10 is not text; quote it",
        ),
        (
            UK.replace("legal_entity: UK", "legal_entity: ' UK'"),
            "thing.uk.yaml:2: for.legal_entity: ' UK' does not fit: Text without",
        ),
        (UK + "refuse: []\n", "thing.uk.yaml:11: refuse: is no key that can stand here; there are overlay, for,"),
        ("a: [", "thing.uk.yaml:1: file: not YAML"),
        ("", "thing.uk.yaml:1: file: nothing is not an object"),
        (UK.replace("crm/thing", "crm/other"), "thing.uk.yaml:1: overlay: does not name the mapping it lies on"),
        (
            UK.replace("transform: [text, upper]", "transform: [text, uper]"),
            "thing.uk.yaml:9: rows[].c: there is no transform",
        ),
        (UK.replace("set:", "sets:"), "thing.uk.yaml:6: sets: is no key that can stand here; is it 'set'?"),
        (UK.replace("legal_entity: UK", "country: GB"), "thing.uk.yaml:2: for.country: is no key that can stand here"),
        (UK.replace("context.d", "invoice.numbr"), "thing.uk.yaml:10"),
    ],
)
def test_faulty_overlays_are_refused_with_file_line_and_field(lay: Lay, overlay: str, message: str) -> None:
    with pytest.raises(MappingError) as caught:
        lay(uk=overlay)
    assert message in str(caught.value)


def test_faults_of_all_files_come_at_once(lay: Lay) -> None:
    with pytest.raises(MappingError) as caught:
        lay(
            BASE.replace("owner: tests", "owner: ''"),
            uk=UK.replace("version: 7", "version: x"),
            acme=ACME.replace("set:", "sets:"),
        )
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()[1:]] == [
        "crm/overlays/thing.acme.yaml:1",
        "crm/overlays/thing.acme.yaml:6",
        "crm/overlays/thing.uk.yaml:3",
        "crm/thing.yaml:6",
    ]
    with pytest.raises(MappingError) as caught:
        lay(
            BASE.replace("const: base", "from: context.a"),
            uk=UK.replace("upper", "uper"),
            acme=ACME.replace("  a:", "  z.z:"),
        )
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()[1:]] == [
        "crm/overlays/thing.acme.yaml:7",
        "crm/overlays/thing.uk.yaml:9",
        "crm/thing.yaml:9",
    ]


@pytest.mark.parametrize("code", ["NO", "10", "Ü ñ", "true", "~", "A.B", "it's"])
def test_codes_are_text_whatever_they_look_like(lay: Lay, code: str) -> None:
    mapping = lay(odd=UK.replace("legal_entity: UK", f'legal_entity: "{code}"'))
    assert mapping.apply(record(entity=code)).document["a"] == "uk"
    assert mapping.apply(record(entity=code.swapcase() + "x")).document["a"] == "base"


def test_a_code_may_come_as_a_number(lay: Lay) -> None:
    mapping = lay(odd=UK.replace("legal_entity: UK", 'legal_entity: "10"'))
    entities = (10, True, 10.0, 10**5000, -10)
    assert [mapping.apply(record(entity=each)).document["a"] for each in entities] == [
        "uk",
        "base",
        "base",
        "base",
        "base",
    ]


@pytest.mark.parametrize("name", ["thing.yaml", "think.uk.yaml", "thing-uk.yaml", "thing.uk.yml"])
def test_an_overlay_that_would_lie_on_nothing_is_refused(lay: Lay, tmp_path: Path, name: str) -> None:
    lay()
    (tmp_path / "crm" / "overlays" / name).write_text(UK, "utf-8")
    with pytest.raises(MappingError, match=f"crm/overlays/{name}:1: file: lies on no mapping"):
        lay()


def test_what_editors_leave_behind_is_no_overlay(lay: Lay, tmp_path: Path) -> None:
    lay()
    for name in (".thing.uk.yaml", "thing.uk.yaml~", "README.md"):
        (tmp_path / "crm" / "overlays" / name).write_text("a: [", "utf-8")
    assert lay().apply(record()).document["a"] == "base"


def test_overlays_that_cannot_be_read_are_all_named(lay: Lay, tmp_path: Path) -> None:
    lay()
    (tmp_path / "crm" / "overlays" / "thing.a.yaml").write_bytes("a: ü".encode("latin-1"))
    (tmp_path / "crm" / "overlays" / "thing.b.yaml").mkdir()
    with pytest.raises(MappingError) as caught:
        lay()
    assert "crm/overlays/thing.a.yaml:1: file: cannot be read: it is not UTF-8" in str(caught.value)
    assert "crm/overlays/thing.b.yaml:1: file: cannot be read: Is a directory" in str(caught.value)


@pytest.mark.parametrize("change", [lambda text: f"\ufeff{text}", lambda text: text.replace("\n", "\r\n")])
def test_files_of_other_editors_are_read_alike(lay: Lay, change: Callable[[str], str]) -> None:
    mapping = lay(change(BASE), uk=change(UK))
    assert mapping.apply(record(entity="UK")).document == lay(BASE, uk=UK).apply(record(entity="UK")).document


def test_two_overlays_for_the_same_are_refused(lay: Lay) -> None:
    with pytest.raises(MappingError, match=r"thing\.b\.yaml:2: for: crm/overlays/thing\.a\.yaml is for the same"):
        lay(a=UK, b=UK)


def test_the_base_must_say_where_the_selector_is_read(lay: Lay) -> None:
    base = BASE.replace(", customer: context.customer", "")
    with pytest.raises(MappingError, match="does not say where its customer is read"):
        lay(base, acme=ACME)


def outcome(files: dict[str, str]) -> tuple[CompiledMapping | None, list[str]]:
    """The mapping, or the faults by line."""
    try:
        return compile_bundle(Bundle(name="crm/thing", files=files)), []
    except MappingError as error:
        return None, error.text.splitlines()[1:]


FIELDS = ["a", "d", "nested", "nested.b", "nested.e", "rows", "rows[].c", "rows[].f", "rows.c", "x.y", "a.b"]
RULES = ["{const: 1}", "{from: context.b, transform: text}", "{absent: not here}", "{fields: {b: {const: 2}}}", "1", "null",
         "{each: context.rows, fields: {c: {index: true}}}", "{todo: what is it}",
         "{concat: [{const: x}]}", "{add: [{const: 1}, {const: 2}]}"]  # fmt: skip
PATCHES = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(RULES), min_size=1, max_size=3)
MEANT = st.sampled_from(
    ["{legal_entity: UK}", "{customer: ACME}", "{customer: ACME, legal_entity: UK}", "{legal_entity: NO}", "{}"]
)


@given(patches=st.lists(st.tuples(MEANT, PATCHES), max_size=3), data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_overlays_are_laid_on_or_refused_by_name(patches: Any, data: st.DataObject) -> None:
    files = {"crm/thing.yaml": BASE}
    for number, (meant, rules) in enumerate(patches):
        lines = [f"  '{field}': {rule}" for field, rule in rules.items()]
        head = ACME[: ACME.index("set:")].replace("{customer: ACME}", meant)
        files[f"crm/overlays/thing.o{number}.yaml"] = "\n".join([f"{head}set:", *lines])
    mapping, refused = outcome(files)
    assert all(line.startswith(("crm/overlays/thing.o", "crm/thing.yaml:")) for line in refused)
    if mapping is None:
        return
    one = record(
        entity=data.draw(st.sampled_from(["UK", "NO", "FR", None])), customer=data.draw(st.sampled_from(["ACME", 7]))
    )
    mapped = mapping.apply(one)
    assert mapped == mapping.carefully(one)
    assert (mapped.document is None) == bool(mapped.problems)


def test_a_bundle_shows_the_result_with_the_place_of_each_value() -> None:
    merged = laid_on(mappings.bundle_of("netsuite/invoice"), legal_entity="UK", customer=None)
    item = ("fields", "itemList", "fields", "item", "fields", "item", "fields", "externalId")
    assert merged.mark(item).file == "netsuite/overlays/invoice.uk.yaml"
    assert merged.mark(("fields", "tranId")).file == "netsuite/invoice.yaml"


def test_shipped_overlays_keep_their_entity_apart() -> None:
    mapping = mappings.load("netsuite/invoice")
    assert isinstance(mapping, OverlaidMapping)
    assert len(mapping.variants) == 2
