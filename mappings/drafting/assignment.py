"""Which path each field gets: the likeliest pairs first, and no path twice."""

from collections.abc import Mapping, Sequence

import msgspec

from mappings.drafting.fitting import Misfit
from mappings.drafting.scoring import Candidate, candidate
from mappings.drafting.sources import Seen
from mappings.drafting.targets import Target

NEAR = 0.5
"""Confidence from which a path or list is worth telling."""

_NEAR_BY_NAME = 0.6  # name and place alone, where the values do not fit
_TIE, _MUCH = 0.03, 0.15  # differences of confidence: too small to choose by, too great to pass over


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft says about one field.

    Attributes:
        target: The field.
        chosen: The path it gets; None where none is likely enough or free.
        doubt: Why a person has to decide, although there is a path; empty where there is no doubt.
        near: Other paths worth telling, the likeliest first: free ones, and likely ones that another field has.
        owners: The fields that have them, by path.
    """

    target: Target
    chosen: Candidate | None
    doubt: str = ""
    near: tuple[Candidate, ...] = ()
    owners: Mapping[str, str] = {}

    @property
    def best(self) -> float:
        """Confidence in the path it gets, 0 where it gets none."""
        return self.chosen.confidence if self.chosen else 0.0


def assign(targets: Sequence[Target], sources: Sequence[Seen], threshold: float) -> dict[str, Proposal]:
    """Proposals by field.

    Args:
        targets: Fields that are read from the same place, in the order of the document.
        sources: Paths that can be read there, in the order of the sample.
        threshold: Confidence from which a path is proposed, `NEAR` to 1.
    """
    candidates = {target.field: _ranked(target, sources) for target in targets}
    chosen = _greedy(candidates, threshold)
    owners = {found.seen.path: field for field, found in chosen.items()}
    found: dict[str, Proposal] = {}
    for target in targets:
        pick = chosen.get(target.field)
        others = [each for each in candidates[target.field] if each is not pick]
        near = tuple(each for each in others if each.seen.path not in owners or each.confidence >= threshold)
        doubt = (_rivals(pick, near, owners) or _gaps(target, pick.seen)) if pick else ""
        found[target.field] = Proposal(target=target, chosen=pick, doubt=doubt, near=near, owners=owners)
    return found


def _ranked(target: Target, sources: Sequence[Seen]) -> list[Candidate]:
    """Paths worth telling, the likeliest first; those whose values do not fit come last."""
    found = [candidate(target, seen) for seen in sources]
    return sorted((each for each in found if _is_near(each)), key=lambda each: (-each.confidence, -_by_name(each)))


def _is_near(found: Candidate) -> bool:
    return found.confidence >= NEAR or (isinstance(found.fit, Misfit) and _by_name(found) >= _NEAR_BY_NAME)


def _by_name(found: Candidate) -> float:
    return found.components.name * found.components.place


def _greedy(candidates: Mapping[str, Sequence[Candidate]], threshold: float) -> dict[str, Candidate]:
    """One path a field and one field a path, the likeliest pairs first; ties in the order of document and sample."""
    pairs = [
        (field, found) for field, ranked in candidates.items() for found in ranked if found.confidence >= threshold
    ]
    chosen: dict[str, Candidate] = {}
    taken: set[str] = set()
    for field, found in sorted(pairs, key=lambda pair: -pair[1].confidence):
        if field not in chosen and found.seen.path not in taken:
            chosen[field] = found
            taken.add(found.seen.path)
    return chosen


def _rivals(chosen: Candidate, near: Sequence[Candidate], owners: Mapping[str, str]) -> str:
    """A free path that is as likely, or a much likelier one that another field has."""
    for other in near:
        owner = owners.get(other.seen.path)
        if owner is None and other.confidence >= chosen.confidence - _TIE:
            return f"{other.seen.path} is as likely"
        if owner is not None and other.confidence >= chosen.confidence + _MUCH:
            return f"{other.seen.path} is likelier, which {owner} has"
    return ""


def _gaps(target: Target, seen: Seen) -> str:
    """A value that the document needs and that some of the samples themselves do not have."""
    if seen.always_filled or not target.shape.required:
        return ""
    return f"it is empty in {seen.places - seen.filled} of {seen.places}, and the document needs a value"
