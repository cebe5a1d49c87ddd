"""Overlays: small patches that a legal entity or a customer lays on a mapping."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import msgspec

from mappings.files.faults import Fault
from mappings.files.yaml_source import Mark, Place, Source

SELECTORS = ("legal_entity", "customer")
"""What an overlay can be for; those of a customer lie on top of those of a legal entity."""


class Overlay(msgspec.Struct, frozen=True, kw_only=True):
    """One patch.

    Attributes:
        source: Its file.
        version: As it states.
        values: What it is for, for example `{"legal_entity": "UK"}`.
    """

    source: Source
    version: int
    values: Mapping[str, str]

    def suits(self, chosen: Mapping[str, str | None]) -> bool:
        """Whether it lies on the mapping for this legal entity and customer."""
        return all(chosen.get(selector) == value for selector, value in self.values.items())


def in_order(sources: Sequence[Source]) -> list[Overlay]:
    """Overlays in the order in which they are laid on: the more special later."""
    overlays = [Overlay(source=source, version=source.data["version"], values=source.data["for"]) for source in sources]
    return sorted(
        overlays, key=lambda overlay: ("customer" in overlay.values, len(overlay.values), overlay.source.file)
    )


def faults(base: Source, overlays: Sequence[Overlay]) -> Iterator[Fault]:
    """What is wrong with overlays before they are laid on."""
    taken: dict[tuple[tuple[str, str], ...], str] = {}
    for overlay in overlays:
        source, meant = overlay.source, tuple(sorted(overlay.values.items()))
        if source.data["overlay"] != base.data["mapping"]:
            yield Fault(
                source.mark(("overlay",)), "overlay", f"does not name the mapping it lies on, {base.data['mapping']}"
            )
        for selector in overlay.values.keys() - base.data.get("overlays", {}).keys():
            message = f"the mapping does not say where its {selector} is read; add `overlays: {{{selector}: path}}` to {base.file}"
            yield Fault(source.mark(("for",)), f"for.{selector}", message)
        if meant in taken:
            yield Fault(source.mark(("for",)), "for", f"{taken[meant]} is for the same")
        taken.setdefault(meant, source.file)


def laid_on(base: Source, overlays: Sequence[Overlay]) -> tuple[Source, list[Fault]]:
    """The mapping with patches on it, in order, and what could not be laid on."""
    merged = Source(base.file, deepcopy(base.data), dict(base.marks))
    found: list[Fault] = []
    for overlay in overlays:
        for field, rule in overlay.source.data.get("set", {}).items():
            place = _place(merged.data, field)
            if place is None:
                found.append(
                    Fault(
                        overlay.source.mark(("set", field)),
                        field,
                        "the mapping has no such place; write paths as billhub map show does",
                    )
                )
            else:
                _put(merged, place, rule, overlay.source, ("set", field))
        _ignore(merged, overlay.source)
    return merged, found


def _place(data: Any, field: str) -> Place | None:
    """Where the rule of a field stands, or would stand beside its neighbours; None where nothing leads there."""
    place: Place = ()
    *way, last = field.split(".")
    for step in way:
        name = step.removesuffix("[]")
        rule = data["fields"].get(name)
        if not isinstance(rule, dict) or "fields" not in rule or ("each" in rule) != step.endswith("[]"):
            return None
        place, data = (*place, "fields", name), rule
    return None if last.endswith("[]") else (*place, "fields", last)


def _put(merged: Source, place: Place, rule: Any, overlay: Source, origin: Place) -> None:
    *way, last = place
    holder = merged.data
    for step in way:
        holder = holder[step]
    holder[last] = deepcopy(rule)
    for old in [each for each in merged.marks if each[: len(place)] == place]:
        del merged.marks[old]
    for each, mark in overlay.marks.items():
        if each[: len(origin)] == origin:
            merged.marks[(*place, *each[len(origin) :])] = mark


def _ignore(merged: Source, overlay: Source) -> None:
    items = merged.data.setdefault("ignore", [])
    for index, item in enumerate(overlay.data.get("ignore", ())):
        merged.marks[("ignore", len(items))] = Mark(overlay.file, overlay.mark(("ignore", index)).line)
        items.append(item)
