"""A whole draft: record and lists matched with the document, amounts with their currency."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from mappings.drafting.assignment import Proposal, assign
from mappings.drafting.scoring import name_and_place
from mappings.drafting.sources import SeenList, Sources, observe
from mappings.drafting.targets import Target, document, leaves

_NAME_OF_LIST, _ITEMS_OF_LIST = 0.45, 0.55


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the samples are from, as the mapping's header says it.

    Attributes:
        system: Name of the system.
        entity: Name of the record in it.
        schema: What says the shape of the records; for a draft the name of the sample file.
        owner: Who answers for the mapping; empty where that is still open.
    """

    system: str
    entity: str
    schema: str
    owner: str = ""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One list of the document with the list of the source that fits it best.

    Attributes:
        target: The document's list.
        source: The source's list; None where none fits.
        confidence: 0-1.
        items: What the draft says about the items; None where there is no source.
    """

    target: Target
    source: SeenList | None = None
    confidence: float = 0.0
    items: "Level | None" = None


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """What is read from one place: the record, or an item of a list.

    Attributes:
        proposals: By field.
        lists: By field.
    """

    proposals: Mapping[str, Proposal]
    lists: Mapping[str, Match]

    def everything(self) -> Iterator[Proposal]:
        """All proposals, those of the lists' items too."""
        yield from self.proposals.values()
        for match in self.lists.values():
            if match.items:
                yield from match.items.everything()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft before it is written.

    Attributes:
        source: For the header.
        target: The whole document.
        seen: What the samples hold.
        level: What the record gives.
        threshold: Confidence below which a person decides.
    """

    source: Source
    target: Target
    seen: Sources
    level: Level
    threshold: float


def draft(records: Sequence[dict[str, Any]], source: Source, entity: str, *, threshold: float = 0.6) -> Draft:
    """Draft a mapping.

    Args:
        records: Samples of one kind of record, at least one; types and what may be empty are inferred over all of them.
        source: Where they are from.
        entity: Canonical document, one of `ENTITIES`.
        threshold: Confidence from which a rule is proposed, 0-1.
    """
    seen, target = observe(records), document(entity)
    level = _Matching(seen, threshold).level(target, "")
    return Draft(source=source, target=target, seen=seen, level=level, threshold=threshold)


class _Matching:
    """Matches the document's places with the source's.

    Args:
        seen: What the samples hold.
        threshold: Confidence from which a path or list is proposed.
    """

    def __init__(self, seen: Sources, threshold: float) -> None:
        self._seen, self._threshold = seen, threshold

    def level(self, target: Target, items: str) -> Level:
        """The fields of a document or of a list's items, read from the record or from the items of a source list."""
        fields = list(leaves(target))
        values = [field for field in fields if field.shape.kind != "list"]
        lists = [field for field in fields if field.shape.kind == "list"]
        return Level(
            proposals=assign(values, self._seen.within(items), self._threshold),
            lists=self._lists(lists, [each for each in self._seen.lists if each.items == items]),
        )

    def _lists(self, targets: Sequence[Target], sources: Sequence[SeenList]) -> dict[str, Match]:
        """Each list of the document with at most one of the source, the likeliest pairs first."""
        pairs = [self._match(target, source) for target in targets for source in sources]
        found: dict[str, Match] = {}
        for match in sorted(pairs, key=lambda match: -match.confidence):
            taken = {each.source for each in found.values()}
            if match.confidence >= self._threshold and match.target.field not in found and match.source not in taken:
                found[match.target.field] = match
        return {target.field: found.get(target.field, Match(target=target)) for target in targets}

    def _match(self, target: Target, source: SeenList) -> Match:
        items = self.level(target, source.path)
        name, place = name_and_place(target, source.steps)
        wanted = [each.best for each in items.proposals.values() if each.target.shape.required]
        explained = sum(wanted) / len(wanted) if wanted else 0.0
        confidence = round(place * (_NAME_OF_LIST * name + _ITEMS_OF_LIST * explained), 2)
        return Match(target=target, source=source, confidence=confidence, items=items)
