"""Outbound mapping: a source value in a target's own shape, or one clear error."""

from collections.abc import Mapping
from typing import Any

from canonical_model.errors import MappingError
from mappings import CompiledMapping


def shaped(mapping: CompiledMapping, source: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a mapping makes of `source`.

    Raises:
        MappingError: It cannot; names the mapping, its version, and the first field with its value and what else is wrong.
    """
    mapped = mapping.apply(source)
    if mapped.problems:
        first, more = mapped.problems[0], len(mapped.problems) - 1
        rest = f" (and {more} more)" if more else ""
        text = f"source {first.source_path}, value {first.value!r}: {first.message}{rest}"
        raise MappingError(text, mapping=f"{mapping.name}@{first.version}", field=first.field)
    document: Mapping[str, Any] = mapped.document
    return document
