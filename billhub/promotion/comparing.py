"""What two versions of a mapping make of one record."""

from collections.abc import Iterator
from typing import Any

import msgspec

from billhub.promotion.values import Effect, FieldChange
from canonical_model.encoding import content_hash, decode_payload, encode, encode_payload
from mappings import Mapped
from mappings.testing.differences import Kind, Place, compare
from mappings.testing.fixtures import outcome

_WORDS: dict[Kind, Any] = {"missing": "removed", "unexpected": "added"}


class Pair(msgspec.Struct, frozen=True):
    """What each version makes of the same record."""

    old: Mapped
    new: Mapped

    @property
    def effect(self) -> Effect:
        """What kind of difference it is, if it is one."""
        if self.old.problems:
            return "other_problem" if self.new.problems else "passes"
        return "excepted" if self.new.problems else "changed"


def field_changes(pair: Pair) -> tuple[FieldChange, ...]:
    """Every field that differs in meaning: not by another spelling of the same number, and not where nothing became an empty field."""
    if pair.effect == "changed" and encode(pair.old.document) == encode(pair.new.document):
        return ()  # as almost always; the same spelling is quickly seen
    return tuple(_changes(compare(_outcome(pair.old), _outcome(pair.new))))


def _changes(places: list[Place]) -> Iterator[FieldChange]:
    for place in places:
        if not _same(place.expected, place.actual):
            kind = _WORDS.get(place.kind, place.kind)
            yield FieldChange(path=place.path, kind=kind, old=place.expected, new=place.actual)


def _same(old: Any, new: Any) -> bool:
    """Whether two values mean the same, as the hash of a document's content sees them."""
    return content_hash({"value": old}) == content_hash({"value": new})


def _outcome(mapped: Mapped) -> Any:
    """The document with its numbers as numbers, or `{"problems": [...]}` without the name and version of the mapping."""
    if mapped.problems:
        return outcome(mapped)
    return decode_payload(encode_payload(mapped.document))
