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
        yield from _lost(source)


def _lost(source: Source) -> Iterator[Fault]:
    """Patches that a later one of the same overlay replaces."""
    fields = list(source.data["set"])
    for index, field in enumerate(fields):
        for later in fields[index + 1 :]:
            if field.startswith((f"{later}.", f"{later}[].")):
                yield Fault(source.mark(("set", field)), field, f"is lost, because {later} is set as a whole after it")


def laid_on(base: Source, overlays: Sequence[Overlay]) -> tuple[Source, list[Fault]]:
    """The mapping with patches on it, in order, and what could not be laid on."""
    merged = Source(base.file, deepcopy(base.data), dict(base.marks))
    found: list[Fault] = []
    for overlay in overlays:
        for field, rule in overlay.source.data["set"].items():
            origin = ("set", field)
            try:
                _put(merged, _place(merged.data, field), rule, overlay.source, origin)
            except LookupError as error:
                found.append(Fault(overlay.source.mark(origin), field, str(error.args[0])))
        _ignore(merged, overlay.source)
    return merged, found


def _place(data: Any, field: str) -> Place:
    """Where the rule of a field stands, or would stand beside its neighbours.

    Raises:
        LookupError: Nothing leads there, with what to write instead.
    """
    place: Place = ()
    *way, last = field.split(".")
    for index, step in enumerate(way):
        name, here = step.removesuffix("[]"), ".".join(way[: index + 1]).removesuffix("[]")
        rule = data["fields"].get(name)
        if rule is None:
            raise LookupError(f"the mapping has no {here}; beside it are {', '.join(data['fields'])}")
        if "fields" not in rule:
            raise LookupError(f"{here} has no fields of its own; set {here} as a whole")
        if ("each" in rule) != step.endswith("[]"):
            raise LookupError(
                f"{here} is {'a list' if 'each' in rule else 'no list'}; write {here}{'[]' * ('each' in rule)}"
            )
        place, data = (*place, "fields", name), rule
    if last.endswith("[]"):
        raise LookupError(f"stands for single items; set {field.removesuffix('[]')} as a whole")
    return (*place, "fields", last)


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
