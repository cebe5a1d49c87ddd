"""The function that `apply` is: for every record exactly what the careful one gives, and for ordinary records without it."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappings
from canonical_model.encoding import encode
from mappings import Bundle, CompiledMapping, compile_bundle
from mappings.compiler.direct import compile_direct
from mappings.compiler.source_text import python_name
from mappings.contracts import contract_file, promised
from mappings.runtime.ordinary import Remembered
from mappings.runtime.readers import date_, decimal
from mappings.runtime.transforms import TRANSFORMS
from mappings.testing.fixtures import cases, read_input

Damaged = Callable[[str], st.SearchStrategy[Any]]

ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        1,
        -7,
        10**11,
        10**13,
        10**15,
        10**18,
        -(10**15),
        10**5000,
        0.5,
        float("nan"),
        [],
        {},
        [1],
        {"a": 1},
        (),
        "",
        " ",
        "\t\n",
    ),
    *("x", " x ", "X Y", "a\nb", "a\r\n\r\nb ", "\x00", "a\x00b", "\ud800", "Zürich ", "ﬁ", "ſ", "１２", "é" * 60),
    *("0", "-0", "0.00", "12.50", " 12.5 ", "1e3", "1E-7", "0E+30", "1_0", "NaN", "-Infinity", "99999999999.9", "(1)"),
    *("1234567890123456", "0.00000000001", "1.00000000000", "+5", "5.", "--5", "1\x00", "true", "FALSE", "yes", "C536"),
    *(
        "2026-01-31",
        " 2026-01-31",
        "2026-02-30",
        "20260131",
        "2026-W05-1",
        "2026-01-31 08:26:00",
        "2026-01-31T08:26:00Z",
    ),
    *("2026-01-31 08:26:00\x00", "us", "US", " DE ", "ZZ", "usd", "USD", "USD ", "EUR", "UK", "EIRE", "GB 123-4.5/6"),
    *map(
        Decimal, ["1", "1.50", "-0.00", "1E+3", "0E+30", "NaN", "sNaN", "Infinity", "0.00000000001", "123456789012.5"]
    ),
]
AMOUNTS = ["12.50", " 1", "1e3", "NaN", "0.00", None, "", 5, 0.5, [0, [1], 0], *ODD[-10:]]
CODES = ["USD", "JPY", "usd", " USD", None, 1, []]
MONEY = [{"amount": amount, "currency": code} for amount in AMOUNTS for code in CODES]
SUMS = [
    *([{"tax": money}] for money in MONEY),
    [],
    [{"tax": MONEY[0]}, {"tax": MONEY[0]}],
    [{"tax": MONEY[0]}, {}],
    [1],
    "x",
]
HEADER = """\
mapping: crm/thing
version: 3
direction: outbound
source: {system: hub, entity: invoice, schema: {name: Invoice, version: "1"}, inputs: [context]}
target: {system: crm, entity: thing}
owner: tests
fields:
"""
_CODES = "table: {}\nversion: 1\nowner: tests\nsource: here\ncolumns: [code]\nrows: {{US: us, '1': one, x: null}}\n"
TABLES = {
    "tables/names.yaml": "table: names\nversion: 1\nowner: tests\nsource: here\ncolumns: [iso]\nrows: {EIRE: IE, UK: GB, X: null}\n",
    "tables/codes.yaml": _CODES.format("codes"),
    "tables/entity_codes.yaml": _CODES.format("entity_codes") + "legal_entities: {DE: {US: vs}}\n",
}
TARGETS = {"money": ["amount"], "date": ["iso_date"]}
ARGUMENTS: dict[str, list[Any]] = {
    "none": [],
    "length": [3],
    "pattern": ["<{}>", "{{{}'\"\n"],
    "path": ["context.y"],
    "condition": [{"path": "context.y", "equals": "US"}],
    "field": ["tax"],
    "currency": [{"currency": "context.y"}, {"code": "GBP"}, {"code": "XXQ"}],
    "rounding": ["half_up"],
    "table": ["names"],
}


def chains() -> Iterator[list[Any]]:
    """Every reader, and every refiner after a reader that it takes."""
    for reader, kind in ((name, each.gives["json"]) for name, each in TRANSFORMS.items() if "json" in each.gives):
        for first in uses_of(reader):
            yield [first, *TARGETS.get(kind, [])]
            for name, each in TRANSFORMS.items():
                for use in uses_of(name) if kind in each.gives else ():
                    yield [first, use, *TARGETS.get(each.gives[kind], [])]
    yield ["text", {"format": " {}"}, "one_line"]
    yield ["decimal", "negate", {"money": {"code": "GBP"}}, "money_text"]
    yield ["text", {"truncate": 2}, "upper", "country_code"]


def uses_of(name: str) -> list[Any]:
    """A transform as mapping files write it, with each of the arguments to be tried."""
    return [{name: argument} for argument in ARGUMENTS[TRANSFORMS[name].argument]] or [name]


def made(fields: dict[str, Any], **promised: str) -> CompiledMapping:
    """A mapping of an invoice, beside it `context`, of whose fields something may be promised."""
    lines = "".join(f"  {name}: {json.dumps(rule)}\n" for name, rule in fields.items())
    files = {"crm/thing.yaml": HEADER + lines, **TABLES}
    return compile_bundle(
        Bundle(name="crm/thing", files=files), {f"context.{name}": kind for name, kind in promised.items()}
    )


def assert_same(mapping: CompiledMapping, record: Any) -> None:
    """`apply` and `carefully` agree, to the digit."""
    direct, careful = mapping.apply(record), mapping.carefully(record)
    assert direct == careful
    assert encode(direct.document) == encode(careful.document)


def ordinary(mapping: CompiledMapping) -> Callable[[Any], Any]:
    """The direct function alone, which fails where the careful one is needed."""

    def fail(record: Any) -> None:
        raise AssertionError(f"{mapping.name} takes this record for unusual")

    written = compile_direct(mapping.definition)
    written.names["carefully"] = fail
    return written.function(mapping.name)


@pytest.mark.parametrize("name", mappings.names())
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_it_gives_what_the_careful_one_gives(name: str, damaged: Damaged, data: st.DataObject) -> None:
    assert_same(mappings.load(name), data.draw(damaged(name)))


@pytest.mark.parametrize("name", mappings.names())
def test_ordinary_records_never_need_the_careful_one(name: str) -> None:
    mapping = mappings.load(name)
    record = max(
        (each for each in map(read_input, cases(name)) if not mapping.apply(each).problems),
        key=lambda each: len(str(each)),
    )
    assert all(ordinary(variant)(record).document for variant in mapping.variants)


@pytest.mark.parametrize("chain", [*chains()], ids=json.dumps)
def test_every_transform_is_the_same_in_both(chain: list[Any]) -> None:
    values = SUMS if "sum_of" in str(chain) else [*ODD, *MONEY] if "read_money" in chain else ODD
    besides = ("US", "USD", True, "2026-01-01", None, "usd ") if "context.y" in str(chain) else (None,)
    promises = ("any", "text", "integer") if chain[0] == "text" else ("any",)
    for modifier, kind in product(({}, {"required": False}), promises):
        mapping = made({"a": {"from": "context.x", "transform": chain, **modifier}}, x=kind)
        for value in values:
            for beside in besides:
                assert_same(mapping, {"context": {"x": value, "y": beside}})


INBOUND = """\
mapping: crm/thing
version: 3
direction: inbound
source: {system: crm, entity: thing, schema: {name: thing, version: v1}}
target: {entity: opportunity}
owner: tests
fields:"""
OPPORTUNITY = """
    opportunity_id: {from: t, transform: text}
    name: {from: t, transform: [text, one_line]}
    stage: {const: open}
    stage_name: {from: t, transform: text}
    currency: {const: USD}
    close_date: {from: day, transform: date}
    probability_percent: {from: x, transform: decimal}
    amount: {from: optional, transform: [decimal, {money: {currency: code}}]}
    customer_id: {from: optional, transform: text}
    legal_entity: {absent: unknown}
    price_book: {absent: unknown}
    contract_id: {absent: unknown}
    lines:
      each: lines
      fields:
        line_id: {from: unit, transform: text, default: "1", reason: because}
        product_code: {from: $.t, transform: text}
        description: {from: $.t, transform: text}
        quantity: {from: x, transform: integer}
        unit: {from: unit, transform: [text, upper], default: C62, reason: because}
        unit_price: {from: x, transform: [decimal, {money: {currency: $.code}}]}
        list_price: {absent: unknown}
        discount_percent: {from: x, transform: decimal, default: 0, reason: because}
        term_months: {from: x, transform: integer}
        service_date: {absent: unknown}
"""


@pytest.mark.parametrize("kind", ["any", "text", "integer"])
def test_every_value_of_json_is_the_same_in_both(kind: str) -> None:
    promised = {
        f"{path}{key}": kind for path in ("", "lines[].") for key in ("t", "x", "optional", "unit", "day", "code")
    }
    mapping = compile_bundle(Bundle(name="crm/thing", files={"crm/thing.yaml": INBOUND + OPPORTUNITY}), promised)
    sound = {
        "t": "x",
        "day": "2026-01-31",
        "x": "1.50",
        "optional": "2",
        "code": "USD",
        "lines": [{"x": "5", "unit": "mon"}],
    }
    assert mapping.apply(sound).document.lines[0].discount_percent == 5
    for key in sound:
        for value in ODD:
            assert_same(mapping, sound | {key: value})
            assert_same(mapping, sound | {"lines": [{"x": "5", "unit": "mon"} | {key: value}]})


RULES: dict[str, Any] = {
    "map": {"from": "context.x", "map": {"x": "one", "": "none", "US": "two"}},
    "map after transforms": {"from": "context.x", "transform": ["text", "upper"], "map": {"X": "one", "US": "two"}},
    "default": {"from": "context.x", "transform": "decimal", "default": 5, "reason": "because"},
    "lookup": {"lookup": {"table": "codes", "key": "context.x", "column": "code"}},
    "lookup by two keys": {"lookup": {"table": "codes", "key": ["context.x", "context.y"], "column": "code"}},
    "lookup of a legal entity": {
        "lookup": {"table": "entity_codes", "key": "context.x", "column": "code", "for": "context.y"}
    },
    "lookup refined": {
        "lookup": {"table": "codes", "key": "context.x", "column": "code"},
        "transform": {"format": "{}!"},
    },
    "lookups of one table with and without a legal entity": {
        "fields": {
            "b": {"lookup": {"table": "codes", "key": "context.x", "column": "code", "for": "context.y"}},
            "c": {"lookup": {"table": "codes", "key": "context.x", "column": "code"}},
        }
    },
    "concat": {
        "concat": [
            {"from": "context.x", "transform": "text"},
            {"const": "{'\"\n"},
            {"from": "context.y", "transform": "text", "required": False},
        ],
        "separator": "-{}-",
    },
    "concat of what must be there": {"concat": [{"from": f"context.{key}", "transform": "text"} for key in "xy"]},
    "when present": {
        "when": {"path": "context.x", "present": True},
        "then": {"from": "context.x", "transform": "text"},
        "otherwise": {"absent": "it is not there"},
    },
    "when equal": {
        "when": {"path": "context.x", "equals": 1},
        "then": {"const": "one"},
        "otherwise": {"const": "another"},
    },
    "when in": {
        "when": {"path": "context.x", "in": ["x", 1, "US"]},
        "then": {"const": True},
        "otherwise": {"from": "context.y", "transform": "text"},
    },
    "add": {"add": [{"from": f"context.{key}", "transform": "decimal", "required": key == "x"} for key in "xy"]},
    "multiply": {"multiply": [{"from": f"context.{key}", "transform": "decimal"} for key in "xy"]},
    "inside": {"from": "context.x.a.b", "transform": "text"},
    "list": {"list": [{"from": f"context.{key}", "transform": "text", "required": False} for key in "xy"]},
    "object": {"fields": {"b": {"from": "context.x", "transform": "text", "required": False}}, "required": False},
}


@pytest.mark.parametrize("kind", RULES)
def test_every_rule_is_the_same_in_both(kind: str) -> None:
    for modifier in ({}, {"required": False}):
        if modifier and (
            "default" in RULES[kind] or not {"from", "lookup", "concat", "add", "multiply"} & RULES[kind].keys()
        ):
            continue
        mapping = made({"a": RULES[kind] | modifier})
        for value in [*ODD, {"a": {"b": "c"}}, {"a": None}, {"a": [1]}]:
            for beside in ("US", None, "", "2.5", 1, "DE", " x", [], {}):
                assert_same(mapping, {"context": {"x": value, "y": beside}})
            assert_same(mapping, {"context": value})
            assert_same(mapping, value)


EACH = {
    "rows": {
        "each": "context.rows",
        "sort": "key",
        "refuse": [{"when": {"path": "bad", "present": True}, "reason": "it is bad"}],
        "fields": {
            "key": {"from": "key", "transform": "text"},
            "shared": {"from": "$.context.x", "transform": "text"},
            "sign": {
                "from": "amount",
                "transform": ["decimal", {"negate_when": {"path": "$.context.y", "equals": "US"}}],
                "required": False,
            },
            "kind": {
                "when": {"path": "$.context.y", "present": True},
                "then": {"from": "$.context.y", "transform": "text"},
                "otherwise": {"from": "key", "transform": ["text", "upper"]},
            },
            "inner": {
                "each": "inner",
                "required": False,
                "fields": {"at": {"index": True}, "v": {"from": "v", "transform": "text"}},
            },
        },
    },
    "numbered": {"each": "context.rows", "required": False, "sort": "key", "fields": {"at": {"index": True}}},
    "fixed": {"each": "context.rows", "fields": {"x": {"from": "$.context.x", "transform": "text", "required": False}}},
}
ROW = st.fixed_dictionaries(
    {"key": st.sampled_from(["b", "a", " c", "a", 1, None])},
    optional={
        "amount": st.sampled_from(["1.50", "", None, "x", "0.00"]),
        "bad": st.sampled_from([None, "", "x", 0]),
        "inner": st.sampled_from([None, [], [{"v": "x"}], [{"v": "x"}, {"v": "y"}], [{}], [1], "x", {}, ({"v": "x"},)]),
    },
)


@given(
    rows=st.lists(ROW | st.sampled_from([None, 1, [], {}]), max_size=4) | st.sampled_from([None, {}, "", "x", ()]),
    x=st.sampled_from(["x", " ", None, 5]),
    y=st.sampled_from(["US", "", None, [], "DE"]),
)
@settings(max_examples=100, deadline=None)
def test_lists_are_the_same_in_both(rows: Any, x: Any, y: Any) -> None:
    for mapping in _LISTS.values():
        assert_same(mapping, {"context": {"rows": rows, "x": x, "y": y}})
        assert_same(mapping, {"context": {"rows": tuple(rows) if isinstance(rows, list) else rows, "x": x, "y": y}})


_LISTS = {name: made({name: rule}) for name, rule in EACH.items()}


def test_what_is_the_same_for_all_items_is_read_before_the_loop() -> None:
    before, _, loop = _LISTS["rows"].source_text.partition("    for row in ")
    assert "value = context['x']" in before
    assert "context[" not in loop
    assert "context.get(" not in loop


def test_a_struct_only_takes_the_texts_that_its_field_knows(inbound: Any) -> None:
    fields = """
        payment_id: {from: id, transform: text}
        status: {from: status, transform: text}
        amount:
          fields:
            amount: {from: amount, transform: integer}
            currency: {const: USD}
        customer_id: {absent: unknown}
        received_date: {absent: unknown}
        method: {from: method, transform: text}
        reference: {absent: unknown}
        allocations: {absent: unknown}
    """
    mapping = inbound(fields, entity="payment")
    for status in ("received", "odd", "", None):
        for method in ("card", "odd", "", None):
            for amount in (5, "5", "x", 0):
                assert_same(mapping, {"id": "1", "status": status, "method": method, "amount": amount})
    document = mapping.apply({"id": "1", "status": "received", "amount": 5}).document
    assert type(document.amount.amount) is Decimal
    assert mapping.apply({"id": "1", "status": "odd", "amount": 5}).problems[0].rule == "canonical type"


@pytest.mark.parametrize(
    "name", ["text", "type", "value", "record", "class", "carefully", "days", "a-b", "_", "amount", "D_1"]
)
def test_no_field_takes_the_name_of_something_else(name: str) -> None:
    rules = {"transform": ["decimal", {"money": {"code": "GBP"}}, "amount"]}
    mapping = made({name: {"from": "context.x", **rules}, f"{name}2": {"from": "context.x", "transform": "text"}})
    assert ordinary(mapping)({"context": {"x": "1.5"}}).document == {name: Decimal("1.5"), f"{name}2": "1.5"}


def test_variables_are_named_after_fields() -> None:
    assert python_name("lines[]", "purchaseOrderNo") == "lines_purchase_order_no"
    assert python_name("Tax_Registration__c") == "tax_registration"
    assert [python_name(odd) for odd in ("é", "1a", "")] == ["value", "_1a", "value"]


def test_a_promise_makes_the_code_simpler_and_may_be_broken() -> None:
    rule = {"a": {"from": "context.x", "transform": "text"}}
    texts = [made(rule, x=kind).source_text for kind in ("any", "text", "integer")]
    assert ["type(value) is str" in text for text in texts] == [True, False, False]
    assert [made(rule, x="text").apply({"context": {"x": value}}).document for value in ("y", 5, None)] == [
        {"a": "y"},
        {"a": "5"},
        None,
    ]


def test_what_rules_have_in_common_is_done_once() -> None:
    reference = {"from": "context.x", "transform": "text"}
    longer = {"from": "context.x", "transform": ["text", {"format": "No. {}"}]}
    text = made({"a": reference, "b": longer, "c": {"fields": {"d": reference}}}).source_text
    assert text.count(".strip()") == 1
    assert made({"a": reference, "b": longer}).apply({"context": {"x": " 7 "}}).document == {"a": "7", "b": "No. 7"}


def test_what_came_before_is_remembered_but_not_without_bounds() -> None:
    days = Remembered(date_)
    assert days["2026-01-31"] is days["2026-01-31"]
    for number in range(10_100):
        days[f"2026-01-31{' ' * (number % 5)}{' ' * (number // 505)}"]
    assert len(days) <= 10_000
    numbers = Remembered(decimal)
    assert [str(numbers[value]) for value in (1, Decimal("1.00"), "1.0")] == ["1", "1.00", "1.0"]
    assert dict(numbers) == {"1.0": Decimal("1.0")}


def test_promises_come_from_the_contract(tmp_path: Path) -> None:
    found = mappings.promises("online_retail/order")
    assert (found["Lines[].LineNo"], found["InvoiceNo"]) == ("integer", "text")
    assert mappings.promises("netsuite/invoice") == {}
    file = contract_file(tmp_path, "crm/thing")
    file.parent.mkdir(parents=True)
    file.write_text("nonsense", "utf-8")
    assert promised(tmp_path, "crm/thing") == {}  # what is wrong with it, `mappings.contract` says
