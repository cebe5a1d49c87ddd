"""What the compiler refuses: types, totality and spelling, all faults at once, with file, line and field."""

import json
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical_model.contracts import ErpContract
from canonical_model.errors import MappingError
from mappings import compile_file
from mappings.catalogue import ROOT
from mappings.files.yaml_source import DEEPEST, read

Refusal = Callable[..., str]

OUTBOUND = """\
mapping: crm/thing
version: 3
direction: outbound
source: {system: hub, entity: invoice, schema: {name: Invoice, version: "1"}, inputs: [context]}
target: {system: crm, entity: thing}
owner: tests
fields: {a: {const: 1}}
"""

ERP_FIELDS = """\
contract_id: {from: number, transform: text}
customer_id: {from: customer, transform: text}
annual_value:
  fields:
    amount: {from: total, transform: decimal}
    currency: {const: USD}
purchase_order: {from: po, transform: text}
"""


@pytest.fixture
def refused() -> Refusal:
    """The message of the refusal to compile these fields."""

    def refuse(make: Callable[..., Any], fields: str, **options: Any) -> str:
        with pytest.raises(MappingError) as caught:
            make(fields, **options)
        return str(caught.value)

    return refuse


def test_all_schema_errors_come_at_once_with_file_line_and_field(refused: Refusal, outbound: Any) -> None:
    message = refused(outbound, "a: {form: x}\nb: {from: 'x..y'}", extra="colour: blue\n")
    assert "3 error(s)" in message
    assert (
        "crm/thing.yaml:7: colour: is no key that can stand here; there are mapping, version, direction, source,"
        in message
    )
    assert "crm/thing.yaml:9: fields.a.form: is no key that can stand here; is it 'from'?" in message
    assert "crm/thing.yaml:10: fields.b.from: 'x..y' does not fit: Keys joined by dots" in message


def test_all_type_errors_come_at_once(inbound: Any, refused: Refusal) -> None:
    fields = ERP_FIELDS.replace("total, transform: decimal", "total, transform: text").replace(
        "number, transform: text", "number, transform: decimal"
    )
    message = refused(inbound, fields)
    assert "crm/thing.yaml:8: contract_id: gives decimal; the canonical document wants text" in message
    assert "crm/thing.yaml:12: annual_value.amount: gives text; the canonical document wants decimal" in message


def test_every_canonical_field_must_be_mentioned(inbound: Any, refused: Refusal) -> None:
    message = refused(
        inbound, "contract_id: {from: number, transform: text}\nannual_value: {fields: {amount: {const: 1}}}"
    )
    assert "purchase_order: is not mapped; set it, or say `absent: reason`" in message
    for field in ("customer_id", "annual_value.currency"):
        assert f"{field}: is not mapped; the canonical document needs it, so set it" in message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("number, transform: text", "number"), "contract_id: needs a transform or map that says its type"),
        (
            ("po, transform: text}", "po, transform: text}\nextra: {const: 1}"),
            "extra: the canonical document has no such field",
        ),
        (("{from: customer, transform: text}", "{absent: none here}"), "customer_id: cannot be absent"),
        (
            ("customer, transform: text", "customer, transform: text, required: false"),
            "customer_id: may be empty here but not in the canonical document",
        ),
        (("const: USD", "const: 5"), "annual_value.currency: gives integer; the canonical document wants text"),
    ],
)
def test_totality_and_types_of_inbound_mappings(
    inbound: Any, refused: Refusal, change: tuple[str, str], expected: str
) -> None:
    assert expected in refused(inbound, ERP_FIELDS.replace(*change))


def test_a_default_of_the_model_is_never_used_silently(inbound: Any, refused: Refusal) -> None:
    fields = """
        customer_id: {from: a, transform: text}
        name: {from: a, transform: text}
        status: {const: activ}
        address:
          fields:
            country: {from: c, map: {a: b}}
            line1: {absent: n/a}
            city: {absent: n/a}
            region: {absent: n/a}
            postal_code: {absent: n/a}
        tax_id: {absent: n/a}
        currency: {absent: n/a}
        billing_email: {absent: n/a}
        payment_terms_days: {from: d, transform: integer}
        purchase_order_required: {absent: n/a}
    """
    message = refused(inbound, fields, entity="customer")
    assert "status: 'activ' is not one of active, inactive" in message
    assert "payment_terms_days: may be empty here" in message
    assert "the model's own default, 30, would be a silent one" in message
    assert "purchase_order_required: cannot be absent" in message


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("a: {from: context.x, transform: upper}", "transform 'upper' takes text, not a raw value"),
        ("a: {from: context.x, transform: [text, minor_units]}", "transform 'minor_units' takes money, not text"),
        ("a: {from: context.x, transform: shout}", "there is no transform 'shout'; there are absolute, amount,"),
        (
            "a: {from: context.x, transform: [text, {at_most: many}]}",
            "transform 'at_most' takes a number of characters",
        ),
        ("a: {from: context.x, transform: [text, {format: '{} {}'}]}", "takes a text with one {} in it"),
        ("a: {from: context.x, transform: [decimal, {negate_when: {path: x, in: abc}}]}", "takes a condition"),
        ("a: {from: context.x, transform: [decimal, {money: {currency: context.c}}]}", "a payload cannot hold a money"),
        ("a: {from: context.x, transform: date}", "a payload cannot hold a date"),
        ("a: {from: context.x, transform: decimal, map: {a: b}}", "map works on text, not on decimal"),
        ("a: {from: context.x, const: 1}", "const cannot stand beside from"),
        ("a: {transform: text}", "a rule needs one of from, lookup"),
        ("a: {const: 1, required: true}", "required cannot stand beside const"),
        ("a: {from: context.x, transform: text, default: x}", "'default' needs 'reason' beside it"),
        (
            "a: {from: context.x, transform: text, default: x, reason: why, required: true}",
            "with a default cannot be required",
        ),
        ("a: {when: {path: context.x, equals: 1}, then: {const: 1}}", "'when' needs 'otherwise' beside it"),
        ("a: {index: true}", "index has a meaning only inside each"),
        ("a: {concat: [{list: [{const: a}]}]}", "concat joins texts, not objects or lists"),
        ("a: {concat: [{const: 1}]}", "concat joins texts, not integer; end with a transform that gives text"),
        (
            "a: {from: context.x, transform: text, default: 5, reason: why}",
            "has integer as its default, but gives text",
        ),
        (
            "a: {add: [{const: 1}, {from: context.x, transform: decimal, default: x, reason: why}]}",
            "has text as its default",
        ),
        (
            "a: {from: context.x, transform: [decimal, {rounded: [half_up]}]}",
            "transform 'rounded' takes one of half_up, half_even",
        ),
        ("a: {lookup: {table: nowhere, key: context.x, column: iso}}", "there is no table 'nowhere'"),
        ("a: {lookup: {table: netsuite_currency, key: context.x, column: isso}}", "has no column 'isso'"),
        ("a: {from: invoice.numbr, transform: text}", "invoice has no field 'numbr'"),
        ("a: {from: invoice.lines.net, transform: text}", "'lines' is a list"),
        ("a: {each: invoice.lines, fields: {b: {from: nett, transform: text}}}", "invoice.lines[] has no field 'nett'"),
        ("a: {from: invioce.number, transform: text}", "does not begin with one of invoice, context"),
        ("a: {from: 'context.x\n', transform: text}", "does not fit: Keys joined by dots"),
        ("a: {const: 1}\na: {const: 2}", "key 'a' is there twice"),
        ("a: {const: &x 1}\nb: {const: *x}", "aliases are not part of the mapping language"),
        ("a: {const: 010}", "is not a plain number; quote it if it is text"),
        ("a: {const: .inf", "not YAML"),
        ('"a\\n": {const: 1}', "does not fit: A field is named by letters, digits, underscores and hyphens"),
        ("a: {absent: '   '}", "does not fit: A reason in words"),
        ("a: {const: !!binary aGVsbG8=}", "tag 'tag:yaml.org,2002:binary' is not part of the mapping language"),
        ("a: {const: !own x}", "tag '!own' is not part of the mapping language"),
        ('a: {const: "\x07"}', "control characters are not allowed"),
        ("a: " + "{fields: {a: " * 20 + "{const: 1}" + "}}" * 20, "is nested more than 32 deep"),
    ],
)
def test_faulty_mappings_are_refused_with_a_reason(outbound: Any, refused: Refusal, fields: str, expected: str) -> None:
    message = refused(outbound, fields.replace("'context.x\n'", '"context.x\\n"'))
    assert expected in message
    assert "crm/thing.yaml:" in message


def test_ignored_paths_of_an_outbound_mapping_must_exist(outbound: Any, refused: Refusal) -> None:
    extra = "ignore: [{paths: [invoice.colour], reason: not sold}]\n"
    assert "crm/thing.yaml:7: invoice.colour: source path" in refused(outbound, "a: {const: 1}", extra=extra)


@pytest.mark.parametrize("text", ["", "- a", "a: [", "{a: {b: }"])
def test_a_file_that_is_no_mapping_is_refused(write: Any, text: str) -> None:
    with pytest.raises(MappingError, match=r"thing\.yaml:1"):
        compile_file(write(text))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("target: {system: crm, ", "target: {", "5: target: 'system' is missing"),
        ("system: hub", "system: shop", "4: source.system: 'shop' must be 'hub'"),
        ("inputs: [context]", "inputs: [invoice]", "4: source.inputs: names the document itself"),
        ("owner: tests", "owner: ' '", "6: owner: ' ' does not fit: Text that is not blank"),
        ('version: "1"', "version: 1", "4: source.schema.version: 1 is not text; quote it"),
        ('name: Invoice, version: "1"', "name: Invoice", "4: source.schema: 'version' is missing"),
        ("direction: outbound", "direction: out", "3: direction: 'out' is not one of inbound, outbound"),
        ("direction: outbound", "direction: inbound", "4: source.inputs: ['context'] is for outbound mappings only"),
        ("direction: outbound", "direction: inbound", "5: target.system: 'crm' is for outbound mappings only"),
    ],
)
def test_a_header_says_all_that_its_direction_needs_and_no_more(write: Any, old: str, new: str, expected: str) -> None:
    assert old in OUTBOUND
    with pytest.raises(MappingError) as caught:
        compile_file(write(OUTBOUND.replace(old, new)))
    assert f"crm/thing.yaml:{expected}" in str(caught.value)


@pytest.mark.parametrize(
    "rule", ["{each: x, fields: {a: %s}}", "{when: {path: context.b, present: true}, then: %s, otherwise: {const: 1}}"]
)
def test_what_is_nested_as_deep_as_allowed_can_be_run(outbound: Any, rule: str) -> None:
    levels = (DEEPEST - 5) // (2 if "fields" in rule else 1)
    fields = "{const: 1}"
    for _ in range(levels):
        fields = rule % fields
    mapping = outbound(f"a: {fields.replace('each: x', 'each: context.x', 1)}")
    assert mapping.apply({"invoice": {}, "context": {}}) == mapping.carefully({"invoice": {}, "context": {}})
    with pytest.raises(MappingError, match="is nested more than"):
        outbound(f"a: {rule % (rule % fields)}")


def test_a_path_is_ignored_once(outbound: Any, refused: Refusal) -> None:
    extra = "ignore:\n  - {paths: [context.a], reason: not sold}\n  - {paths: [context.a], reason: not bought}\n"
    assert "crm/thing.yaml:9: context.a: is ignored twice, first in line 8" in refused(
        outbound, "a: {const: 1}", extra=extra
    )


def test_an_unknown_entity_and_a_missing_file_are_refused(inbound: Any, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot be read"):
        compile_file(tmp_path / "none.yaml")
    with pytest.raises(MappingError, match=r"thing\.yaml:5: target\.entity: is not one of customer"):
        inbound(ERP_FIELDS, entity="quote")


def test_the_canonical_struct_comes_out(inbound: Any) -> None:
    mapped = inbound(ERP_FIELDS).apply({"number": "C-1", "customer": "A-1", "total": "1.10"})
    assert isinstance(mapped.document, ErpContract)
    assert mapped.document.annual_value.amount == Decimal("1.10")


FILES = sorted(ROOT.glob("[a-s]*/*.yaml"))
PIECES: st.SearchStrategy[Any] = st.sampled_from(
    [
        "from",
        "$.a",
        "context.x",
        "text",
        "each",
        "fields",
        "x\ny",
        "",
        True,
        None,
        1,
        [],
        {},
        [[]],
        {"path": "x"},
        {"from": "a"},
    ]
)


def _broken(value: Any, draw: Any) -> Any:
    """A copy of YAML data with one place, chosen on the way down, replaced, removed or added to."""
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        change = draw(st.integers(0, 8))
        if change == 0:
            return {name: item for name, item in value.items() if name != key}
        extra = {str(draw(PIECES)): draw(PIECES)} if change == 1 else {}
        return {**value, key: _broken(value[key], draw), **extra}
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], _broken(value[index], draw), *value[index + 1 :]]
    return draw(PIECES)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_mapping_file_compiles_or_is_refused(data: st.DataObject) -> None:
    source = read(data.draw(st.sampled_from(FILES)).read_text("utf-8")).data
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "thing.yaml"
        path.write_text(json.dumps(_broken(source, data.draw)), "utf-8")
        assert _outcome(path)


def _outcome(path: Path) -> bool:
    """Whether a file compiles to something that can be applied, or is refused by name."""
    try:
        compiled = compile_file(path)
    except MappingError as error:
        return "thing.yaml:" in str(error)
    return compiled.apply({}) == compiled.apply({})
