"""The currency of an amount: the one beside it, else that of its item, else that of the record."""

from collections.abc import Iterable

import msgspec

from mappings.drafting.matching import Matched
from mappings.drafting.scoring import Candidate, candidate
from mappings.drafting.sources import Seen
from mappings.drafting.targets import Target
from mappings.drafting.vocabulary import names_of, place_of
from mappings.language.canonical import Shape

_NAMED = 0.7


class Currency(msgspec.Struct, frozen=True, kw_only=True):
    """Where the currency of an amount stands.

    Attributes:
        path: As a rule beside the amount writes it.
        codes: ISO 4217 codes seen there, in capitals.
        in_capitals: Whether the source writes them so.
    """

    path: str
    codes: tuple[str, ...]
    in_capitals: bool


def currency_of(amount: Seen, matched: Matched) -> Currency | None:
    """The likeliest currency of an amount; None where no path holds ISO 4217 codes under a likely name, one for every amount."""
    seen_codes = [seen for seen in matched.seen.leaves if seen.values and _is_for_all(seen, amount)]
    found = [candidate(_target(matched.target.name), seen) for seen in seen_codes]
    valid = [each for each in found if each.confidence > 0]
    likely = [each for each in valid if each.confidence >= matched.threshold]
    chosen = (
        _best(each for each in valid if _is_beside(each.seen, amount) and each.components.name >= _NAMED)
        or _best(each for each in likely if each.seen.items == amount.items)
        or _best(each for each in likely if not each.seen.items)
    )
    return None if chosen is None else _currency(chosen.seen, amount)


def _target(entity: str) -> Target:
    names, places = names_of(entity, "currency"), (place_of(entity),)
    return Target(field="currency", name="currency", shape=Shape(kind="text"), names=names, places=places)


def _is_beside(seen: Seen, amount: Seen) -> bool:
    return seen.items == amount.items and seen.steps[:-1] == amount.steps[:-1]


def _is_for_all(seen: Seen, amount: Seen) -> bool:
    return seen.always_filled or (seen.items == amount.items and amount.at <= seen.at)


def _best(found: Iterable[Candidate]) -> Candidate | None:
    return max(found, key=lambda each: each.confidence, default=None)


def _currency(seen: Seen, amount: Seen) -> Currency:
    written = [str(value).strip() for value in seen.values]
    return Currency(
        path=seen.written if seen.items == amount.items else f"$.{seen.written}",
        codes=tuple(code.upper() for code in written),
        in_capitals=all(code == code.upper() for code in written),
    )
