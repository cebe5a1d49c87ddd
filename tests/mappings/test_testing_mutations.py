"""Rules are spoilt one by one: every operator does what its words say, good fixtures catch it, poor ones are told which rule they do not look at."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

import mappings
from canonical_model.errors import MappingError
from mappings import CompiledMapping, catalogue
from mappings.language.definition import Path as SourcePath
from mappings.language.definition import Rule
from mappings.testing.fixtures import cases, outcome, read_input
from mappings.testing.mutations import Mutant, Score, judge, mutate, spoilt
from mappings.testing.operators import OPERATORS, Ground
from mappings.testing.sources import Sources

Make = Callable[..., CompiledMapping]

INVOICE: dict[str, Any] = {
    "invoice_id": "order_1",
    "document_type": "380",
    "number": "UK-1",
    "legal_entity": "UK",
    "currency": "GBP",
    "issue_date": "2026-01-15",
    "due_date": "2026-02-14",
    "seller": {"party_id": "UK", "name": "Meridian", "address": {"city": "London", "country": "GB"}},
    "buyer": {"party_id": "17548", "name": "Customer", "address": {"city": "Leeds", "country": "GB"}},
    "lines": [
        {"line_id": "10", "product_code": "B", "quantity": "2", "net": {"amount": "5.00", "currency": "GBP"}},
        {"line_id": "11", "product_code": "A", "quantity": "3", "net": {"amount": "7.00", "currency": "GBP"}},
    ],
}


def tried(mapping: CompiledMapping, *records: Any) -> Score:
    """The score of fixtures that say what the mapping gives."""
    return judge(mapping, [(record, outcome(mapping.apply(record))) for record in records])


def survivors(mapping: CompiledMapping, *records: Any) -> set[tuple[str, str]]:
    return {(mutant.operator, mutant.change) for mutant in tried(mapping, *records).survivors}


# --- the mappings that ship


@pytest.mark.parametrize("name", mappings.names())
def test_the_fixtures_of_every_mapping_catch_four_of_five_mutants(name: str) -> None:
    score = mutate(name)
    assert score.total > 10
    assert score.percent >= 80, [f"{each.origin}: {each.field} {each.change}" for each in score.survivors]


def test_a_mapping_that_does_not_keep_to_its_fixtures_is_not_judged(account_folder: Path) -> None:
    file = account_folder / "account.full.out.json"
    file.write_text(file.read_text("utf-8").replace("Rochester", "Buffalo"), "utf-8")
    with pytest.raises(MappingError, match=r"does not keep to its fixtures .account\.full"):
        mutate("salesforce/account")


def test_the_same_mutants_come_in_the_same_order() -> None:
    mapping = mappings.load("salesforce/account")
    records = [read_input(path) for path in cases("salesforce/account")[:1]]
    assert tried(mapping, *records) == tried(mapping, *records)


# --- what counts as caught


def test_without_fixtures_everything_survives(outbound: Make) -> None:
    score = tried(outbound("number: {from: invoice.number, transform: [text, upper]}"))
    assert (score.caught, score.total, score.percent) == (0, 3, 0)
    assert {mutant.operator for mutant in score.survivors} == {"no rule", "no transform", "other requirement"}


def test_where_nothing_can_be_spoilt_nothing_is_missed(outbound: Make) -> None:
    assert tried(outbound("number: {absent: not wanted}")).percent == 100


def test_a_mutant_names_field_line_and_change(outbound: Make) -> None:
    mapping = outbound("code: {from: invoice.number, transform: [text, {at_most: 9}]}")
    found = tried(mapping, {"invoice": INVOICE}).survivors
    assert found[0] == Mutant(
        field="code", origin="crm/thing.yaml:8", operator="no transform", change="does without at_most 9"
    )


def test_what_the_compiler_refuses_is_counted_apart(outbound: Make) -> None:
    score = tried(outbound("day: {from: invoice.issue_date, transform: [date, iso_date]}"), {"invoice": INVOICE})
    assert score.refused == 1  # without `iso_date` the payload would hold a date
    assert ("no transform", "does without date") in {(each.operator, each.change) for each in score.survivors}


def test_other_words_about_a_problem_do_not_count(outbound: Make) -> None:
    mapping = outbound("code: {from: invoice.number, transform: [text, {at_most: 3}]}")
    assert ("another argument", "at_most 2 instead of 3") in survivors(mapping, {"invoice": INVOICE})
    assert ("another argument", "at_most 2 instead of 3") not in survivors(
        mapping, {"invoice": INVOICE | {"number": "UK1"}}
    )


def test_rules_of_an_overlay_are_spoilt_where_it_lies_and_those_of_the_base_everywhere() -> None:
    mapping = mappings.load("netsuite/invoice")
    us, uk = (read_input(catalogue.ROOT / f"netsuite/invoice.{case}.in.json") for case in ("full", "retail"))
    alone, both = tried(mapping, us), tried(mapping, us, uk)
    assert alone.total == both.total

    def overlooked(score: Score) -> set[str]:
        return {each.change for each in score.survivors if "overlays/" in each.origin}

    wanted = {"is 'RETAIL-GOODS~' instead of 'RETAIL-GOODS'", "has part 2 before part 1"}
    assert wanted <= overlooked(alone)
    assert not wanted & overlooked(both)


# --- operators


def test_every_kind_of_rule_has_operators() -> None:
    assert OPERATORS.keys() == set(get_args(Rule))


CASES: list[tuple[str, str, set[str]]] = [
    (
        "x: {from: invoice.seller.name, transform: text}",
        "another path",
        {
            "reads invoice.seller.party_id instead of invoice.seller.name",
            "reads invoice.buyer.name instead of invoice.seller.name",
        },
    ),
    (
        "x: {from: invoice.issue_date, transform: iso_date}",
        "another path",
        {"reads invoice.due_date instead of invoice.issue_date"},
    ),
    (
        "x: {from: invoice.number, transform: [text, lower]}",
        "no transform",
        {"does without text", "does without lower"},
    ),
    (
        "x: {from: invoice.number, transform: [text, {truncate: 9}]}",
        "another argument",
        {"truncate 8 instead of 9", "truncate 10 instead of 9"},
    ),
    (
        "x: {from: invoice.number, transform: [text, {format: 'no. {}'}]}",
        "another argument",
        {"format 'no. {}~' instead of 'no. {}'"},
    ),
    (
        "x: {from: invoice.due_date, transform: [date, {days_since: invoice.issue_date}]}",
        "another argument",
        {"days_since takes invoice.due_date instead of invoice.issue_date"},
    ),
    (
        "x: {from: invoice.number, transform: [decimal, {negate_when: {path: invoice.document_type, equals: '381'}}]}",
        "another argument",
        {
            "negate_when where not invoice.document_type equals '381'",
            "negate_when when invoice.buyer.party_id equals '381', not invoice.document_type equals '381'",
            "negate_when when invoice.document_type equals '380', not invoice.document_type equals '381'",
        },
    ),
    (
        "x: {from: invoice.document_type, map: {'380': a, '381': b, '383': b}}",
        "another answer",
        {"gives 'b' for '380' and 'a' for '381'"},
    ),
    (
        "x: {from: invoice.document_type, map: {'380': a, '381': b}}",
        "fewer answers",
        {"does not know '380'", "does not know '381'"},
    ),
    (
        "x: {from: invoice.order_id, transform: text, default: none, reason: no order}",
        "another default",
        {"defaults to 'none~' instead of 'none'", "does not default to 'none'"},
    ),
    ("x: {from: invoice.number, transform: text}", "other requirement", {"may be empty"}),
    ("x: {from: invoice.number, transform: text, required: false}", "other requirement", {"must not be empty"}),
    ("x: {const: true}", "another constant", {"is False instead of True"}),
    ("x: {const: 3}", "another constant", {"is 4 instead of 3"}),
    ("x: {const: a}", "another constant", {"is 'a~' instead of 'a'"}),
    (
        "x: {lookup: {table: netsuite_currency, key: [invoice.currency, invoice.number], column: iso}}",
        "fewer keys",
        {
            "does not look up invoice.currency",
            "does not look up invoice.number",
            "looks up invoice.number before invoice.currency",
        },
    ),
    (
        "x: {lookup: {table: netsuite_currency, key: invoice.currency, column: iso}}",
        "another column",
        {"gives column internal_id instead of iso"},
    ),
    (
        "x: {when: {path: invoice.document_type, equals: '381'}, then: {const: a}, otherwise: {absent: nothing}}",
        "other branch",
        {
            "takes the branch then in any case",
            "takes the branch otherwise in any case",
            "takes the branches the other way round",
        },
    ),
    (
        "x: {when: {path: invoice.document_type, in: ['381', '383']}, then: {const: a}, otherwise: {absent: nothing}}",
        "another condition",
        {
            "takes the branch then when invoice.buyer.party_id in ['381', '383'], not invoice.document_type in ['381', '383']",
            "takes the branch then when invoice.document_type in ['383'], not invoice.document_type in ['381', '383']",
            "takes the branch then when invoice.document_type in ['381'], not invoice.document_type in ['381', '383']",
        },
    ),
    (
        "x: {when: {path: invoice.document_type, equals: '381'}, then: {const: a}, otherwise: {absent: nothing}}",
        "no rule",
        {"gives nothing in the branch then", "does not set x"},
    ),
    ("x: {concat: [{const: a}, {const: b}]}", "no part", {"does without part 1 of 2", "does without part 2 of 2"}),
    ("x: {concat: [{const: a}, {const: b}]}", "other order", {"has part 2 before part 1"}),
    ("x: {concat: [{const: a}, {const: b}], separator: ' '}", "another separator", {"is joined by '~' instead of ' '"}),
    (
        "x: {subtract: [{const: 3}, {const: 1}]}",
        "another operation",
        {"does add instead of subtract", "does multiply instead of subtract"},
    ),
    ("x: {subtract: [{const: 3}, {const: 1}]}", "other order", {"has part 2 before part 1"}),
    ("x: {add: [{const: 3}, {const: 1}]}", "other order", set()),
    ("x: {list: [{const: a}, {const: b}]}", "no part", {"does without part 1 of 2", "does without part 2 of 2"}),
    (
        "x: {each: invoice.lines, sort: product_code, fields: {n: {index: true}}}",
        "another index",
        {"is 1 for every item"},
    ),
    (
        "x: {each: invoice.lines, sort: product_code, fields: {n: {index: true}}}",
        "no sort",
        {"is not sorted by product_code"},
    ),
    (
        "x: {each: invoice.lines, refuse: [{when: {path: line_id, present: true}, reason: it is there}], fields: {n: {index: true}}}",
        "no refusal",
        {
            "does not refuse when it is there",
            "refuses when not line_id is present",
            "refuses when quantity is present, not line_id is present",
        },
    ),
]


@pytest.mark.parametrize(("rule", "operator", "changes"), CASES)
def test_an_operator_spoils_its_rule(
    outbound: Make, tmp_path: Path, rule: str, operator: str, changes: set[str]
) -> None:
    shutil.copytree(catalogue.ROOT / "tables", tmp_path / "tables")
    assert {change for name, change in all_changes(outbound(rule)) if name == operator} == changes


def all_changes(mapping: CompiledMapping) -> list[tuple[str, str]]:
    """Operator and words of all mutants."""
    ground = Ground(sources=Sources(mapping.definition, [{"invoice": INVOICE}]))
    return [(mutant.operator, mutant.change) for mutant, _ in spoilt(mapping.definition.root, ground)]


@pytest.mark.parametrize(
    "rule",
    [
        "x: {when: {path: invoice.number, present: true}, then: {from: invoice.number, transform: text}, otherwise: {absent: draft}}",
        "x: {when: {path: invoice.number, equals: UK-1}, then: {from: invoice.number, transform: text}, otherwise: {absent: draft}}",
        "x: {when: {path: invoice.number, present: false}, then: {absent: draft}, otherwise: {from: invoice.number, transform: text}}",
        "x: {const: a}",
        "x: {concat: [{const: a}, {from: invoice.number, transform: text, required: false}]}",
        "x: {list: [{fields: {y: {const: a}}}]}",
    ],
)
def test_it_is_not_asked_whether_a_value_may_be_empty_that_cannot_be(outbound: Make, rule: str) -> None:
    found = [change for name, change in all_changes(outbound(rule)) if name == "other requirement"]
    assert found == (["must not be empty"] if "required: false" in rule else [])


def test_an_optional_object_may_be_required_where_all_in_it_is_optional(outbound: Make) -> None:
    fields = "{y: {from: invoice.number, transform: text, required: false}}"
    assert ("other requirement", "must not be empty") in all_changes(
        outbound(f"x: {{required: false, fields: {fields}}}")
    )


def test_each_mutant_gives_another_mapping(outbound: Make) -> None:
    for name in mappings.names():
        definition = mappings.load(name).definition
        ground = Ground(sources=Sources(definition, [read_input(path) for path in cases(name)]))
        assert all(root != definition.root for _, root in spoilt(definition.root, ground)), name


# --- paths that could be read instead


def sources(**record: Any) -> Sources:
    return Sources(mappings.load("salesforce/contract").definition, [record])


def others(found: Sources, full: str, steps: str, prefix: str = "") -> list[str]:
    path = SourcePath(text=prefix + steps, steps=tuple(steps.split(".")), at_root=bool(prefix), full=full)
    return [f"{each.text} {each.full} {'.'.join(each.steps)}" for each in found.others(path)]


def test_the_most_similar_sibling_and_the_same_name_elsewhere_are_read_instead() -> None:
    found = sources(Bill={"City": "a", "State": "b", "Stage": "c"}, Ship={"City": "d", "State": "e"}, Zip="f")
    assert others(found, "Bill.State", "Bill.State") == [
        "Bill.Stage Bill.Stage Bill.Stage",
        "Ship.State Ship.State Ship.State",
    ]


def test_only_what_holds_the_same_kind_of_value_is_read_instead() -> None:
    found = sources(
        StartDate="2026-01-01", StartState="x", EndDate="2026-12-31", Count=1, Amount="2.50", Done=True, Lines=[]
    )
    assert others(found, "StartDate", "StartDate") == ["EndDate EndDate EndDate"]
    assert others(found, "Count", "Count") == ["Amount Amount Amount"]
    assert others(found, "Done", "Done") == others(found, "Lines", "Lines") == []


def test_a_path_stays_in_its_item() -> None:
    found = sources(Name="a", Lines=[{"Name": "b", "Note": "c", "Parts": [{"Name": "d"}]}])
    assert others(found, "Lines[].Name", "Name") == ["Note Lines[].Note Note"]
    assert others(sources(Name="a", Nome="b", Lines=[{"Name": "c"}]), "Name", "Name", "$.") == ["$.Nome Nome Nome"]


def test_of_a_path_that_no_fixture_has_any_sibling_is_read_instead() -> None:
    assert others(sources(Name="a", Names=["b"]), "Nome", "Nome") == ["Name Name Name"]


def test_an_outbound_mapping_reads_only_what_the_document_has() -> None:
    found = Sources(mappings.load("tax_table/transaction").definition, [{"invoice": {"number": "1", "numbers": "2"}}])
    assert others(found, "invoice.number", "invoice.number") == []


def test_every_operator_is_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "mapping-tests.md").read_text("utf-8")
    assert [name for names in OPERATORS.values() for name in names if f"| {name} |" not in page] == []
