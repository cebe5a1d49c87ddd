"""What a mapping makes of one record: how each field came about, what the record has that is not used, and what is wrong with it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from mappings import CompiledMapping, FieldProblem, FieldTrace
from mappings.overlaid import OverlaidMapping


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A source path that the record has and the mapping leaves aside on purpose.

    Attributes:
        path: For example `lines[].id`.
        reason: Why.
    """

    path: str
    reason: str


class MappingExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One record, explained.

    Attributes:
        mapping: Name of the mapping.
        version: Its version.
        fingerprint: SHA-256 of the texts of that version.
        record: Which record, for people.
        fields: Every field, in the order of the mapping.
        unmapped: Source paths that the mapping neither reads nor ignores.
        ignored: Source paths of this record that it ignores.
        problems: Why the record has no document; empty when it has.
    """

    mapping: str
    version: int
    fingerprint: str
    record: str
    fields: tuple[FieldTrace, ...]
    unmapped: tuple[str, ...]
    ignored: tuple[Ignored, ...]
    problems: tuple[FieldProblem, ...]


def explain_record(mapping: CompiledMapping, record: Mapping[str, Any], name: str) -> MappingExplanation:
    """How each field comes about when `mapping` is applied to `record`.

    Args:
        mapping: Any version of a mapping.
        record: As the mapping takes it.
        name: What to call the record.
    """
    used = mapping.variant(record) if isinstance(mapping, OverlaidMapping) else mapping
    left = ((path, reason) for path, reason in used.ignored.items() if _stands(record, path.split(".")))
    return MappingExplanation(
        mapping=mapping.name,
        version=mapping.version,
        fingerprint=mapping.fingerprint,
        record=name,
        fields=tuple(used.explain(record)),
        unmapped=tuple(used.unmapped(record)),
        ignored=tuple(Ignored(path=path, reason=reason) for path, reason in left),
        problems=used.apply(record).problems,
    )


def _stands(value: Any, steps: list[str]) -> bool:
    """Whether a record has a path; of a list one item is enough."""
    if not steps:
        return True
    name = steps[0].removesuffix("[]")
    if not isinstance(value, Mapping) or name not in value:
        return False
    inner = value[name]
    if not steps[0].endswith("[]"):
        return _stands(inner, steps[1:])
    return isinstance(inner, list | tuple) and any(_stands(item, steps[1:]) for item in inner)
