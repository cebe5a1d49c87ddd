"""The fixtures beside each mapping are its tests: `<entity>.<case>.in.json` must give `<entity>.<case>.out.json`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from canonical_model.encoding import encode
from mappings import catalogue
from mappings.compiled import CompiledMapping
from mappings.runtime.records import FieldTrace, Mapped
from mappings.testing.differences import Kind, compare

_GIVEN, _EXPECTED = ".in.json", ".out.json"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a mapping does not give what its fixture says.

    Attributes:
        case: Name of the fixture, `<entity>.<case>`; of the mapping's entity where it has no fixture at all.
        path: Place in the outcome.
        kind: How the place differs, or `incomplete` for a fixture that cannot be run; `actual` then says why, and what to do.
        expected: As the fixture says; None where it says nothing.
        actual: As the mapping gives; None where it gives nothing.
        rule: The rule that made the field, in words; empty where there is none.
        origin: File and line of that rule; of the mapping's file where the mapping has no rule for the place.
    """

    case: str
    path: str
    kind: Kind | Literal["incomplete"]
    expected: Any
    actual: Any
    rule: str = ""
    origin: str = ""


def cases(name: str) -> list[Path]:
    """The input fixtures of a mapping, sorted."""
    return _files(name, _GIVEN)


def run_fixtures(name: str) -> list[Difference]:
    """All differences between a mapping's outcomes and its fixtures, by case; empty when it is sound.

    A mapping without fixtures, and an input or an outcome that stands alone or is no JSON, count as differences.

    Raises:
        MappingError: The mapping does not compile.
    """
    return held_to_fixtures(catalogue.load(name))


def held_to_fixtures(mapping: CompiledMapping) -> list[Difference]:
    """The same for one version of a mapping: the fixtures are those beside the mapping of its name."""
    found = [difference for given in cases(mapping.name) for difference in _run(mapping, given)]
    return [*_unpaired(mapping.name), *found]


def update_fixtures(name: str) -> list[Path]:
    """Write the outcomes that differ, or are not there, as the mapping gives them now. Returns the files written; inputs stay as they are.

    Raises:
        MappingError: The mapping does not compile.
    """
    mapping = catalogue.load(name)
    broken = {each.case for each in run_fixtures(name)}
    written = []
    for given in cases(name):
        if _case(given, _GIVEN) in broken and (record := _read(given)) is not None:
            written.append(write_outcome(given, mapping.apply(record)))
    return written


def write_outcome(given: Path, mapped: Mapped) -> Path:
    """Write what a mapping makes of an input beside it. Returns the file."""
    path = _outcome_file(given)
    path.write_text(json.dumps(outcome(mapped), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path


def read_input(path: Path) -> Any:
    """A fixture's input; numbers with decimals are exact.

    Raises:
        ValueError: It is not JSON.
    """
    return json.loads(path.read_text("utf-8"), parse_float=Decimal)


def outcome(mapped: Mapped) -> Any:
    """The outcome as plain JSON: the document, or `{"problems": [...]}` without the mapping's name and version; decimals as text."""
    if not mapped.problems:
        return json.loads(encode(mapped.document))
    problems: list[dict[str, Any]] = json.loads(encode(mapped.problems))
    return {"problems": [{key: each[key] for key in each if key not in ("mapping", "version")} for each in problems]}


def expected_outcome(given: Path) -> Any:
    """What the fixture of an input says.

    Raises:
        OSError: There is no such file.
        ValueError: It is not JSON.
    """
    return json.loads(_outcome_file(given).read_text("utf-8"))


def _unpaired(name: str) -> Iterator[Difference]:
    """What is missing before anything can be run."""
    inputs, outcomes = ({_case(path, end) for path in _files(name, end)} for end in (_GIVEN, _EXPECTED))
    if not inputs:
        yield _incomplete(
            Path(name).name, f"no fixtures: write {name}.<case>{_GIVEN}, then billhub map test {name} --update"
        )
    for case in sorted(outcomes - inputs):
        yield _incomplete(case, f"{case}{_EXPECTED} has no input {case}{_GIVEN} beside it; write one, or remove it")
    for case in sorted(inputs - outcomes):
        yield _incomplete(
            case,
            f"{case}{_GIVEN} has no outcome {case}{_EXPECTED} beside it; billhub map test {name} --update writes it",
        )


def _run(mapping: CompiledMapping, given: Path) -> Iterator[Difference]:
    case = _case(given, _GIVEN)
    if not _outcome_file(given).exists():
        return
    record, expected = _read(given), _read(_outcome_file(given))
    for path, content in ((given, record), (_outcome_file(given), expected)):
        if content is None:
            yield _incomplete(case, f"{path.name} holds no JSON object")
    if record is None or expected is None:
        return
    places = compare(expected, outcome(mapping.apply(record)))
    traces = mapping.explain(record) if places else ()
    for place in places:
        maker = _maker(place.path, traces)
        yield Difference(
            case=case,
            rule=maker.rule if maker else "",
            origin=maker.origin if maker else f"{mapping.name}.yaml",
            **place._asdict(),
        )


def _maker(path: str, traces: Sequence[FieldTrace]) -> FieldTrace | None:
    """How the field at a path came about: its own trace, else that of a field in it, else that of what it lies in."""
    by_field: Mapping[str, FieldTrace] = {trace.field: trace for trace in traces}
    if path in by_field:
        return by_field[path]
    inner = next((trace for trace in traces if trace.field.startswith((f"{path}.", f"{path}["))), None)
    while inner is None and path:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
        inner = by_field.get(path)
    return inner


def _read(path: Path) -> dict[str, Any] | None:
    """The object in a file; None where there is none."""
    try:
        content = read_input(path)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _incomplete(case: str, message: str) -> Difference:
    return Difference(case=case, path="", kind="incomplete", expected=None, actual=message)


def _files(name: str, end: str) -> list[Path]:
    return sorted((catalogue.ROOT / name).parent.glob(f"{Path(name).name}.*{end}"))


def _case(path: Path, end: str) -> str:
    return path.name.removesuffix(end)


def _outcome_file(given: Path) -> Path:
    return given.with_name(given.name.removesuffix(_GIVEN) + _EXPECTED)
