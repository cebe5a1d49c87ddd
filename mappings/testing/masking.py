"""Personal data taken out of a source record, so that it can be kept as a fixture and still takes the same way through its mapping.

Safe by default: every text and number is masked, whether the mapping reads it or not, unless a rule that reads it knows it as vocabulary
(see `ways`) or the caller keeps its path. Two things are kept for the sake of the way:

- The letters at the start of an identifier that an enum is read from (`C` of `C536379`), where no mask without them gives the same answer.
- The order of items that are sorted by what is masked.

What a rule refuses, such as a value that its enum does not have, is masked like anything else, by something that it refuses as well: the problem
stays, and whatever was typed in the wrong field does not get out. True, false and null are kept, and blanks and punctuation, which are the shape.
"""

import re
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from canonical_model.errors import MappingError
from mappings.compiled import CompiledMapping
from mappings.testing.differences import problems_of
from mappings.testing.disguise import Disguise, counted_on
from mappings.testing.fixtures import outcome
from mappings.testing.ways import Way, sorts_of, ways_of

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_:-]*", re.ASCII)
_PREFIX = re.compile(r"\s*[A-Za-z]*", re.ASCII)
_TRIES = 60

Leaf = tuple[tuple[str | int, ...], str, Any]
"""A value with its place in the record and its full path, items as `[]`."""


class Masked(msgspec.Struct, frozen=True, kw_only=True):
    """A record without personal data.

    Attributes:
        record: In the shape of the one given.
        masked: Paths with masked values, and how many.
        kept: Paths with kept values, and why.
    """

    record: dict[str, Any]
    masked: Mapping[str, int]
    kept: Mapping[str, str]


def mask(
    record: Mapping[str, Any], mapping: CompiledMapping, *, salt: bytes | None = None, keep: Collection[str] = ()
) -> Masked:
    """Mask a source record.

    Args:
        record: Plain JSON values, decimals as Decimal or text.
        mapping: Whose source it is.
        salt: Secret that the masks are made with. One salt gives one value the same mask in all records; without it each call has its own, and nobody
            can make the masks again.
        keep: Full paths, items as `[]`, whose values are not personal and stay.

    Raises:
        MappingError: A path to keep is not in the record, or a value cannot be masked so that the record takes the same way; names the path.
    """
    leaves = list(_leaves(record, (), ""))
    _require_known(keep, {path for _, path, _ in leaves}, mapping)
    ways = ways_of(mapping)
    kept = {
        place: why for place, path, value in leaves if (why := _reason_to_keep(path, value, ways, keep)) is not None
    }
    open_leaves = [(place, path, value) for place, path, value in leaves if place not in kept]
    masks = _Masks(salt or secrets.token_bytes(32), mapping, ways, open_leaves)
    masked = _rebuilt(record, (), masks, {place for place, _, _ in open_leaves})
    _require_same_way(record, masked, mapping)
    return Masked(
        record=masked,
        masked=_counted(path for _, path, value in open_leaves if masks.of(value) != value),
        kept={path: kept[place] for place, path, _ in leaves if kept.get(place)},
    )


class _Masks:
    """The masks of one record, one for each value, wherever it stands."""

    def __init__(
        self, salt: bytes, mapping: CompiledMapping, ways: Mapping[str, Sequence[Way]], leaves: Sequence[Leaf]
    ) -> None:
        self._disguise = Disguise(salt, [str(value) for _, _, value in leaves])
        self._mapping, self._taken = mapping, set[tuple[type, str]]()
        paths: dict[tuple[type, str], dict[str, None]] = defaultdict(dict)
        for _, path, value in leaves:
            paths[_key(value)][path] = None
        self._masks: dict[tuple[type, str], Any] = {}
        for (kind, text), found in paths.items():
            self._masks[kind, text] = self._fitting(
                kind(text), [way for path in found for way in ways.get(path, ())], next(iter(found))
            )
        for values in _sorted_together(leaves, sorts_of(mapping)):
            masks = sorted(self.of(value) for value in values)
            self._masks |= {_key(value): new for value, new in zip(sorted(values), masks, strict=True)}

    def of(self, value: Any) -> Any:
        """The mask of a value."""
        return self._masks[_key(value)]

    def key(self, name: str) -> str:
        """The mask of a key that does not look like the name of a field."""
        return name if _NAME.fullmatch(name) else self._disguise.text(name, 0)

    def _fitting(self, value: Any, ways: Sequence[Way], path: str) -> Any:
        """A mask that nothing else has and that every rule answers as it does the value."""
        for candidate in self._candidates(value, by_letters=any(way.by_letters for way in ways)):
            if _key(candidate) not in self._taken and all(way.answer(candidate) == way.answer(value) for way in ways):
                self._taken.add(_key(candidate))
                return candidate
        message = (
            f"the value at {path} cannot be masked so that the record takes the same way; "
            f"keep it with --keep '{path}' if it is not personal"
        )
        raise MappingError(message, mapping=self._mapping.name, field=path)

    def _candidates(self, value: Any, *, by_letters: bool) -> Iterator[Any]:
        """Masks, those first that keep nothing."""
        kind, text = _key(value)
        prefix = _PREFIX.match(text) if by_letters else None
        for kept in (0, prefix.end()) if prefix else (0,):
            for attempt in range(_TRIES):
                yield kind(self._disguise.text(text, attempt, kept=kept))
            yield from map(kind, counted_on(self._disguise.text(text, 0, kept=kept)))


def _key(value: Any) -> tuple[type, str]:
    """A value by its type and digits: 5, 5.00 and "5" are three."""
    return type(value), format(value, "f") if isinstance(value, Decimal) else str(value)


def _reason_to_keep(path: str, value: Any, ways: Mapping[str, Sequence[Way]], keep: Collection[str]) -> str | None:
    """Why a value stays: empty where there is nothing to mask; None where it must be masked."""
    if value is None or isinstance(value, bool) or value == "":
        return ""
    if path in keep:
        return "asked for"
    return next((way.knows for way in ways.get(path, ()) if way.is_vocabulary(value)), None)


def _leaves(value: Any, place: tuple[str | int, ...], path: str) -> Iterator[Leaf]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*place, key), f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*place, index), f"{path}[]")
    else:
        yield place, path, value


def _rebuilt(value: Any, place: tuple[str | int, ...], masks: _Masks, masked: Collection[tuple[str | int, ...]]) -> Any:
    if isinstance(value, Mapping):
        return {masks.key(key): _rebuilt(inner, (*place, key), masks, masked) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rebuilt(inner, (*place, index), masks, masked) for index, inner in enumerate(value)]
    return masks.of(value) if place in masked else value


def _sorted_together(leaves: Sequence[Leaf], sorts: Mapping[str, str]) -> list[set[str]]:
    """Texts whose order counts: those of one list that is sorted by them."""
    found: dict[tuple[str, tuple[str | int, ...]], set[str]] = defaultdict(set)
    for place, path, value in leaves:
        if path in sorts and isinstance(value, str):
            steps = path.removeprefix(f"{sorts[path]}[].").count(".") + 2
            found[path, place[:-steps]].add(value)
    return list(found.values())


def _require_known(keep: Collection[str], known: Collection[str], mapping: CompiledMapping) -> None:
    for path in keep:
        if path not in known:
            raise MappingError(
                f"{path!r} cannot be kept: the record has no such value", mapping=mapping.name, field=path
            )


def _require_same_way(record: Mapping[str, Any], masked: Mapping[str, Any], mapping: CompiledMapping) -> None:
    before, after = (list(structure(outcome(mapping.apply(each)))) for each in (record, masked))
    for left, right in zip(before, after, strict=False):
        if left != right:
            message = f"the masked record takes another way: {' '.join(right)} instead of {' '.join(left)}; keep what decides it with --keep"
            raise MappingError(message, mapping=mapping.name, field=left[0])
    if len(before) != len(after):
        longer = max(before, after, key=len)[min(len(before), len(after))]
        message = "the masked record takes another way; keep what decides it with --keep"
        raise MappingError(message, mapping=mapping.name, field=longer[0])


def structure(given: Any) -> Iterator[tuple[str, str]]:
    """What an outcome consists of: the fields that are there, or the problems by field and rule."""
    problems = problems_of(given)
    if problems is not None:
        yield from ((each["field"], each["rule"]) for each in problems)
        return
    for place, _, value in _leaves(given, (), ""):
        yield ".".join(str(step) for step in place), type(value).__name__


def _counted(paths: Iterator[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for path in paths:
        counts[path] = counts.get(path, 0) + 1
    return counts
