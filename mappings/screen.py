"""Holding records against a contract."""

from collections.abc import Mapping
from typing import Any

from mappings.compiler.keeping import keeping
from mappings.files.contracts import Contract
from mappings.runtime.drift import Drift, drifts, shape


class Screen:
    """A contract ready for use; safe to share between threads.

    Args:
        contract: What is promised.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._keeps, self._shape = keeping(contract), shape(contract)

    def drifts(self, record: Mapping[str, Any]) -> list[Drift]:
        """Every promise that a record breaks, each once with the first value that does so; empty where it keeps the contract.

        Args:
            record: Plain JSON values as they were landed.
        """
        return [] if self._keeps(record) else drifts(self._shape, record)
