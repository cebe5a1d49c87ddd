"""A mapping with its overlays laid on, written as YAML that compiles to the same mapping, each line with the place it comes from."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import yaml

from mappings import Bundle
from mappings.compilation import laid_on
from mappings.files.yaml_source import Place, Source, read
from mappings.language.overlays import Overlay, in_order

WIDTH = 140
"""Characters up to which a rule stands on one line."""


class OverlayView(msgspec.Struct, frozen=True, kw_only=True):
    """An overlay of a mapping.

    Attributes:
        file: Its file.
        values: What it is for, for example `{"legal_entity": "UK"}`.
        version: As it states.
        owner: Who answers for it.
        reason: Why it is there.
        is_laid_on: Whether it lies on what is shown.
    """

    file: str
    values: Mapping[str, str]
    version: int
    owner: str
    reason: str
    is_laid_on: bool


class Layered(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping with the overlays of one legal entity and customer on it.

    Attributes:
        mapping: Name of the mapping.
        version: Of the mapping itself.
        fingerprint: SHA-256 over its texts, overlays and tables.
        chosen: Legal entity and customer that were asked for.
        overlays: All overlays there are.
        document: The result as plain values.
        origins: File and line of every value, by its keys and indexes joined by dots.
    """

    mapping: str
    version: int
    fingerprint: str
    chosen: Mapping[str, str | None]
    overlays: tuple[OverlayView, ...]
    document: Any
    origins: Mapping[str, str]


def layered(bundle: Bundle, chosen: Mapping[str, str | None]) -> Layered:
    """The mapping of a bundle as it stands for `legal_entity` and `customer`.

    Raises:
        MappingError: A file breaks its schema, or an overlay finds no place.
    """
    merged = _merged(bundle, chosen)
    return Layered(
        mapping=bundle.name,
        version=merged.data["version"],
        fingerprint=bundle.fingerprint,
        chosen=chosen,
        overlays=tuple(_view(overlay, chosen) for overlay in _overlays(bundle)),
        document=merged.data,
        origins={".".join(map(str, place)): str(mark) for place, mark in sorted(merged.marks.items(), key=_by_keys)},
    )


def written(bundle: Bundle, chosen: Mapping[str, str | None], *, all_origins: bool) -> str:
    """The same as YAML. Lines of overlays end in a comment with their file, line and version.

    Args:
        bundle: The mapping with its overlays.
        chosen: Legal entity and customer.
        all_origins: Whether lines of the mapping itself say where they come from too.
    """
    merged = _merged(bundle, chosen)
    text = _yaml(merged.data)
    places = _places_by_line(read(text))
    versions = {overlay.source.file: overlay.version for overlay in _overlays(bundle)}
    lines = text.splitlines()
    comments = [_comment(merged, places.get(number, []), versions, all_origins) for number in range(1, len(lines) + 1)]
    commented = (f"{line}  # {comment}" if comment else line for line, comment in zip(lines, comments, strict=True))
    return "\n".join((*_head(bundle, chosen), *commented)) + "\n"


def _merged(bundle: Bundle, chosen: Mapping[str, str | None]) -> Source:
    return laid_on(bundle, legal_entity=chosen.get("legal_entity"), customer=chosen.get("customer"))


def _overlays(bundle: Bundle) -> list[Overlay]:
    return in_order([read(bundle.files[file], file) for file in bundle.overlays])


def _view(overlay: Overlay, chosen: Mapping[str, str | None]) -> OverlayView:
    return OverlayView(
        file=overlay.source.file,
        values=overlay.values,
        version=overlay.version,
        owner=overlay.source.data["owner"],
        reason=overlay.source.data["reason"],
        is_laid_on=overlay.suits(chosen),
    )


def _head(bundle: Bundle, chosen: Mapping[str, str | None]) -> Iterator[str]:
    """Comments that say which overlays there are."""
    views = [_view(overlay, chosen) for overlay in _overlays(bundle)]
    if not views:
        yield f"# {bundle.name} has no overlays"
    for each in views:
        is_for = ", ".join(f"{selector.replace('_', ' ')} {value}" for selector, value in each.values.items())
        state = "laid on" if each.is_laid_on else "not laid on"
        yield f"# overlay {each.file}, version {each.version}, for {is_for}: {state}; {' '.join(each.reason.split())}"


def _comment(merged: Source, places: Sequence[Place], versions: Mapping[str, int], all_origins: bool) -> str:
    marks = dict.fromkeys(merged.mark(place) for place in places)
    shown = [mark for mark in marks if all_origins or mark.file != merged.file]
    if not shown:
        return ""
    first = shown[0]  # a line holds one rule, and a rule is of one file
    version = f", version {versions[first.file]}" if first.file in versions else ""
    return f"{first}{version}"


def _places_by_line(source: Source) -> dict[int, list[Place]]:
    lines: dict[int, list[Place]] = {}
    for place, mark in source.marks.items():
        lines.setdefault(mark.line, []).append(place)
    return {line: sorted(places, key=len) for line, places in lines.items()}


def _by_keys(item: tuple[Place, Any]) -> list[str]:
    return [str(key).zfill(6) if isinstance(key, int) else key for key in item[0]]


class _Representer(yaml.representer.SafeRepresenter):
    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _decimal(representer: _Representer, value: Decimal) -> yaml.ScalarNode:
    text = format(value, "f")
    return representer.represent_scalar("tag:yaml.org,2002:float", text if "." in text else f"{text}.0")


def _text(representer: _Representer, value: str) -> yaml.ScalarNode:
    """Text on one line, whatever is in it: a comment can follow."""
    return representer.represent_scalar("tag:yaml.org,2002:str", value, style='"' if "\n" in value else None)


_Representer.add_representer(Decimal, _decimal)
_Representer.add_representer(str, _text)


def _yaml(data: Any) -> str:
    node = _Representer(sort_keys=False).represent_data(data)
    _style(node)
    text: str = yaml.serialize(node, Dumper=_Dumper, width=float("inf"), allow_unicode=True)
    return text


def _style(node: yaml.Node) -> None:
    """A rule stands on one line where it fits; fields are spread out, one below the other."""
    if isinstance(node, yaml.CollectionNode):
        node.flow_style = False
    for child in _children(node):
        if _length(child) <= WIDTH and not _holds_fields(child):
            _flow(child)
        else:
            _style(child)
    for key, child in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value == "fields":
            _style(child)


def _flow(node: yaml.Node) -> None:
    if isinstance(node, yaml.CollectionNode):
        node.flow_style = True


def _holds_fields(node: yaml.Node) -> bool:
    """Whether it is, or holds, an object or list with fields of its own."""
    own = isinstance(node, yaml.MappingNode) and any(key.value == "fields" for key, _ in node.value)
    return own or any(_holds_fields(child) for child in _children(node))


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for _, child in node.value]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _length(node: yaml.Node) -> int:
    if isinstance(node, yaml.MappingNode):
        return sum(len(key.value) + 2 + _length(child) + 2 for key, child in node.value)
    if isinstance(node, yaml.SequenceNode):
        return sum(_length(child) + 2 for child in node.value)
    return len(str(node.value))
