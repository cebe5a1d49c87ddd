"""Every construct of the language: what it gives, and what the compiler refuses, with file, line and field."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from canonical_model.contracts import ErpContract
from canonical_model.errors import MappingError
from mappings import compile_file

Refusal = Callable[..., str]


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
def payload(outbound: Any) -> Callable[..., Any]:
    """What these fields make of a context; fails the test when there are problems."""

    def make(fields: str, context: Any = None) -> Any:
        mapped = outbound(fields).apply({"invoice": {}, "context": context})
        assert mapped.problems == ()
        return mapped.document

    return make


@pytest.fixture
def messages(outbound: Any) -> Callable[..., list[str]]:
    """The problems of these fields with a context, as `field: message`."""

    def make(fields: str, context: Any = None) -> list[str]:
        mapped = outbound(fields).apply({"invoice": {}, "context": context})
        assert mapped.document is None
        return [f"{each.field}: {each.message}" for each in mapped.problems]

    return make


@pytest.fixture
def refused() -> Refusal:
    """The message of the refusal to compile these fields."""

    def refuse(make: Callable[..., Any], fields: str, **options: Any) -> str:
        with pytest.raises(MappingError) as caught:
            make(fields, **options)
        return str(caught.value)

    return refuse


# --- reading


def test_from_reads_nested_paths(payload: Any) -> None:
    assert payload("a: {from: context.b.c, transform: text}", {"b": {"c": " x "}}) == {"a": "x"}


@pytest.mark.parametrize("missing", [None, {}, {"b": None}, {"b": {"c": None}}, {"b": {"c": "  "}}])
def test_missing_and_blank_values_are_a_problem_where_required(messages: Any, missing: Any) -> None:
    found = messages("a: {from: context.b.c, transform: text}", missing)
    assert found == ["a: is required and missing or blank in the source"]


def test_optional_fields_are_left_out(payload: Any) -> None:
    assert payload("a: {from: context.b, transform: text, required: false}", {}) == {}


def test_a_path_through_something_that_is_no_object_is_a_problem(outbound: Any) -> None:
    found = outbound("a: {from: context.b.c, transform: text, required: false}").apply({"context": {"b": "x"}})
    assert [(each.value, each.message) for each in found.problems] == [("x", "is not an object, so it has no 'c'")]


def test_constants_and_defaults(payload: Any) -> None:
    fields = """
        a: {const: true}
        b: {const: 1.50}
        c: {from: context.c, transform: decimal, default: 0, reason: nothing was agreed}
    """
    assert payload(fields, {}) == {"a": True, "b": Decimal("1.50"), "c": Decimal(0)}


def test_a_default_never_covers_a_bad_value(messages: Any) -> None:
    fields = "c: {from: context.c, transform: decimal, default: 0, reason: nothing was agreed}"
    assert messages(fields, {"c": "ten"}) == ["c: is not a number"]


# --- choosing


def test_map_gives_the_named_value(payload: Any) -> None:
    assert payload("a: {from: context.x, map: {Yes: active, No: inactive}}", {"x": "Yes"}) == {"a": "active"}


@pytest.mark.parametrize("unknown", ["yes", "Maybe", True, 1, [], {}])
def test_an_unknown_enum_value_lists_the_allowed_ones(messages: Any, unknown: Any) -> None:
    (found,) = messages("a: {from: context.x, map: {Yes: active, No: inactive}, required: false}", {"x": unknown})
    assert found.startswith("a: is not one of 'Yes', 'No'")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("equals: 1", ["1"]),
        ('in: [a, "7"]', ["'a'", "'7'"]),
        ("present: true", ["'x'", "0", "False", "2", "'1'", "1", "'a'", "'7'", "7", "[0]"]),
        ("present: false", ["None", "''", "'  '", "[]", "{}"]),
    ],
)
def test_when_takes_the_first_branch_exactly_where_the_condition_holds(
    outbound: Any, condition: str, holds: list[Any]
) -> None:
    fields = f"a: {{when: {{path: context.x, {condition}}}, then: {{const: yes}}, otherwise: {{absent: not said}}}}"
    mapping = outbound(fields)
    values = ["x", 0, False, None, "", "  ", [], {}, 2, "1", 1, "a", "7", 7, [0]]
    assert [repr(value) for value in values if mapping.apply({"context": {"x": value}}).document] == holds


def test_when_nests(payload: Any) -> None:
    fields = """
        a:
          when: {path: context.x, equals: 1}
          then: {const: one}
          otherwise:
            when: {path: context.x, equals: 2}
            then: {const: two}
            otherwise: {from: context.x, transform: text}
    """
    assert [payload(fields, {"x": value})["a"] for value in (1, 2, 3)] == ["one", "two", "3"]


def test_lookup_takes_the_first_key_that_is_present(payload: Any) -> None:
    fields = "a: {lookup: {table: netsuite_currency, key: [context.id, context.name], column: iso}}"
    assert payload(fields, {"id": 4, "name": "Euro"}) == {"a": "JPY"}
    assert payload(fields, {"id": " ", "name": "Euro"}) == {"a": "EUR"}


def test_an_unresolved_lookup_is_a_problem_even_with_a_default_and_a_second_key(payload: Any, messages: Any) -> None:
    fields = """
        a:
          lookup: {table: netsuite_currency, key: [context.id, context.name], column: iso}
          default: USD
          reason: our own currency
    """
    (found,) = messages(fields, {"id": "99", "name": "Euro"})
    assert "is not in table 'netsuite_currency' version 1; it has 1, 2, 3, 4" in found
    assert payload(fields, {}) == {"a": "USD"}


# --- building


def test_each_reads_items_and_index_and_root(payload: Any) -> None:
    fields = """
        lines:
          each: context.rows
          fields:
            n: {index: true}
            code: {from: code, transform: text}
            head: {from: $.context.head, transform: text}
    """
    context = {"head": "H", "rows": [{"code": "a"}, {"code": "b"}]}
    assert payload(fields, context) == {
        "lines": [{"n": 1, "code": "a", "head": "H"}, {"n": 2, "code": "b", "head": "H"}]
    }


def test_each_inside_each_names_both_positions(outbound: Any) -> None:
    fields = """
        out:
          each: context.rows
          fields:
            inner:
              each: subs
              fields:
                v: {from: v, transform: decimal}
    """
    record = {"context": {"rows": [{"subs": []}, {"subs": [{"v": 1}, {"v": "x"}]}]}}
    (problem,) = outbound(fields).apply(record).problems
    assert (problem.field, problem.source_path) == ("out[1].inner[1].v", "context.rows[1].subs[1].v")


def test_each_sorts_by_text_and_reports_source_positions(payload: Any, outbound: Any) -> None:
    fields = "out: {each: context.rows, sort: name, fields: {v: {from: v, transform: integer}}}"
    rows = [{"name": "b", "v": 2}, {"name": "a", "v": 1}, {"name": None, "v": 0}]
    assert payload(fields, {"rows": rows}) == {"out": [{"v": 0}, {"v": 1}, {"v": 2}]}
    rows[0]["v"] = "bad"
    (problem,) = outbound(fields).apply({"context": {"rows": rows}}).problems
    assert (problem.field, problem.source_path) == ("out[2].v", "context.rows[0].v")


@pytest.mark.parametrize(("rows", "expected"), [(None, "is required"), ("x", "must be a list"), ([1], "must be an object")])
def test_each_wants_a_list_of_objects(messages: Any, rows: Any, expected: str) -> None:
    (found,) = messages("out: {each: context.rows, fields: {v: {index: true}}}", {"rows": rows})
    assert expected in found


def test_list_joins_single_elements_and_each(outbound: Any) -> None:
    fields = """
        out:
          list:
            - fields: {v: {const: first}}
            - {each: context.rows, fields: {v: {from: v, transform: text}}}
            - {each: context.more, fields: {v: {from: v, transform: text}}}
    """
    record = {"context": {"rows": [{"v": "a"}], "more": [{"v": "b"}, {"v": ""}]}}
    (problem,) = outbound(fields).apply(record).problems
    assert (problem.field, problem.source_path) == ("out[3].v", "context.more[1].v")
    record["context"]["more"].pop()
    assert [each["v"] for each in outbound(fields).apply(record).document["out"]] == ["first", "a", "b"]


def test_concat_joins_the_parts_that_are_there(payload: Any, messages: Any) -> None:
    fields = """
        a:
          concat:
            - {const: Invoice}
            - {from: context.n, transform: text}
            - {from: context.po, transform: [text, {format: "({})"}], required: false}
          separator: " "
          transform: upper
    """
    assert payload(fields, {"n": "7"}) == {"a": "INVOICE 7"}
    assert payload(fields, {"n": "7", "po": "x"}) == {"a": "INVOICE 7 (X)"}
    assert messages(fields, {}) == ["a: is required and missing or blank in the source"]


def test_an_optional_object_is_left_out_when_empty(payload: Any) -> None:
    fields = "a: {required: false, fields: {b: {from: context.b, transform: text, required: false}}}"
    assert payload(fields, {}) == {}
    assert payload(fields, {"b": "x"}) == {"a": {"b": "x"}}


def test_refuse_names_record_or_item(inbound: Any) -> None:
    extra = "refuse: [{when: {path: bad, present: true}, reason: bad record}]\n"
    fields = """
        order_id: {from: id, transform: text}
        kind: {const: order}
        legal_entity: {const: UK}
        order_date: {from: day, transform: date}
        currency: {const: GBP}
        customer_id: {absent: unknown here}
        buyer_country: {absent: unknown here}
        lines:
          each: lines
          refuse: [{when: {path: void, equals: true}, reason: voided line}]
          fields:
            line_id: {from: n, transform: text}
            product_code: {const: X}
            quantity: {const: 1}
            unit_price: {fields: {amount: {const: 1}, currency: {const: GBP}}}
            description: {absent: unknown here}
    """
    record = {"id": 1, "day": "2026-01-31", "bad": 1, "lines": [{"n": 1}, {"n": 2, "void": True}]}
    problems = inbound(fields, entity="order", extra=extra).apply(record).problems
    assert [(each.field, each.source_path, each.message) for each in problems] == [
        ("", "bad", "bad record"),
        ("lines[1]", "lines[1].void", "voided line"),
    ]


# --- what the compiler refuses


def test_all_schema_errors_come_at_once_with_file_line_and_field(refused: Refusal, outbound: Any) -> None:
    message = refused(outbound, "a: {form: x}\nb: {from: 'x..y'}", extra="colour: blue\n")
    assert "3 error(s)" in message
    assert "crm/thing.yaml:1: file: Additional properties are not allowed ('colour' was unexpected)" in message
    assert "crm/thing.yaml:9: fields.a: Additional properties" in message
    assert "crm/thing.yaml:10: fields.b.from: 'x..y' does not match" in message


def test_all_type_errors_come_at_once(inbound: Any, refused: Refusal) -> None:
    fields = ERP_FIELDS.replace("total, transform: decimal", "total, transform: text").replace(
        "number, transform: text", "number, transform: decimal"
    )
    message = refused(inbound, fields)
    assert "crm/thing.yaml:8: contract_id: gives decimal; the canonical document wants text" in message
    assert "crm/thing.yaml:12: annual_value.amount: gives text; the canonical document wants decimal" in message


def test_every_canonical_field_must_be_mentioned(inbound: Any, refused: Refusal) -> None:
    message = refused(inbound, "contract_id: {from: number, transform: text}\nannual_value: {fields: {amount: {const: 1}}}")
    for field in ("customer_id", "purchase_order", "annual_value.currency"):
        assert f"{field}: is not mapped; set it, or say `absent: reason`" in message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("number, transform: text", "number"), "contract_id: needs a transform or map that says its type"),
        (("po, transform: text}", "po, transform: text}\nextra: {const: 1}"), "extra: the canonical document has no such field"),
        (("{from: customer, transform: text}", "{absent: none here}"), "customer_id: cannot be absent"),
        (
            ("customer, transform: text", "customer, transform: text, required: false"),
            "customer_id: may be empty here but not in the canonical document",
        ),
        (("const: USD", "const: 5"), "annual_value.currency: gives integer; the canonical document wants text"),
    ],
)
def test_totality_and_types_of_inbound_mappings(inbound: Any, refused: Refusal, change: tuple[str, str], expected: str) -> None:
    assert expected in refused(inbound, ERP_FIELDS.replace(*change))


def test_a_default_of_the_model_is_never_used_silently(inbound: Any, refused: Refusal) -> None:
    fields = """
        customer_id: {from: a, transform: text}
        name: {from: a, transform: text}
        status: {const: activ}
        address: {fields: {country: {from: c, map: {a: b}}, line1: {absent: n/a}, city: {absent: n/a}, region: {absent: n/a}, postal_code: {absent: n/a}}}
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
        ("a: {from: context.x, transform: [text, {at_most: many}]}", "transform 'at_most' takes a number of characters"),
        ("a: {from: context.x, transform: [text, {format: '{} {}'}]}", "takes a text with one {} in it"),
        ("a: {from: context.x, transform: [decimal, {negate_when: {path: x, in: abc}}]}", "takes a condition"),
        ("a: {from: context.x, transform: [decimal, {money: {currency: context.c}}]}", "a payload cannot hold a money"),
        ("a: {from: context.x, transform: date}", "a payload cannot hold a date"),
        ("a: {from: context.x, transform: decimal, map: {a: b}}", "map works on text, not on decimal"),
        ("a: {from: context.x, const: 1}", "const cannot stand beside from"),
        ("a: {transform: text}", "a rule needs one of from, lookup"),
        ("a: {const: 1, required: true}", "required cannot stand beside const"),
        ("a: {from: context.x, transform: text, default: x}", "'reason' is a dependency of 'default'"),
        ("a: {from: context.x, transform: text, default: x, reason: why, required: true}", "with a default cannot be required"),
        ("a: {when: {path: context.x, equals: 1}, then: {const: 1}}", "'otherwise' is a dependency of 'when'"),
        ("a: {index: true}", "index has a meaning only inside each"),
        ("a: {concat: [{list: [{const: a}]}]}", "concat joins texts, not objects or lists"),
        ("a: {concat: [{const: 1}]}", "gives integer; the canonical document wants text"),
        ("a: {lookup: {table: nowhere, key: context.x, column: iso}}", "table 'nowhere': 1 error(s)"),
        ("a: {lookup: {table: netsuite_currency, key: context.x, column: isso}}", "has no column 'isso'"),
        ("a: {from: invoice.numbr, transform: text}", "invoice has no field 'numbr'"),
        ("a: {from: invoice.lines.net, transform: text}", "'lines' is a list"),
        ("a: {each: invoice.lines, fields: {b: {from: nett, transform: text}}}", "invoice.lines[] has no field 'nett'"),
        ("a: {from: invioce.number, transform: text}", "does not begin with one of invoice, context"),
        ("a: {from: 'context.x\n', transform: text}", "is not keys joined by dots"),
        ("a: {const: 1}\na: {const: 2}", "key 'a' is there twice"),
        ("a: {const: &x 1}\nb: {const: *x}", "aliases are not part of the mapping language"),
        ("a: {const: 010}", "is not a plain number; quote it if it is text"),
        ("a: {const: .inf", "not YAML"),
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


def test_an_unknown_entity_and_a_missing_file_are_refused(inbound: Any, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot be read"):
        compile_file(tmp_path / "none.yaml")
    with pytest.raises(MappingError, match=r"thing\.yaml:5: target\.entity: is not one of customer"):
        inbound(ERP_FIELDS, entity="quote")


def test_yes_and_no_stay_text(payload: Any) -> None:
    assert payload("a: {const: Yes}\nb: {const: off}\nc: {const: 2026-01-31}") == {
        "a": "Yes",
        "b": "off",
        "c": "2026-01-31",
    }


def test_the_canonical_struct_comes_out(inbound: Any) -> None:
    mapped = inbound(ERP_FIELDS).apply({"number": "C-1", "customer": "A-1", "total": "1.10"})
    assert isinstance(mapped.document, ErpContract)
    assert mapped.document.annual_value.amount == Decimal("1.10")
