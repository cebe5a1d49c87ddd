"""Explaining a record: every field, where it came from, by which rule, and why."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

import mappings
from mappings import FieldTrace
from mappings.catalogue import ROOT
from mappings.testing.fixtures import cases, read_input


def explained(name: str, case: str, **changes: Any) -> dict[str, FieldTrace]:
    """Traces of a fixture, with some of its fields changed, by target field."""
    record = read_input(ROOT / f"{name}.{case}.in.json") | changes
    return {trace.field: trace for trace in mappings.load(name).explain(record)}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All scalar fields of a document by path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def test_a_field_shows_source_value_result_rule_and_version() -> None:
    trace = explained("salesforce/account", "full")["address.line1"]
    assert trace == FieldTrace(
        field="address.line1",
        source_path="BillingStreet",
        value="100 Main Street\r\nSuite 400",
        result="100 Main Street, Suite 400",
        rule="from, text, one_line",
        mapping="salesforce/account",
        version=1,
        origin="salesforce/account.yaml:23",
    )


def test_a_default_shows_its_reason() -> None:
    trace = explained("salesforce/account", "defaults")["payment_terms_days"]
    assert (trace.value, trace.result, trace.reason) == (None, 30, "house terms apply where none were agreed")
    assert explained("salesforce/account", "full")["payment_terms_days"].reason is None


def test_a_lookup_shows_its_row() -> None:
    trace = explained("netsuite/sales_order", "full")["annual_value.currency"]
    assert trace.source_path == "currency.internalId, currency.name"
    assert trace.lookup_row == {
        "table": "netsuite_currency",
        "version": 1,
        "level": "default",
        "key": "1",
        "iso": "USD",
        "internal_id": "1",
    }


def test_a_constant_and_a_gap_show_their_reasons() -> None:
    traces = explained("tax_table/tax_quote", "full")
    assert traces["lines[0].jurisdictions[0].kind"].reason == "the table knows national rates only"
    assert (traces["reference"].rule, traces["reference"].reason) == ("absent", "the table records nothing")


def test_lines_show_both_positions() -> None:
    traces = explained("salesforce/contract", "full")
    assert traces["lines[0].quantity"].source_path == "OrderItems[1].Quantity"
    assert traces["lines[1].quantity"].result == Decimal("25.00")
    assert (traces["lines"].value, traces["lines"].result) == ("a list of 2", 2)


def test_a_problem_shows_as_the_reason() -> None:
    trace = explained("salesforce/contract", "problems")["lines[1].quantity"]
    assert (trace.value, trace.result, trace.reason) == ("many", None, "is not a number")


def test_a_branch_shows_what_was_taken() -> None:
    assert explained("salesforce/contract", "full")["lines[1].description"].source_path == "OrderItems[0].Description"
    assert explained("salesforce/contract", "full")["lines[0].description"].source_path == "OrderItems[1].Product2.Name"


@pytest.mark.parametrize("name", mappings.names())
def test_every_field_of_every_document_is_explained_with_its_value(name: str) -> None:
    mapping = mappings.load(name)
    for path in cases(name):
        record = read_input(path)
        document = mapping.apply(record).document or {}
        results = {trace.field: trace.result for trace in mapping.explain(record)}
        by_leaf = dict(leaves(flattened(results)))
        for field, value in leaves(msgspec.to_builtins(document, builtin_types=(Decimal,))):
            assert field in by_leaf or covered(field, results), f"{path.name}: {field} is not explained"
            if field in by_leaf and value not in (None, (), []):
                assert msgspec.to_builtins(by_leaf[field], builtin_types=(Decimal,)) == value


def flattened(results: dict[str, Any]) -> dict[str, Any]:
    """Results by field; money, which one rule gives as an object, by its parts."""
    flat: dict[str, Any] = {}
    for field, result in results.items():
        parts = result if isinstance(result, dict) else {}
        flat |= {f"{field}.{key}": value for key, value in parts.items()} or {field: result}
    return flat


def covered(field: str, results: dict[str, Any]) -> bool:
    """Whether a rule above explains the field: one for an empty list or an absent object."""
    return any(field.startswith((f"{name}.", f"{name}[")) for name in results)


@pytest.mark.parametrize("record", [None, [], {}, {"lines": "x"}, {"invoice": 1}])
@pytest.mark.parametrize("name", mappings.names())
def test_explaining_never_fails(name: str, record: Any) -> None:
    traces = mappings.load(name).explain(record)
    assert traces
    assert {trace.mapping for trace in traces} == {name}
