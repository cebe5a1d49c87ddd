"""Faults of mapping files, and the refusal that names them all."""

from collections.abc import Iterable
from typing import NamedTuple

from canonical_model.errors import MappingError
from mappings.files.yaml_source import Mark


class Fault(NamedTuple):
    """One error in a mapping file.

    Attributes:
        mark: File and line.
        field: Field of the target, or of the header.
        message: What is wrong.
    """

    mark: Mark
    field: str
    message: str


def refusal(mapping: str, faults: Iterable[Fault]) -> MappingError:
    """One exception for all faults, by file and line."""
    ordered = sorted(set(faults))
    lines = [f"{fault.mark}: {fault.field}: {fault.message}" for fault in ordered]
    return MappingError(f"{len(lines)} error(s)\n" + "\n".join(lines), mapping=mapping, field=ordered[0].field)
