"""A mapping with overlays: each record is mapped by the base with the patches of its legal entity and customer on it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from mappings.compiled import CompiledMapping
from mappings.language.definition import Definition
from mappings.runtime.records import FieldTrace, Mapped

Chosen = tuple[str | None, ...]
"""Values of the selectors, in their order; None where no overlay is for the value."""

_LONGEST_NUMBER = 128
"""Bits of the greatest number that may be a code: Python writes much longer ones slowly, and at last not at all."""


class Overlays(msgspec.Struct, frozen=True, kw_only=True):
    """How overlays are chosen.

    Attributes:
        selectors: Keys from the record to each selector's value.
        known: Values of each selector that some overlay is for.
        definitions: The base with the patches that suit, by selector values; without those that no overlay suits.
    """

    selectors: tuple[tuple[str, ...], ...]
    known: tuple[frozenset[str], ...]
    definitions: Mapping[Chosen, Definition]


class OverlaidMapping(CompiledMapping):
    """A base mapping with its overlays, to be used like any mapping.

    Args:
        base: The mapping without overlays.
        overlays: Its overlays.
        fingerprint: SHA-256 of the bundle, in hexadecimal.
        promised: The type that the source promises of a field, by path.
    """

    def __init__(
        self, base: Definition, overlays: Overlays, fingerprint: str, promised: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(base, fingerprint, promised)
        self._promised = promised
        self.apply = self._apply
        self._overlays = overlays
        self._base = CompiledMapping(base, fingerprint, promised)
        self._variants: dict[Chosen, CompiledMapping] = {}
        self._ways = tuple(zip(overlays.selectors, overlays.known, strict=True))

    def variant(self, record: Mapping[str, Any]) -> CompiledMapping:
        """The mapping that a record is mapped by."""
        chosen = tuple([_value(record, steps, known) for steps, known in self._ways])
        return self._variants.get(chosen) or self._compiled(chosen)

    @property
    def variants(self) -> list[CompiledMapping]:
        """The base, then one mapping for each combination of patches."""
        return [self._base, *(self._compiled(chosen) for chosen in self._overlays.definitions)]

    @property
    def selectors(self) -> Mapping[str, frozenset[str]]:
        """Values that some overlay is for, by the path that each is read at."""
        paths = (".".join(steps) for steps in self._overlays.selectors)
        return dict(zip(paths, self._overlays.known, strict=True))

    def carefully(self, record: Mapping[str, Any]) -> Mapped:
        """Map one record step by step."""
        return self.variant(record).carefully(record)

    def explain(self, record: Mapping[str, Any]) -> list[FieldTrace]:
        """How each field comes about for one record."""
        return self.variant(record).explain(record)

    def unmapped(self, record: Mapping[str, Any]) -> list[str]:
        """Source paths of a record that neither the mapping nor its overlays read or ignore."""
        return self.variant(record).unmapped(record)

    def _apply(self, record: Mapping[str, Any]) -> Mapped:
        return self.variant(record).apply(record)

    def _compiled(self, chosen: Chosen) -> CompiledMapping:
        if chosen not in self._variants:
            definition = self._overlays.definitions.get(chosen)
            self._variants[chosen] = (
                CompiledMapping(definition, self.fingerprint, self._promised) if definition else self._base
            )
        return self._variants[chosen]


def _value(record: Any, steps: tuple[str, ...], known: frozenset[str]) -> str | None:
    for key in steps:
        record = record.get(key) if type(record) is dict or isinstance(record, Mapping) else None
    text = record.strip() if isinstance(record, str) else None
    if type(record) is int and record.bit_length() <= _LONGEST_NUMBER:
        text = str(record)
    return text if text in known else None
