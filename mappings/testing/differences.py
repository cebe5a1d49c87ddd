"""What differs between two outcomes of a mapping, place by place, in the words of the one who has to mend it.

An outcome is a document as plain JSON, or `{"problems": [...]}`. Lists of one length are compared item by item; the items of lists of different
length are paired by what they have in common, so that one line too many is shown as one line.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from canonical_model.encoding import encode

Kind = Literal["changed", "missing", "unexpected", "refused", "accepted"]


class Place(NamedTuple):
    """One place where two outcomes differ.

    Attributes:
        path: Field of the target, items as `[0]`; empty for the whole.
        kind: `changed`; `missing` or `unexpected` field or item; `refused` where only the mapping has a problem, `accepted` where only the
            fixture has one.
        expected: As the fixture says; None where it says nothing.
        actual: As the mapping gives; None where it gives nothing.
    """

    path: str
    kind: Kind
    expected: Any
    actual: Any


def compare(expected: Any, actual: Any) -> list[Place]:
    """All places where two outcomes differ, in the order of the expected one's fields by name."""
    wanted, given = problems_of(expected), problems_of(actual)
    if wanted is None and given is None:
        return list(_compared(expected, actual, ""))
    return list(_problems_compared(_by_field(wanted or ()), _by_field(given or ()), (expected, actual)))


def _by_field(problems: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    """Problems by field; several of one field are counted."""
    found: dict[tuple[str, int], Mapping[str, Any]] = {}
    for problem in problems:
        count = sum(field == problem["field"] for field, _ in found)
        found[problem["field"], count] = problem
    return found


def _problems_compared(
    wanted: Mapping[tuple[str, int], Any], given: Mapping[tuple[str, int], Any], documents: tuple[Any, Any]
) -> Iterator[Place]:
    for key in dict.fromkeys((*wanted, *given)):
        field = key[0]
        if key not in given:
            yield Place(field, "accepted", wanted[key], value_at(documents[1], field))
        elif key not in wanted:
            yield Place(field, "refused", value_at(documents[0], field), given[key])
        elif wanted[key] != given[key]:
            names = [name for name in wanted[key] if wanted[key][name] != given[key].get(name)]
            yield Place(
                field, "changed", *({name: each.get(name) for name in names} for each in (wanted[key], given[key]))
            )


def problems_of(outcome: Any) -> Sequence[Mapping[str, Any]] | None:
    """The problems in an outcome; None where it is a document."""
    return outcome["problems"] if isinstance(outcome, dict) and outcome.keys() == {"problems"} else None


def value_at(document: Any, path: str) -> Any:
    """What stands at a path such as `lines[0].net`; None where nothing does."""
    for step in path.replace("[", ".[").split(".") if path else ():
        if step.startswith("["):
            index = int(step[1:-1])
            document = document[index] if isinstance(document, list) and index < len(document) else None
        else:
            document = document.get(step) if isinstance(document, dict) else None
    return document


def same(expected: Any, actual: Any) -> bool:
    """Whether two values are the same JSON: 1 is not true."""
    return expected is actual or encode(expected) == encode(actual)


def _compared(expected: Any, actual: Any, path: str) -> Iterator[Place]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        yield from _objects(expected, actual, path)
    elif isinstance(expected, list) and isinstance(actual, list):
        yield from _lists(expected, actual, path)
    elif not same(expected, actual):
        yield Place(path, "changed", expected, actual)


def _objects(expected: Mapping[str, Any], actual: Mapping[str, Any], path: str) -> Iterator[Place]:
    for key in sorted(expected.keys() | actual.keys()):
        inner = f"{path}.{key}" if path else key
        if key not in actual:
            yield Place(inner, "missing", expected[key], None)
        elif key not in expected:
            yield Place(inner, "unexpected", None, actual[key])
        else:
            yield from _compared(expected[key], actual[key], inner)


def _lists(expected: Sequence[Any], actual: Sequence[Any], path: str) -> Iterator[Place]:
    for left, right in _aligned(expected, actual):
        if left is not None and right is not None:
            yield from _compared(expected[left], actual[right], f"{path}[{left}]")
        elif left is not None:
            yield Place(f"{path}[{left}]", "missing", expected[left], None)
        elif right is not None:
            yield Place(f"{path}[{right}]", "unexpected", None, actual[right])


def _aligned(expected: Sequence[Any], actual: Sequence[Any]) -> list[tuple[int | None, int | None]]:
    """Positions that belong together, in order; None beside an item that the other side does not have.

    Of all ways to pair the items of lists of different length the one is taken whose pairs have most values in common.
    """
    if len(expected) == len(actual):
        return [(index, index) for index in range(len(expected))]
    left, right = ([frozenset(_values(item, "")) for item in items] for items in (expected, actual))
    best = _best(left, right)
    pairs: list[tuple[int | None, int | None]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        likeness = _likeness(left[i], right[j])
        if likeness and best[i][j] == best[i + 1][j + 1] + likeness:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return [
        *pairs,
        *((index, None) for index in range(i, len(left))),
        *((None, index) for index in range(j, len(right))),
    ]


def _best(left: Sequence[frozenset[str]], right: Sequence[frozenset[str]]) -> list[list[int]]:
    """How much the rest of both lists can have in common, from each pair of positions on."""
    best = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in reversed(range(len(left))):
        for j in reversed(range(len(right))):
            together = best[i + 1][j + 1] + _likeness(left[i], right[j])
            best[i][j] = max(together, best[i + 1][j], best[i][j + 1])
    return best


def _likeness(item: frozenset[str], other: frozenset[str]) -> int:
    """Values in common, in thousandths."""
    return 1000 * len(item & other) // max(len(item), len(other), 1)


def _values(value: Any, path: str) -> Iterator[str]:
    """Each single value in a value, with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _values(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _values(inner, f"{path}[{index}]")
    else:
        yield f"{path} {encode(value).decode()}"
