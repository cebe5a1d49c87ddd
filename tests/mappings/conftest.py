"""Small mapping files written on the spot, and records that are damaged."""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
from hypothesis import strategies as st

from mappings import CompiledMapping, compile_file
from mappings.testing.fixtures import cases, read_input

Make = Callable[..., CompiledMapping]

_INBOUND = """\
mapping: crm/thing
version: 3
direction: inbound
source: {{system: crm, entity: thing, schema: {{name: thing, version: v1}}}}
target: {{entity: {entity}}}
owner: tests
"""
_OUTBOUND = """\
mapping: crm/thing
version: 3
direction: outbound
source: {system: hub, entity: invoice, schema: {name: Invoice, version: "1"}, inputs: [context]}
target: {system: crm, entity: thing}
owner: tests
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the text as mapping file `crm/thing.yaml`."""

    def write_text(text: str) -> Path:
        path = tmp_path / "crm" / "thing.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    return write_text


@pytest.fixture
def outbound(write: Callable[[str], Path]) -> Make:
    """Compiles these fields as a mapping of an invoice, beside it `context`; the fields begin on line 8."""
    return lambda fields, extra="": compile_file(write(f"{_OUTBOUND}{extra}fields:\n{_indented(fields)}"))


@pytest.fixture
def inbound(write: Callable[[str], Path]) -> Make:
    """Compiles these fields as a mapping to a canonical entity; the fields begin on line 8."""

    def make(fields: str, entity: str = "erp_contract", extra: str = "") -> CompiledMapping:
        return compile_file(write(f"{_INBOUND.format(entity=entity)}{extra}fields:\n{_indented(fields)}"))

    return make


def _indented(fields: str) -> str:
    return indent(dedent(fields), "  ")


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(max_size=12)
    | st.sampled_from(["1e999999999", "1e99999999999999999999", "NaN", "-0", "0E+30", "1_0", "２", "\x00", "\ud800"])
    | st.sampled_from(["2026-02-30", "C1", " USD", "us"])
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="session")
def any_json() -> st.SearchStrategy[Any]:
    """Any JSON value, and numbers that JSON cannot hold."""
    return ANY_JSON


@pytest.fixture(scope="session")
def damaged() -> Callable[[str], st.SearchStrategy[Any]]:
    """Fixtures of the mapping of this name with up to three places replaced by any JSON."""
    return _damaged


@cache
def _damaged(name: str) -> st.SearchStrategy[Any]:
    records = [read_input(path) for path in cases(name)]

    @st.composite
    def draw_one(draw: Any) -> Any:
        record = draw(st.sampled_from(records))
        for _ in range(draw(st.integers(1, 3))):
            record = _replaced(record, draw(st.sampled_from(places(record))), draw(ANY_JSON))
        return record

    return draw_one()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a JSON value."""
    found = [path]
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in steps:
        found += places(item, (*path, key))
    return found


def _replaced(record: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of a record with another value at one place."""
    if not path:
        return value
    result = copy.copy(record)
    result[path[0]] = _replaced(record[path[0]], path[1:], value)
    return result
