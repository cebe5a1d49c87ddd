"""Connectors by name: a folder of this package with a `connector.py` is one. Nothing is imported before it is asked for."""

import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

import connectors
from canonical_model.errors import ConfigurationError
from connectors.contract import Capabilities, Connector
from connectors.settings import Connection


def names() -> tuple[str, ...]:
    """Names of all connectors, sorted."""
    folders = (Path(root) / name for root in connectors.__path__ for name in _packages(root))
    return tuple(sorted(folder.name for folder in folders if (folder / "connector.py").is_file()))


def connect(system: str, connection: Connection) -> Connector:
    """The connector of a system for a connection; nothing is sent yet.

    Raises:
        ConfigurationError: No connector has this name, or a setting is missing.
    """
    connector: Connector = _module(system).connect(connection)
    return connector


def capabilities(system: str) -> Capabilities:
    """What the connector of a system can do.

    Raises:
        ConfigurationError: No connector has this name.
    """
    declared: Capabilities = _module(system).CAPABILITIES
    return declared


def _packages(root: str) -> list[str]:
    return [found.name for found in pkgutil.iter_modules([root]) if found.ispkg]


def _module(system: str) -> ModuleType:
    if system not in names():
        raise ConfigurationError(f"there is no connector {system!r}; there are {', '.join(names())}.")
    return import_module(f"connectors.{system}.connector")
