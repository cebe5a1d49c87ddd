"""How likely it is that a source path holds a canonical field: by name, by place, and by values."""

from collections.abc import Iterable, Set
from difflib import SequenceMatcher
from functools import lru_cache

import msgspec

from mappings.drafting.fitting import Fit, Misfit, fit
from mappings.drafting.sources import Seen
from mappings.drafting.targets import Target
from mappings.drafting.vocabulary import Terms, is_bare, is_generic, role_of, terms

# Held against the shipped mappings and the samples of tests/mappings/samples; test_drafting.py says what they reach.
_GENERIC_WEIGHT = 0.4  # of a term such as `number`, beside 1 for one such as `invoice`
_WEAK = 0.75  # what a name is worth that only may mean the field
_ABOVE, _ABOVE_BARE = (
    0.7,
    0.9,
)  # what a term is worth that only a key above says; the second where the last key leaves it to that
_ALIKE, _SHORTEST_ALIKE = 0.84, 5  # from which likeness, and how many letters, a term counts as misspelled
_OTHERS_ROLE, _NO_ROLE = (
    0.4,
    0.55,
)  # place of a path that is somebody else's, or does not say whose it is where it has to
_STRANGE_PLACE, _DEEPER = 0.8, 0.95  # for each unknown term above; for standing deeper without saying more


class Components(msgspec.Struct, frozen=True, kw_only=True):
    """What a confidence is made of, each 0-1.

    Attributes:
        name: How well the path's name says the field.
        place: How well what stands around it fits.
        values: How much the values look like the field's.
        weight: How much the values say beside the name.
    """

    name: float
    place: float
    values: float
    weight: float

    @property
    def confidence(self) -> float:
        """0-1, to two digits."""
        return round(self.place * (self.name + self.values * self.weight) / (1 + self.weight), 2)


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One source path for one field.

    Attributes:
        seen: The path.
        components: Why it is likely.
        fit: How its values are read, or why they cannot be.
    """

    seen: Seen
    components: Components
    fit: Fit | Misfit

    @property
    def confidence(self) -> float:
        """0-1; 0 where the values do not fit."""
        return 0.0 if isinstance(self.fit, Misfit) else self.components.confidence


def candidate(target: Target, seen: Seen) -> Candidate:
    """One path held against one field."""
    fitting = fit(target, seen)
    values, weight = (fitting.score, fitting.weight) if isinstance(fitting, Fit) else (0.0, 0.0)
    name, place = name_and_place(target, seen.steps)
    components = Components(name=name, place=place, values=values, weight=weight)
    return Candidate(seen=seen, components=components, fit=fitting)


def name_and_place(target: Target, steps: tuple[str, ...]) -> tuple[float, float]:
    """How well the keys of a path say the field, and how well what stands around it fits, both 0-1."""
    own, above = terms(steps[-1]), tuple(term for step in steps[:-1] for term in terms(step))
    spelled = [(_named(phrase, own, above, target.words), phrase) for phrase in target.names.names]
    spelled += [(_WEAK * _named(phrase, own, above, target.words), phrase) for phrase in target.names.weak]
    name, phrase = max(spelled, key=lambda pair: pair[0], default=(0.0, ()))
    return name, _place(target, own + above, above, set(phrase))


def _named(phrase: Terms, own: Terms, above: Terms, free: Set[str]) -> float:
    """How well a name is said: all its terms, and nothing else that means something.

    What stands above counts less, and never alone, unless the last key leaves it to that: `currency.code`.
    """
    unsaid = [term for term in own if not _alike(term, phrase)]
    if not phrase or len(unsaid) == len(own) > sum(map(is_bare, own)):
        return 0.0
    lifted = _ABOVE_BARE if all(map(is_bare, unsaid)) else _ABOVE
    said = sum(_weight(term) * max(_alike(term, own), lifted * _alike(term, above)) for term in phrase)
    more = sum(_weight(term) for term in unsaid if term not in free)
    return said / (sum(map(_weight, phrase)) + more)


def _place(target: Target, path: Terms, above: Terms, said: Set[str]) -> float:
    """How well the rest of the path fits: whose field it is, and nothing strange around it."""
    roles = {term: role for term in path if (role := role_of(term))}
    if any(role not in target.roles for term, role in roles.items() if term not in said | target.words):
        return _OTHERS_ROLE
    if target.needs_role and not target.roles & set(roles.values()):
        return _NO_ROLE
    strange = [term for term in above if term not in said | target.words | roles.keys() and not is_generic(term)]
    deeper = 1.0 if said & {*above} or not above else _DEEPER
    return float(max(deeper * _STRANGE_PLACE ** len(strange), _OTHERS_ROLE))


def _weight(term: str) -> float:
    return _GENERIC_WEIGHT if is_generic(term) else 1.0


def _alike(term: str, others: Iterable[str]) -> float:
    """1 for the same term, a little less for one that is written nearly so."""
    return max((_near(term, other) for other in others), default=0.0)


@lru_cache(maxsize=65536)
def _near(left: str, right: str) -> float:
    if left == right:
        return 1.0
    if min(len(left), len(right)) < _SHORTEST_ALIKE:
        return 0.0
    ratio = SequenceMatcher(None, left, right, autojunk=False).ratio()
    return ratio if ratio >= _ALIKE else 0.0
