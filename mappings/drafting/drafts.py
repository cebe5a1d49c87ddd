"""A draft: the rules of a new mapping, as far as the samples say them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from mappings.drafting.deciding import Drafted, decide
from mappings.drafting.matching import match
from mappings.drafting.sources import Sources, observe
from mappings.drafting.targets import document

THRESHOLD = 0.6
"""Confidence from which a rule is proposed, where nobody says another."""


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


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft before it is written.

    Attributes:
        source: Where the samples are from.
        entity: Canonical document.
        seen: What the samples hold.
        rules: One for each field of the document, in its order.
    """

    source: Source
    entity: str
    seen: Sources
    rules: tuple[Drafted, ...]

    @property
    def leaves(self) -> tuple[Drafted, ...]:
        """The rules that have no fields of their own, in order."""
        return tuple(_leaves(self.rules))

    @property
    def unread(self) -> tuple[str, ...]:
        """Source paths that no rule reads, in the order of the samples."""
        read = set(_read(self.rules, ""))
        return tuple(seen.path for seen in self.seen.leaves if seen.path not in read)


def draft(records: Sequence[dict[str, Any]], source: Source, entity: str, *, threshold: float = THRESHOLD) -> Draft:
    """Draft a mapping.

    Args:
        records: Samples of one kind of record, at least one; types and what may be empty are inferred over all of them.
        source: Where they are from.
        entity: Canonical document, one of `ENTITIES`.
        threshold: Confidence from which a rule is proposed, 0.5-1; below, a path is not worth telling.
    """
    matched = match(observe(records), document(entity), threshold)
    return Draft(source=source, entity=entity, seen=matched.seen, rules=decide(matched))


def _leaves(rules: Iterable[Drafted]) -> Iterator[Drafted]:
    for rule in rules:
        yield from _leaves(rule.fields) if rule.fields else (rule,)


def _read(rules: Iterable[Drafted], items: str) -> Iterator[str]:
    """Full paths that the rules read, below the items of a list."""
    for drafted in rules:
        yield from _paths(drafted.rule, items)
        inner = drafted.rule.get("each")
        yield from _read(drafted.fields, f"{items}{inner}[]." if inner else items)


def _paths(rule: Any, items: str) -> Iterator[str]:
    if isinstance(rule, list):
        for each in rule:
            yield from _paths(each, items)
    for key, value in rule.items() if isinstance(rule, Mapping) else ():
        if key in ("from", "currency") and isinstance(value, str):
            yield value.removeprefix("$.") if value.startswith("$.") else f"{items}{value}"
        else:
            yield from _paths(value, items)
