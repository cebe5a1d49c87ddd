"""Settings of the CSV source."""

from pathlib import Path
from typing import Self

import msgspec

from connectors.settings import Connection


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the file is.

    Attributes:
        path: The CSV file, plain or compressed with gzip (`.gz`).
    """

    path: Path

    @classmethod
    def from_connection(cls, connection: Connection) -> Self:
        """The settings of a connection: `host` is the path of the file.

        Raises:
            ConfigurationError: It is missing.
        """
        return cls(path=Path(connection.setting("host")))
