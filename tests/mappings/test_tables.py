"""Lookup tables: the chain legal entity, organisation, default; and what nobody knows is a problem."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical_model.errors import MappingError
from mappings import CompiledMapping, compile_file
from mappings.files.tables import Table, read_table

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
    with pytest.raises(MappingError, match=r"crm/thing.yaml:8: days: table 'terms': 1 error"):
        compiled(table=TABLE.replace("organisation:", "organization:"))


def test_every_level_needs_the_column(compiled: Any) -> None:
    with pytest.raises(MappingError, match="row 'OLD' of table 'terms' has no column 'label'"):
        compiled(table=TABLE.replace("[null, entity]", "[null]"))


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
