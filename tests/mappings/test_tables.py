"""Lookup tables: the chain legal entity, organisation, default; and what nobody knows is a problem."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical_model.errors import MappingError
from mappings import CompiledMapping, catalogue, compile_file
from mappings.files.tables import Table, examined, read_table

TABLE = """\
table: terms
version: 4
owner: tests
columns: [days, label]
rows:
  N30: [30, default]
  N60: [60, default]
organisation:
  N30: [31, organisation]
  N90: [90, organisation]
legal_entities:
  UK:
    N30: [32, entity]
    OLD: [null, entity]
"""
MAPPING = """\
mapping: crm/thing
version: 1
direction: outbound
source: {system: hub, entity: invoice, schema: {name: Invoice, version: "1"}, inputs: [context]}
target: {system: crm, entity: thing}
owner: tests
fields:
  days: {lookup: {table: terms, key: context.terms, column: days, for: context.entity}, required: false}
  house: {lookup: {table: terms, key: context.terms, column: label}, required: false}
"""


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., CompiledMapping]:
    """Compiles the mapping with a table beside it."""

    def make(table: str = TABLE, mapping: str = MAPPING) -> CompiledMapping:
        for place, text in (("tables/terms.yaml", table), ("crm/thing.yaml", mapping)):
            path = tmp_path / place
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        return compile_file(tmp_path / "crm" / "thing.yaml")

    return make


@pytest.mark.parametrize(
    ("entity", "terms", "days", "house"),
    [
        ("UK", "N30", 32, "organisation"),
        (" UK ", "N60", 60, "default"),
        ("UK", "N90", 90, "organisation"),
        ("DE", "N30", 31, "organisation"),
        (None, "N30", 31, "organisation"),
        ("", "N60", 60, "default"),
    ],
)
def test_the_nearest_level_answers(compiled: Any, entity: Any, terms: str, days: int, house: str) -> None:
    document = compiled().apply({"invoice": {}, "context": {"entity": entity, "terms": terms}}).document
    assert document == {"days": days, "house": house}


@pytest.mark.parametrize("entity", [["UK"], {"code": "UK"}, True])
def test_a_legal_entity_that_is_no_code_is_a_problem(compiled: Any, entity: Any) -> None:
    problems = compiled().apply({"invoice": {}, "context": {"entity": entity, "terms": "N30"}}).problems
    assert [each.field for each in problems] == ["days"]
    assert "is looked up for a legal entity whose code is" in problems[0].message


def test_what_no_level_knows_is_a_problem_and_never_a_default(compiled: Any) -> None:
    mapping = MAPPING.replace("required: false}\n  house", "default: 30, reason: house terms}\n  house")
    context = {"entity": "DE", "terms": "OLD"}
    problems = compiled(mapping=mapping).apply({"invoice": {}, "context": context}).problems
    assert [each.field for each in problems] == ["days", "house"]
    assert problems[0].message == "is not in table 'terms' version 4; it has N30, N90, N60"


def test_a_row_may_say_that_a_key_stands_for_nothing(compiled: Any) -> None:
    mapping = MAPPING[: MAPPING.index("  house")]
    assert compiled(mapping=mapping).apply({"invoice": {}, "context": {"entity": "UK", "terms": "OLD"}}).document == {}


def test_the_trace_names_the_level(compiled: Any) -> None:
    record = {"invoice": {}, "context": {"entity": "UK", "terms": "N30"}}
    days, house = compiled().explain(record)
    row = {"table": "terms", "version": 4, "key": "N30"}
    assert days.lookup_row == {**row, "level": "legal entity UK", "days": 32, "label": "entity"}
    assert house.lookup_row == {**row, "level": "organisation", "days": 31, "label": "organisation"}


def test_a_broken_table_is_a_fault_of_the_mapping(compiled: Any) -> None:
    with pytest.raises(MappingError, match=r"tables/terms.yaml:8: organization: is no key .* is it 'organisation'\?"):
        compiled(table=TABLE.replace("organisation:", "organization:"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[null, entity]", "[null]", "14: legal_entities.UK.OLD: has 1 value(s) for 2 column(s): days, label"),
        ("[90, organisation]", "[90, organisation, 3]", "10: organisation.N90: has 3 value(s) for 2 column(s)"),
        ("[60, default]", "60", "7: rows.N60: has 1 value(s) for 2 column(s)"),
        ("[60, default]", "['60', default]", "7: rows.N60: column 'days' has text in one row and a number in another"),
        ("[60, default]", "[6.5, default]", "7: rows.N60: [Decimal('6.5'), 'default'] does not fit: One value where"),
        ("[60, default]", "[true, default]", "7: rows.N60: [True, 'default'] does not fit"),
        ("N60:", "' N60':", "7: rows. N60: ' N60' does not fit: Text without blanks around it"),
        ("N60:", "'':", "7: rows.: '' does not fit: Text without blanks around it"),
        ("N60:", "'N30':", "7: file: key 'N30' is there twice"),
        ("  UK:", "  ' ':", "12: legal_entities. : ' ' does not fit"),
        ("table: terms", "table: conditions", "1: table: the file calls itself 'conditions'"),
        ("[days, label]", "[days, 10]", "4: columns.1: 10 is not text; quote it"),
        ("owner: tests", "owner: ' '", "3: owner: ' ' does not fit"),
    ],
)
def test_a_faulty_table_is_refused_by_its_own_lines(compiled: Any, old: str, new: str, expected: str) -> None:
    assert old in TABLE
    with pytest.raises(MappingError) as caught:
        compiled(table=TABLE.replace(old, new, 1))
    assert f"tables/terms.yaml:{expected}" in str(caught.value)


def test_a_column_that_the_table_does_not_have_is_refused(compiled: Any) -> None:
    with pytest.raises(
        MappingError, match=r"thing.yaml:8: days: table 'terms' has no column 'day'; it has days, label"
    ):
        compiled(mapping=MAPPING.replace("column: days", "column: day"))


def test_a_null_row_stands_for_nothing_in_every_column(compiled: Any) -> None:
    mapping = compiled(table=TABLE.replace("[60, default]", "null"))
    assert mapping.apply({"invoice": {}, "context": {"terms": "N60"}}).document == {}


def test_aliases_are_text_and_one_in_any_case(compiled: Any) -> None:
    mapping = (
        MAPPING[: MAPPING.index("  days")] + "  a: {from: context.x, transform: [text, {country_from_name: terms}]}\n"
    )
    with pytest.raises(MappingError) as caught:
        compiled(table=TABLE.replace("N60:", "n30:"), mapping=mapping)
    assert "a: row 'N30' of table 'terms' gives 30, which is no text" in str(caught.value)
    assert "a: rows 'N30' and 'n30' of table 'terms' are the same in small letters" in str(caught.value)


SCALAR = st.sampled_from(["1", "'1'", "x", "null", "true", "1.5", "[1]", "{a: 1}", "2020-01-01", "''"])
ROW = st.one_of(SCALAR, st.lists(SCALAR, max_size=3).map(lambda items: f"[{', '.join(items)}]"))
LEVEL = st.dictionaries(st.sampled_from(["A", "a", "10", "~", "' '", "'x y'"]), ROW, max_size=3)


def _yaml(level: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {row}" for key, row in level.items()) + "}"


@given(LEVEL, LEVEL, LEVEL, st.sampled_from(["A", "a", "10", "~", "x y", "B"]), st.sampled_from(["UK", None]))
def test_any_table_answers_with_a_whole_row_or_is_refused(
    rows: Any, house: Any, entity: Any, key: str, code: Any
) -> None:
    head = "table: t\nversion: 1\nowner: x\ncolumns: [a, b]\n"
    text = f"{head}rows: {_yaml(rows)}\norganisation: {_yaml(house)}\nlegal_entities: {{UK: {_yaml(entity)}}}\n"
    table, faults = examined("t", text)
    if table is None:
        assert all(str(fault.mark).startswith("tables/t.yaml:") for fault in faults)
        assert faults
        return
    found = table.find(key, code)
    assert found is None or list(found[1]) == ["a", "b"]
    assert len({type(row["a"]) for _, row in table.all_rows()} - {type(None)}) <= 1


CODES = st.sampled_from(["A", "B", "C"])
ROWS = st.dictionaries(CODES, st.integers(0, 9).map(str), max_size=3)


@given(ROWS, ROWS, st.dictionaries(st.sampled_from(["UK", "DE"]), ROWS), CODES, st.sampled_from(["UK", "DE", "FR"]))
def test_the_merged_column_is_the_chain(rows: Any, organisation: Any, entities: Any, key: str, code: str) -> None:
    def row_of(values: dict[str, str]) -> dict[str, dict[str, str]]:
        return {name: {"v": value} for name, value in values.items()}

    table = Table(
        name="t",
        version=1,
        rows=row_of(rows),
        organisation=row_of(organisation),
        legal_entities={name: row_of(values) for name, values in entities.items()},
    )
    chain = (entities.get(code, {}), organisation, rows)
    expected = next((level[key] for level in chain if key in level), None)
    assert table.column("v", code).get(key) == expected
    found = table.find(key, code)
    assert (found[1]["v"] if found else None) == expected


def test_read_table_names_the_file_and_line() -> None:
    with pytest.raises(MappingError, match=r"tables/terms.yaml:2: version"):
        read_table("terms", TABLE.replace("version: 4", "version: four"))


def test_a_table_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(MappingError, match="there is no such table; there are avatax_company, country_name"):
        catalogue.table("nowhere")
