"""Every construct of the language and what it gives."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest


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
    rows: list[dict[str, Any]] = [{"name": "b", "v": 2}, {"name": "a", "v": 1}, {"name": None, "v": 0}]
    assert payload(fields, {"rows": rows}) == {"out": [{"v": 0}, {"v": 1}, {"v": 2}]}
    rows[0]["v"] = "bad"
    (problem,) = outbound(fields).apply({"context": {"rows": rows}}).problems
    assert (problem.field, problem.source_path) == ("out[2].v", "context.rows[0].v")


@pytest.mark.parametrize(
    ("rows", "expected"), [(None, "is required"), ("x", "must be a list"), ([1], "must be an object")]
)
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


def test_yes_and_no_stay_text(payload: Any) -> None:
    assert payload("a: {const: Yes}\nb: {const: off}\nc: {const: 2026-01-31}") == {
        "a": "Yes",
        "b": "off",
        "c": "2026-01-31",
    }
