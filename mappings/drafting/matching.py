"""The record and the lists of the samples matched with those of the document."""

from collections.abc import Iterator, Mapping, Sequence, Set

import msgspec

from mappings.drafting.assignment import NEAR, Proposal, assign
from mappings.drafting.scoring import name_and_place
from mappings.drafting.sources import SeenList, Sources
from mappings.drafting.targets import Target, leaves

_NAME_OF_LIST, _ITEMS_OF_LIST = 0.45, 0.55


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One list of the document with the list of the source that fits it best.

    Attributes:
        target: The document's list.
        source: The source's list; None where none fits.
        confidence: 0-1.
        items: What the items give; None where there is no source.
        near: The likeliest list, with its confidence, where none is likely enough or free.
    """

    target: Target
    source: SeenList | None = None
    confidence: float = 0.0
    items: "Level | None" = None
    near: tuple[str, float] | None = None


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


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """Samples and document, matched.

    Attributes:
        seen: What the samples hold.
        target: The whole document.
        level: What the record gives.
        threshold: Confidence below which a person decides.
    """

    seen: Sources
    target: Target
    level: Level
    threshold: float


def match(seen: Sources, target: Target, threshold: float) -> Matched:
    """Match samples with a document; a path or list is proposed from a confidence of `threshold` on."""
    return Matched(seen=seen, target=target, level=_Matching(seen, threshold).level(target, ""), threshold=threshold)


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
            lists=self._lists(lists, [each for each in self._seen.lists if each.items == items and each.steady]),
        )

    def _lists(self, targets: Sequence[Target], sources: Sequence[SeenList]) -> dict[str, Match]:
        """Each list of the document with at most one of the source, the likeliest pairs first."""
        pairs = [self._match(target, source) for target in targets for source in sources]
        found: dict[str, Match] = {}
        taken: set[str] = set()
        for pair in sorted(pairs, key=lambda pair: -pair.confidence):
            path = pair.source.path if pair.source else ""
            if pair.confidence >= self._threshold and pair.target.field not in found and path not in taken:
                found[pair.target.field] = pair
                taken.add(path)
        return {target.field: found.get(target.field) or _unmatched(target, pairs, taken) for target in targets}

    def _match(self, target: Target, source: SeenList) -> Match:
        items = self.level(target, source.path)
        name, place = name_and_place(target, source.steps)
        wanted = [each.best for each in items.proposals.values() if each.target.shape.required]
        explained = sum(wanted) / len(wanted) if wanted else 0.0
        confidence = round(place * (_NAME_OF_LIST * name + _ITEMS_OF_LIST * explained), 2)
        return Match(target=target, source=source, confidence=confidence, items=items)


def _unmatched(target: Target, pairs: Sequence[Match], taken: Set[str]) -> Match:
    """A list of the document without one of the source; a free one that comes near is told."""
    near = [(pair.source.path, pair.confidence) for pair in pairs if pair.target is target and pair.source]
    free = [pair for pair in near if pair[0] not in taken and pair[1] >= NEAR]
    return Match(target=target, near=max(free, key=lambda pair: pair[1], default=None))
