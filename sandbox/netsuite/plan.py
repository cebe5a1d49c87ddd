"""What writing one record will do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.netsuite.posting import Entry

Body = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """The record as it will be stored, its ledger entry, and the invoices it settles.

    Keys of `body` that start with "_" are the stand-in's own; no answer shows them. `invoices` are
    whole invoice records by internal id.
    """

    body: Body
    entry: Entry | None = None
    invoices: Mapping[str, Body] = field(default_factory=dict)
