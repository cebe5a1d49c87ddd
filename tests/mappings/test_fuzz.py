"""No record crashes a mapping, and none of its values is lost without a word: it is read, named under `ignore`, or reported as unmapped."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappings
from canonical_model.encoding import encode
from mappings import CompiledMapping
from mappings.testing.fixtures import cases, read_input

Strategy = st.SearchStrategy[Any]

NEW = "Grown_by_the_source__c"
OTHERS: tuple[Any, ...] = ({"odd": 1}, None, "odd", "UK", True, "381", "1", 7)
"""Values to put in the place of others."""


@pytest.mark.parametrize("name", mappings.names())
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_json_gives_a_document_or_named_problems(
    name: str, any_json: Strategy, damaged: Callable[[str], Strategy], data: st.DataObject
) -> None:
    mapped = mappings.load(name).apply(data.draw(any_json | damaged(name)))
    assert (mapped.document is None) == bool(mapped.problems)
    assert all(each.message and each.rule for each in mapped.problems)
    assert all(each.field or each.rule.startswith(("refuse", "record")) for each in mapped.problems)
    assert encode(mapped)


@pytest.mark.parametrize("name", mappings.names())
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_any_json_is_explained_and_searched_for_what_is_unmapped(
    name: str, any_json: Strategy, damaged: Callable[[str], Strategy], data: st.DataObject
) -> None:
    mapping, record = mappings.load(name), data.draw(any_json | damaged(name))
    assert {trace.mapping for trace in mapping.explain(record)} == {name}
    assert all(isinstance(path, str) for path in mapping.unmapped(record))


@pytest.mark.parametrize("name", mappings.names())
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_every_value_is_read_or_ignored_or_reported(
    name: str, any_json: Strategy, damaged: Callable[[str], Strategy], data: st.DataObject
) -> None:
    record = grown(data.draw(damaged(name).filter(lambda each: isinstance(each, dict))), data, any_json)
    mapping = mappings.load(name).variant(record)
    known, reported = {*mapping.definition.paths, *mapping.ignored}, mapping.unmapped(record)
    lost = {path for path in {*leaves(record)} if not any(covers(claim, path) for claim in (*known, *reported))}
    assert lost == set()
    assert known.isdisjoint(reported)


@pytest.mark.parametrize("name", mappings.names())
def test_what_a_mapping_says_it_reads_decides_about_the_outcome(name: str) -> None:
    """Otherwise a value could be dropped and count as read: some change to it changes the document, the problems or the explanation."""
    records = [read_input(path) for path in cases(name)]
    for variant in mappings.load(name).variants:
        paths = variant.definition.paths
        assert [path for path in paths if not any(matters(variant, record, path) for record in records)] == []


def grown(record: Any, data: st.DataObject, values: Strategy) -> Any:
    """A copy with a new field in some of its objects."""
    result = copy.deepcopy(record)
    for holder in [each for each in objects(result) if data.draw(st.booleans())]:
        holder[NEW] = data.draw(values)
    return result


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects in a JSON value."""
    if isinstance(value, dict):
        inner = list(value.values())
        yield value
    else:
        inner = value if isinstance(value, list) else []
    for item in inner:
        yield from objects(item)


def leaves(value: Any, path: str | None = None) -> Iterator[str]:
    """The paths of all scalars, and of empty lists and objects; list steps end in `[]`. An item that is nothing holds nothing."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, key if path is None else f"{path}.{key}")
    elif isinstance(value, list) and value:
        for item in filter(lambda each: each is not None, value):
            yield from leaves(item, f"{path}[]")
    elif path is not None:
        yield path


def covers(claim: str, path: str) -> bool:
    """Whether a path is the one claimed, or inside what stands there, or on the way to it, where something else stands."""
    return path == claim or path.startswith((f"{claim}.", f"{claim}[")) or claim.startswith((f"{path}.", f"{path}["))


def matters(mapping: CompiledMapping, record: Any, path: str) -> bool:
    """Whether another value at a path makes a difference to the outcome."""
    before = mapping.apply(record)
    return any(
        mapping.apply(changed) != before
        for other in OTHERS
        if (changed := put(record, path.split("."), other)) != record
    )


def put(value: Any, steps: list[str], other: Any) -> Any:
    """A copy with another value at a path, in each item of the lists on the way."""
    if not steps:
        return other
    if not isinstance(value, dict):
        return value
    (first, *rest), name = steps, steps[0].removesuffix("[]")
    if first == name:
        return value | {name: put(value.get(name), rest, other)}
    return value | {name: [put(item, rest, other) for item in value.get(name) or ()]}
