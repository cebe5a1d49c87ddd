"""What differs between two outcomes: named place by place, lists by their items, problems by their fields."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.testing.differences import Place, compare, value_at


def problem(field: str, **said: str) -> dict[str, str]:
    return {
        "field": field,
        "message": "is not a number",
        "rule": "from, decimal",
        "source_path": "Q",
        "value": "many",
    } | said


def line(number: int, **more: Any) -> dict[str, Any]:
    return {"line_id": str(number), "quantity": f"{number}.00", "unit": "C62"} | more


def test_equal_outcomes_do_not_differ() -> None:
    assert compare({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}) == []


@pytest.mark.parametrize(
    ("expected", "actual", "place"),
    [
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, Place("a.b", "changed", "x", "y")),
        ({"a": "x", "b": None}, {"a": "x"}, Place("b", "missing", None, None)),
        ({"a": "x"}, {"a": "x", "b": {"c": 1}}, Place("b", "unexpected", None, {"c": 1})),
        ({"a": 1}, {"a": True}, Place("a", "changed", 1, True)),
        ({"a": "1"}, {"a": 1}, Place("a", "changed", "1", 1)),
        ({"a": [1, 2]}, {"a": [1, 3]}, Place("a[1]", "changed", 2, 3)),
        ({"a": []}, {"a": {}}, Place("a", "changed", [], {})),
    ],
)
def test_a_place_says_what_was_expected_and_what_came(expected: Any, actual: Any, place: Place) -> None:
    assert compare(expected, actual) == [place]


def test_one_line_too_many_is_one_difference_wherever_it_stands() -> None:
    lines = [line(1), line(2), line(3)]
    for at in range(4):
        longer = [*lines[:at], line(9), *lines[at:]]
        assert compare({"lines": lines}, {"lines": longer}) == [Place(f"lines[{at}]", "unexpected", None, line(9))]
        assert compare({"lines": longer}, {"lines": lines}) == [Place(f"lines[{at}]", "missing", line(9), None)]


def test_a_changed_line_is_found_again_beside_a_new_one() -> None:
    places = compare({"lines": [line(1), line(2)]}, {"lines": [line(7), line(1), line(2, unit="HUR")]})
    assert places == [Place("lines[0]", "unexpected", None, line(7)), Place("lines[1].unit", "changed", "C62", "HUR")]


def test_items_with_nothing_in_common_are_not_paired() -> None:
    assert [place.kind for place in compare(["a"], ["b", "c"])] == ["missing", "unexpected", "unexpected"]
    assert [place.kind for place in compare([{}], [{}, {}])] == ["missing", "unexpected", "unexpected"]


def test_a_document_that_is_now_refused_shows_the_value_and_the_problem() -> None:
    found = problem("lines[0].quantity")
    assert compare({"lines": [line(1)]}, {"problems": [found]}) == [
        Place("lines[0].quantity", "refused", "1.00", found)
    ]


def test_a_record_that_is_no_longer_refused_shows_the_problem_and_the_value() -> None:
    found = problem("lines[1].quantity")
    assert compare({"problems": [found]}, {"lines": [line(1)]}) == [Place("lines[1].quantity", "accepted", found, None)]


def test_problems_are_compared_by_field_and_only_what_differs_is_shown() -> None:
    expected = {"problems": [problem("a"), problem("b"), problem("b", value="few")]}
    actual = {"problems": [problem("b", message="is not finite"), problem("b", value="few"), problem("c")]}
    assert compare(expected, actual) == [
        Place("a", "accepted", problem("a"), None),
        Place("b", "changed", {"message": "is not a number"}, {"message": "is not finite"}),
        Place("c", "refused", None, problem("c")),
    ]


@pytest.mark.parametrize(
    ("path", "value"), [("", {"a": [{"b": 1}]}), ("a[0].b", 1), ("a[1].b", None), ("a.b", None), ("c", None)]
)
def test_the_value_at_a_path(path: str, value: Any) -> None:
    assert value_at({"a": [{"b": 1}]}, path) == value


scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "y"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner), max_leaves=12
)
documents = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


@settings(max_examples=150)
@given(documents, documents)
def test_outcomes_differ_exactly_when_their_json_does(expected: Any, actual: Any) -> None:
    same = json.dumps(expected, sort_keys=True) == json.dumps(actual, sort_keys=True)
    assert (compare(expected, actual) == []) == same


@settings(max_examples=100)
@given(documents, documents)
def test_either_side_may_come_first(expected: Any, actual: Any) -> None:
    turned = {"missing": "unexpected", "unexpected": "missing", "changed": "changed"}
    assert len(compare(expected, actual)) == len(compare(actual, expected))
    assert {turned[place.kind] for place in compare(expected, actual)} == {
        place.kind for place in compare(actual, expected)
    }
