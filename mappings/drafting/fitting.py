"""Whether the values of a source path fit a canonical field: by which transforms, and how much that says for it."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from mappings.catalogue import table
from mappings.drafting.sources import MOST_VALUES, Seen
from mappings.drafting.targets import Target
from mappings.drafting.vocabulary import choice_words, plain_words
from mappings.language.canonical import Kind
from mappings.runtime.refiners import country_from_name
from mappings.runtime.refusal import Refused
from mappings.runtime.transforms import TRANSFORMS

Chain = tuple[str | Mapping[str, str], ...]
"""Transforms as a rule writes them, in order: a name, or a name with its argument."""

_COUNTRY_NAMES = "country_name"

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_TAX_ID = re.compile(r"(?=(?:.*[0-9]){5})[A-Z0-9][A-Z0-9 ./-]{5,19}", re.IGNORECASE | re.ASCII)
_UNIT = re.compile(r"[A-Z0-9]{2,3}", re.ASCII)
_DULL = re.compile(r"[\d.,:/TZ+ -]+")
_ID = re.compile(r"[^\s@]{1,64}")
_OPAQUE = re.compile(r"[0-9A-Za-z]{15,}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)

_MOST_WORDS, _LONGEST_WORD = 8, 24

# How much it says for a field that the values look like it, beside a weight of 1 for the name.
_STRONG, _FAIR, _SLIGHT = 0.6, 0.25, 0.1


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """Values that a field can take.

    Attributes:
        transforms: In order; empty where `choices` says it all.
        choices: An enumeration's values, source to canonical.
        score: 0-1, how much the values look like the field's.
        weight: How much that says, beside a weight of 1 for the name.
        why: In words.
    """

    transforms: Chain = ()
    choices: Mapping[str, str] | None = None
    score: float = 1.0
    weight: float = _SLIGHT
    why: str = ""


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """Values that a field cannot take.

    Attributes:
        why: What is wrong with them; never the values themselves.
    """

    why: str


def fit(target: Target, seen: Seen) -> Fit | Misfit:
    """How the values of a path fit a field."""
    if not seen.steady:
        return Misfit(why="what stands above it is not the same everywhere")
    containers = seen.kinds & {"object", "list"}
    if containers:
        only = seen.kinds <= containers | {"nothing"}
        return Misfit(why=f"is {'' if only else 'sometimes '}{' or '.join(sorted(containers))}, not a value")
    if not seen.values:
        return _unseen(target)
    if target.shape.choices:
        return _choices(target.shape.choices, seen.values)
    return _typed(target, seen)


def _unseen(target: Target) -> Fit | Misfit:
    if target.shape.choices:
        return Misfit(why="has no value in the sample, so its words are not known")
    chain = _chains(target)[0]
    return Fit(transforms=chain, score=0.0, weight=_FAIR, why="no value in the sample")


def _choices(choices: Sequence[str], values: Sequence[Any]) -> Fit | Misfit:
    """The enumeration, where every value is a known word for one canonical value and no other."""
    if not all(isinstance(value, str) for value in values):
        return Misfit(why="has values that are no text, which `map` does not take; say `when`")
    found = {value: [choice for choice in choices if plain_words(value) in choice_words(choice)] for value in values}
    known = {value: matches[0] for value, matches in found.items() if len(matches) == 1}
    if len(known) < len(values):
        return Misfit(why=f"not all its values are known words for {', '.join(choices)}{_known(known, values)}")
    return Fit(choices=known, weight=_STRONG, why="all values are words of the list")


def _known(known: Mapping[str, str], values: Sequence[str]) -> str:
    """The values of what looks like a list of words, and what is known of them; other texts are not told, they may be personal data."""
    if len(values) > _MOST_WORDS or any(len(value) > _LONGEST_WORD for value in values):
        return ""
    return ": " + ", ".join(f"{value} is {known.get(value, 'unknown')}" for value in values)


def _typed(target: Target, seen: Seen) -> Fit | Misfit:
    """The first chain of transforms that takes every value."""
    refusal = ""
    for chain in _chains(target):
        try:
            results = [_refined(chain, value) for value in seen.values]
        except Refused as refused:
            refusal = refusal or refused.message
        else:
            return _judged(target, seen, chain, results)
    return Misfit(why=f"does not fit: a value {refusal}")


def _chains(target: Target) -> tuple[Chain, ...]:
    """Transforms that may read a field, the strictest first."""
    return _BY_LOOK.get(target.names.looks) or _BY_KIND[target.shape.kind]


def _refined(chain: Chain, value: Any) -> Any:
    for use in chain:
        value = TRANSFORMS[use].function(value) if isinstance(use, str) else country_from_name(value, _country_names())
    return value


@lru_cache(maxsize=1)
def _country_names() -> Mapping[str, Any]:
    return table(_COUNTRY_NAMES).folded()


def _judged(target: Target, seen: Seen, chain: Chain, results: list[Any]) -> Fit | Misfit:
    look = _LOOKS.get(target.names.looks)
    if look:
        return look(chain, seen, results)
    return Fit(transforms=chain, weight=_KIND_WEIGHTS[target.shape.kind], why=_KIND_WORDS[target.shape.kind])


def _currency(chain: Chain, seen: Seen, results: list[Any]) -> Fit:
    return Fit(transforms=chain, weight=_STRONG, why=f"{_counted(seen)} of ISO 4217 currencies")


def _country(chain: Chain, seen: Seen, results: list[Any]) -> Fit:
    """Codes are better than names, of which not every spelling is known."""
    by_code = "country_code" in chain
    words = f"{_counted(seen)} {'of ISO 3166-1 codes' if by_code else 'of country names'}"
    return Fit(transforms=chain, score=1.0 if by_code else 0.8, weight=_STRONG, why=words)


def _pattern(
    pattern: re.Pattern[str], words: str, *, weight: float, must: bool = False
) -> Callable[[Chain, Seen, list[Any]], Fit | Misfit]:
    """A look by a pattern that every value has, or, unless it must, speaks against the field."""

    def judged(chain: Chain, seen: Seen, results: list[Any]) -> Fit | Misfit:
        if all(pattern.fullmatch(result) for result in results):
            return Fit(transforms=chain, weight=weight, why=f"{_counted(seen)} like {words}")
        if must:
            return Misfit(why=f"has a value that is not {words}")
        return Fit(transforms=chain, score=0.0, weight=weight, why=f"not all values like {words}")

    return judged


def _id(chain: Chain, seen: Seen, results: list[Any]) -> Fit:
    """What people know a thing by is likelier than a system's own long key."""
    if not all(_ID.fullmatch(result) for result in results):
        return Fit(transforms=chain, score=0.0, weight=_FAIR, why="not all values like an identifier")
    if any(_OPAQUE.fullmatch(result) for result in results):
        return Fit(transforms=chain, score=0.3, why="like a system's own key")
    return Fit(transforms=chain, why=f"{_counted(seen)} like an identifier")


def _key(chain: Chain, seen: Seen, results: list[Any]) -> Fit:
    """What identifies the document itself: every record has one, and no two the same."""
    if seen.items == "" and len(seen.values) < min(seen.places, MOST_VALUES):
        return Fit(transforms=chain, score=0.0, weight=_FAIR, why="not different in every record")
    return _id(chain, seen, results)


def _line(chain: Chain, seen: Seen, results: list[Any]) -> Fit:
    """Text that is printed on one line."""
    several = any("\n" in result or "\r" in result for result in results)
    return Fit(transforms=(*chain, "one_line") if several else chain, why="text")


def _words(chain: Chain, seen: Seen, results: list[Any]) -> Fit:
    """Text for people; what is a number or a day is none."""
    if all(_DULL.fullmatch(result) for result in results):
        return Fit(transforms=chain, score=0.0, weight=_STRONG, why="only numbers or days")
    return _line(chain, seen, results)


def _percent(chain: Chain, seen: Seen, results: list[Decimal]) -> Fit:
    """0-100; values that never pass 1 are more likely fractions."""
    if any(abs(result) > 1 for result in results) or not any(results):
        return Fit(transforms=chain, weight=_FAIR, why="percent")
    return Fit(transforms=chain, score=0.0, weight=_STRONG, why="values up to 1, so maybe fractions")


def _fraction(chain: Chain, seen: Seen, results: list[Decimal]) -> Fit:
    """0-1; greater values are percents."""
    if all(abs(result) <= 1 for result in results):
        return Fit(transforms=chain, weight=_FAIR, why="fractions")
    return Fit(transforms=(*chain, "percent_to_fraction"), weight=_FAIR, why="values above 1, so percent")


def _counted(seen: Seen) -> str:
    return f"{seen.filled} sample" if seen.filled == 1 else f"{seen.filled} samples"


_BY_KIND: Mapping[Kind, tuple[Chain, ...]] = {
    "text": (("text",),),
    "decimal": (("decimal",),),
    "integer": (("integer",),),
    "boolean": (("boolean",),),
    "date": (("date",), ("date_of_datetime",)),
    "money": (("decimal",),),
}
_BY_LOOK: Mapping[str, tuple[Chain, ...]] = {
    "currency": (("text", "upper", "currency_code"),),
    "country": (("text", "upper", "country_code"), ("text", {"country_from_name": _COUNTRY_NAMES})),
    "tax_id": (("text", "vat_id_normalise"),),
}
_KIND_WEIGHTS: Mapping[Kind, float] = {
    "text": 0,
    "decimal": _SLIGHT,
    "integer": _SLIGHT,
    "boolean": _FAIR,
    "date": _FAIR,
    "money": _SLIGHT,
}
_KIND_WORDS: Mapping[Kind, str] = {
    **{"text": "text", "decimal": "numbers", "integer": "whole numbers"},
    **{"boolean": "true or false", "date": "days", "money": "amounts"},
}
_LOOKS: Mapping[str, Callable[[Chain, Seen, list[Any]], Fit | Misfit]] = {
    "currency": _currency,
    "country": _country,
    "email": _pattern(_EMAIL, "an e-mail address", weight=_STRONG, must=True),
    "tax_id": _pattern(_TAX_ID, "a tax registration", weight=_FAIR),
    "unit": _pattern(_UNIT, "a unit of UN/ECE Recommendation 20", weight=_STRONG),
    "id": _id,
    "key": _key,
    "line": _line,
    "words": _words,
    "percent": _percent,
    "fraction": _fraction,
}
