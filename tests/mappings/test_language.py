"""Every construct of the language: what it gives, and what the compiler refuses, with file, line and field."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from mappings_writing import ERP_FIELDS, INBOUND, inbound, outbound, write

from canonical_model.contracts import ErpContract
from canonical_model.errors import MappingError
from mappings import compile_file

Refusal = Callable[..., str]


def payload(folder: Path, fields: str, context: Any = None, **invoice: Any) -> Any:
    """What an outbound mapping of these fields makes of a record; fails the test when it has problems."""
    mapped = outbound(folder, fields).apply({"invoice": invoice, "context": context})
    assert mapped.problems == ()
    return mapped.document


def messages(folder: Path, fields: str, context: Any = None, **invoice: Any) -> list[str]:
    """The problems as `field: message`."""
    mapped = outbound(folder, fields).apply({"invoice": invoice, "context": context})
    assert mapped.document is None
    return [f"{each.field}: {each.message}" for each in mapped.problems]


@pytest.fixture
def refused(tmp_path: Path) -> Refusal:
    """The message of the refusal to compile these fields."""

    def refuse(fields: str, make: Callable[..., Any] = outbound, **options: Any) -> str:
        with pytest.raises(MappingError) as caught:
            make(tmp_path, fields, **options)
        return str(caught.value)

    return refuse


# --- reading


def test_from_reads_nested_paths(tmp_path: Path) -> None:
    assert payload(tmp_path, "a: {from: context.b.c, transform: text}", {"b": {"c": " x "}}) == {"a": "x"}


@pytest.mark.parametrize("missing", [None, {}, {"b": None}, {"b": {"c": None}}, {"b": {"c": "  "}}])
def test_missing_and_blank_values_are_a_problem_where_required(tmp_path: Path, missing: Any) -> None:
    found = messages(tmp_path, "a: {from: context.b.c, transform: text}", missing)
    assert found == ["a: is required and missing or blank in the source"]


def test_optional_fields_are_left_out(tmp_path: Path) -> None:
    assert payload(tmp_path, "a: {from: context.b, transform: text, required: false}", {}) == {}


def test_a_path_through_something_that_is_no_object_is_a_problem(tmp_path: Path) -> None:
    found = outbound(tmp_path, "a: {from: context.b.c, transform: text, required: false}").apply({"context": {"b": "x"}})
    assert [(each.value, each.message) for each in found.problems] == [("x", "is not an object, so it has no 'c'")]


def test_constants_and_defaults(tmp_path: Path) -> None:
    fields = """
        a: {const: true}
        b: {const: 1.50}
        c: {from: context.c, transform: decimal, default: 0, reason: nothing was agreed}
    """
    assert payload(tmp_path, fields, {}) == {"a": True, "b": Decimal("1.50"), "c": Decimal(0)}


def test_a_default_never_covers_a_bad_value(tmp_path: Path) -> None:
    fields = "c: {from: context.c, transform: decimal, default: 0, reason: nothing was agreed}"
    assert messages(tmp_path, fields, {"c": "ten"}) == ["c: is not a number"]


# --- choosing


def test_map_gives_the_named_value(tmp_path: Path) -> None:
    assert payload(tmp_path, "a: {from: context.x, map: {Yes: active, No: inactive}}", {"x": "Yes"}) == {"a": "active"}


@pytest.mark.parametrize("unknown", ["yes", "Maybe", True, 1, [], {}])
def test_an_unknown_enum_value_lists_the_allowed_ones(tmp_path: Path, unknown: Any) -> None:
    (found,) = messages(tmp_path, "a: {from: context.x, map: {Yes: active, No: inactive}, required: false}", {"x": unknown})
    assert found.startswith("a: is not one of 'Yes', 'No'")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("equals: 1", [1]),
        ('in: [a, "7"]', ["a", "7"]),
        ("present: true", ["x", 0, False, [0]]),
        ("present: false", [None, "", "  ", [], {}]),
    ],
)
def test_when_takes_the_first_branch_exactly_where_the_condition_holds(
    tmp_path: Path, condition: str, holds: list[Any]
) -> None:
    fields = f"a: {{when: {{path: context.x, {condition}}}, then: {{const: yes}}, otherwise: {{absent: not said}}}}"
    mapping = outbound(tmp_path, fields)
    values = ["x", 0, False, None, "", "  ", [], {}, 1, "a", "7", 7, [0]]
    taken = [value for value in values if mapping.apply({"context": {"x": value}}).document]
    assert all(any(value == each and type(value) is type(each) for each in holds) or value in holds for value in taken)
    assert len(taken) >= len(holds)


def test_when_nests(tmp_path: Path) -> None:
    fields = """
        a:
          when: {path: context.x, equals: 1}
          then: {const: one}
          otherwise:
            when: {path: context.x, equals: 2}
            then: {const: two}
            otherwise: {from: context.x, transform: text}
    """
    assert [payload(tmp_path, fields, {"x": value})["a"] for value in (1, 2, 3)] == ["one", "two", "3"]


def test_lookup_takes_the_first_key_that_is_present(tmp_path: Path) -> None:
    fields = "a: {lookup: {table: netsuite_currency, key: [context.id, context.name], column: iso}}"
    assert payload(tmp_path, fields, {"id": 4, "name": "Euro"}) == {"a": "JPY"}
    assert payload(tmp_path, fields, {"id": " ", "name": "Euro"}) == {"a": "EUR"}


def test_an_unresolved_lookup_is_a_problem_even_with_a_default_and_a_second_key(tmp_path: Path) -> None:
    fields = """
        a:
          lookup: {table: netsuite_currency, key: [context.id, context.name], column: iso}
          default: USD
          reason: our own currency
    """
    (found,) = messages(tmp_path, fields, {"id": "99", "name": "Euro"})
    assert "is not in table 'netsuite_currency' version 1; it has 1, 2, 3, 4" in found
    assert payload(tmp_path, fields, {}) == {"a": "USD"}


# --- building


def test_each_reads_items_and_index_and_root(tmp_path: Path) -> None:
    fields = """
        lines:
          each: context.rows
          fields:
            n: {index: true}
            code: {from: code, transform: text}
            sub.ject: {from: $.context.head, transform: text}
    """.replace("sub.ject", "head")
    context = {"head": "H", "rows": [{"code": "a"}, {"code": "b"}]}
    assert payload(tmp_path, fields, context) == {
        "lines": [{"n": 1, "code": "a", "head": "H"}, {"n": 2, "code": "b", "head": "H"}]
    }


def test_each_inside_each_names_both_positions(tmp_path: Path) -> None:
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
    (problem,) = outbound(tmp_path, fields).apply(record).problems
    assert (problem.field, problem.source_path) == ("out[1].inner[1].v", "context.rows[1].subs[1].v")


def test_each_sorts_by_text_and_reports_source_positions(tmp_path: Path) -> None:
    fields = "out: {each: context.rows, sort: name, fields: {v: {from: v, transform: integer}}}"
    rows = [{"name": "b", "v": 2}, {"name": "a", "v": 1}, {"name": None, "v": 0}]
    assert payload(tmp_path, fields, {"rows": rows}) == {"out": [{"v": 0}, {"v": 1}, {"v": 2}]}
    rows[0]["v"] = "bad"
    (problem,) = outbound(tmp_path, fields).apply({"context": {"rows": rows}}).problems
    assert (problem.field, problem.source_path) == ("out[2].v", "context.rows[0].v")


@pytest.mark.parametrize(("rows", "expected"), [(None, "is required"), ("x", "must be a list"), ([1], "must be an object")])
def test_each_wants_a_list_of_objects(tmp_path: Path, rows: Any, expected: str) -> None:
    (found,) = messages(tmp_path, "out: {each: context.rows, fields: {v: {index: true}}}", {"rows": rows})
    assert expected in found


def test_list_joins_single_elements_and_each(tmp_path: Path) -> None:
    fields = """
        out:
          list:
            - fields: {v: {const: first}}
            - {each: context.rows, fields: {v: {from: v, transform: text}}}
            - {each: context.more, fields: {v: {from: v, transform: text}}}
    """
    record = {"context": {"rows": [{"v": "a"}], "more": [{"v": "b"}, {"v": ""}]}}
    (problem,) = outbound(tmp_path, fields).apply(record).problems
    assert (problem.field, problem.source_path) == ("out[3].v", "context.more[1].v")
    record["context"]["more"].pop()
    assert [each["v"] for each in outbound(tmp_path, fields).apply(record).document["out"]] == ["first", "a", "b"]


def test_concat_joins_the_parts_that_are_there(tmp_path: Path) -> None:
    fields = """
        a:
          concat:
            - {const: Invoice}
            - {from: context.n, transform: text}
            - {from: context.po, transform: [text, {format: "({})"}], required: false}
          separator: " "
          transform: upper
    """
    assert payload(tmp_path, fields, {"n": "7"}) == {"a": "INVOICE 7"}
    assert payload(tmp_path, fields, {"n": "7", "po": "x"}) == {"a": "INVOICE 7 (X)"}
    assert messages(tmp_path, fields, {}) == ["a: is required and missing or blank in the source"]


def test_an_optional_object_is_left_out_when_empty(tmp_path: Path) -> None:
    fields = "a: {required: false, fields: {b: {from: context.b, transform: text, required: false}}}"
    assert payload(tmp_path, fields, {}) == {}
    assert payload(tmp_path, fields, {"b": "x"}) == {"a": {"b": "x"}}


def test_refuse_names_record_or_item(tmp_path: Path) -> None:
    header = INBOUND.replace("erp_contract", "order") + "refuse: [{when: {path: bad, present: true}, reason: bad record}]\n"
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
            line_id: {index: true}
            product_code: {const: X}
            quantity: {const: 1}
            unit_price: {fields: {amount: {const: 1}, currency: {const: GBP}}}
            description: {absent: unknown here}
    """.replace("{index: true}", "{from: n, transform: text}")
    record = {"id": 1, "day": "2026-01-31", "bad": 1, "lines": [{"n": 1}, {"n": 2, "void": True}]}
    problems = inbound(tmp_path, fields, header=header).apply(record).problems
    assert [(each.field, each.source_path, each.message) for each in problems] == [
        ("", "bad", "bad record"),
        ("lines[1]", "lines[1].void", "voided line"),
    ]


# --- what the compiler refuses


def test_all_schema_errors_come_at_once_with_file_line_and_field(tmp_path: Path) -> None:
    text = INBOUND.replace("version: 3", "version: none") + "fields:\n  a: {form: x}\n  b: {from: 'x..y'}\n"
    with pytest.raises(MappingError) as caught:
        compile_file(write(tmp_path, text))
    message = str(caught.value)
    assert "crm/thing.yaml:2: version:" in message
    assert "crm/thing.yaml:8: fields.a:" in message
    assert "crm/thing.yaml:9: fields.b.from:" in message
    assert "3 error(s)" in message


def test_all_type_errors_come_at_once(refused: Refusal) -> None:
    fields = ERP_FIELDS.replace("total, transform: decimal", "total, transform: text").replace(
        "number, transform: text", "number, transform: decimal"
    )
    message = refused(fields, inbound)
    assert "crm/thing.yaml:8: contract_id: gives decimal; the canonical document wants text" in message
    assert "crm/thing.yaml:12: annual_value.amount: gives text; the canonical document wants decimal" in message


def test_every_canonical_field_must_be_mentioned(refused: Refusal) -> None:
    message = refused("contract_id: {from: number, transform: text}\nannual_value: {fields: {amount: {const: 1}}}", inbound)
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
def test_totality_and_types_of_inbound_mappings(refused: Refusal, change: tuple[str, str], expected: str) -> None:
    assert expected in refused(ERP_FIELDS.replace(*change), inbound)


def test_a_default_of_the_model_is_never_used_silently(refused: Refusal) -> None:
    header = INBOUND.replace("erp_contract", "customer")
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
    message = refused(fields, inbound, header=header)
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
def test_faulty_mappings_are_refused_with_a_reason(refused: Refusal, fields: str, expected: str) -> None:
    message = refused(fields.replace("'context.x\n'", '"context.x\\n"'))
    assert expected in message
    assert "crm/thing.yaml:" in message


def test_ignored_paths_of_an_outbound_mapping_must_exist(tmp_path: Path) -> None:
    text = write(tmp_path, "").parent
    path = text / "thing.yaml"
    header = "mapping: crm/thing\nversion: 1\ndirection: outbound\nsource: {system: hub, entity: invoice, schema: x}\n"
    path.write_text(
        header + "target: {entity: thing}\nowner: me\nignore: [{paths: [invoice.colour], reason: not sold}]\nfields: {a: {const: 1}}\n"
    )
    with pytest.raises(MappingError, match="invoice has no field 'colour'"):
        compile_file(path)


@pytest.mark.parametrize("text", ["", "- a", "a: [", "{a: {b: }"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MappingError, match=r"thing\.yaml:1"):
        compile_file(write(tmp_path, text))


def test_an_unknown_entity_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot be read"):
        compile_file(tmp_path / "none.yaml")
    with pytest.raises(MappingError, match=r"thing\.yaml:5: target\.entity: is not one of customer"):
        inbound(tmp_path, header=INBOUND.replace("erp_contract", "quote"))


def test_yes_and_no_stay_text(tmp_path: Path) -> None:
    assert payload(tmp_path, "a: {const: Yes}\nb: {const: off}\nc: {const: 2026-01-31}") == {
        "a": "Yes",
        "b": "off",
        "c": "2026-01-31",
    }


def test_the_canonical_struct_comes_out(tmp_path: Path) -> None:
    mapped = inbound(tmp_path).apply({"number": "C-1", "customer": "A-1", "total": "1.10"})
    assert isinstance(mapped.document, ErpContract)
    assert mapped.document.annual_value.amount == Decimal("1.10")
