"""The fixtures beside each mapping are its tests: `<entity>.<case>.in.json` must give `<entity>.<case>.out.json`."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from canonical_model.encoding import encode
from mappings.catalogue import ROOT, load
from mappings.runtime.records import Mapped


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a mapping does not give what its fixture says.

    Attributes:
        case: Name of the fixture.
        path: Place in the outcome.
        expected: As the fixture says; None where it says nothing.
        actual: As the mapping gives; None where it gives nothing.
    """

    case: str
    path: str
    expected: Any
    actual: Any


def cases(name: str) -> list[Path]:
    """The input fixtures of a mapping, sorted."""
    return sorted((ROOT / name).parent.glob(f"{Path(name).name}.*.in.json"))


def run_fixtures(name: str) -> list[Difference]:
    """All differences between a mapping's outcomes and its fixtures; empty when it is sound.

    Raises:
        MappingError: The mapping does not compile.
        OSError: An input has no expected outcome beside it.
    """
    return [difference for path in cases(name) for difference in _run(name, path)]


def read_input(path: Path) -> Any:
    """A fixture's input; numbers with decimals are exact."""
    return json.loads(path.read_text("utf-8"), parse_float=Decimal)


def outcome(mapped: Mapped) -> Any:
    """The outcome as plain JSON: the document, or `{"problems": [...]}`; decimals as text."""
    return json.loads(encode({"problems": mapped.problems} if mapped.problems else mapped.document))


def _run(name: str, path: Path) -> Iterator[Difference]:
    expected = json.loads(path.with_name(path.name.replace(".in.json", ".out.json")).read_text("utf-8"))
    actual = outcome(load(name).apply(read_input(path)))
    for place, left, right in _differences(expected, actual, ""):
        yield Difference(case=path.name.removesuffix(".in.json"), path=place, expected=left, actual=right)


def _differences(expected: Any, actual: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(expected.keys() | actual.keys()):
            yield from _differences(expected.get(key), actual.get(key), f"{path}.{key}" if path else key)
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (left, right) in enumerate(zip(expected, actual, strict=True)):
            yield from _differences(left, right, f"{path}[{index}]")
    elif expected != actual or type(expected) is not type(actual):
        yield path, expected, actual
