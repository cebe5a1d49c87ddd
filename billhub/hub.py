"""What every stage is given: the store, the policy, the business date, who acts, and how to reach the connected systems."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TypeVar

import msgspec
from sqlalchemy import Engine

import mappings
from billhub.policy import Policy, load
from billhub.store import mapping_versions
from billhub.store.engine import migrate, open_engine, reading, transaction
from billhub.store.mapping_versions import Activation
from canonical_model.errors import ConfigurationError, MappingError
from connectors import registry
from connectors.contract import Connector
from connectors.settings import Connection, from_environment
from mappings import CompiledMapping

Protocol = TypeVar("Protocol")


@dataclass(frozen=True)
class Hub:
    """One opened hub.

    Attributes:
        engine: The store.
        policy: What the company has decided.
        as_of: The business date; what is due, dated and late follows from it alone.
        at: The instant written into the audit, ISO 8601 UTC.
        actor: Who acts, for audit and four eyes.
        connection: Gives the connection settings of a system.
    """

    engine: Engine
    policy: Policy
    as_of: date
    at: str
    actor: str
    connection: Callable[[str], Connection] = from_environment
    _connected: dict[str, Connector] = field(default_factory=dict)
    _mappings: dict[str, CompiledMapping] = field(default_factory=dict)

    def connect(self, system: str, protocol: type[Protocol]) -> Protocol:
        """The connector of a system, opened once, which must serve `protocol`.

        Raises:
            ConfigurationError: There is no such connector, its connection is missing or wrong, or it does not do what is asked.
        """
        if system not in self._connected:
            self._connected[system] = registry.connect(system, self.connection(system))
        connector = self._connected[system]
        if not isinstance(connector, protocol):
            raise ConfigurationError(
                f"connector {system} cannot act as {protocol.__name__}; choose another in the policy file"
            )
        return connector

    def mapping(self, name: str) -> CompiledMapping:
        """The active version of a mapping, the same as long as the hub is open.

        Raises:
            MappingError: The mapping has no active version, or this release of the hub cannot compile it.
        """
        if name not in self._mappings:
            with reading(self.engine) as connection:
                kept = mapping_versions.active(connection, name)
            if kept is None:
                raise MappingError("has no active version; see billhub map versions", mapping=name, field="mapping")
            self._mappings[name] = compiled(kept.mapping, kept.bundle)
        return self._mappings[name]

    def close(self) -> None:
        """Give back all connections."""
        for connector in self._connected.values():
            connector.close()
        self._connected.clear()
        self.engine.dispose()


@lru_cache(maxsize=256)
def compiled(name: str, bundle: str) -> CompiledMapping:
    """A kept version, compiled once a process.

    Args:
        name: Name of the mapping.
        bundle: JSON of its texts by file name.

    Raises:
        MappingError: This release of the hub cannot compile it.
    """
    kept = mappings.Bundle(name=name, files=msgspec.json.decode(bundle))
    if name in mappings.names() and kept.fingerprint == mappings.bundle_of(name).fingerprint:
        return mappings.load(name)  # the file as it stands, which may be compiled already
    return mappings.compile_bundle(kept, mappings.promises(name))


def open_hub(
    *,
    as_of: date | None,
    actor: str,
    url: str | None = None,
    connection: Callable[[str], Connection] = from_environment,
) -> Hub:
    """Open the hub on its store, with the newest schema.

    Args:
        as_of: The business date; None for today (UTC), with the audit showing the true instant.
        actor: Who acts.
        url: Database; None for the one the environment names.
        connection: Where connection settings come from.
    """
    engine = open_engine(url)
    migrate(engine)
    now = datetime.now(UTC)
    at = f"{as_of}T00:00:00Z" if as_of else now.strftime("%Y-%m-%dT%H:%M:%SZ")
    hub = Hub(engine, load(), as_of or now.date(), at, actor, connection)
    _take_up_shipped_mappings(hub)
    return hub


def _take_up_shipped_mappings(hub: Hub) -> None:
    """A mapping that never had an active version begins with the one that came with the hub; every later one is promoted by a person."""
    with reading(hub.engine) as connection:
        missing = set(mappings.names()) - mapping_versions.activated(connection)
    if not missing:
        return
    on, by = hub.as_of.isoformat(), hub.actor
    shipped = [(mappings.bundle_of(name), mappings.load(name).version) for name in sorted(missing)]
    with transaction(hub.engine) as connection:
        missing -= mapping_versions.activated(connection)  # another process may have been first
        mapping_versions.keep(connection, shipped, on=on, by=by)
        made = [
            Activation(
                mapping=bundle.name,
                fingerprint=bundle.fingerprint,
                action="shipped",
                activated_on=on,
                activated_by=by,
                reason="came with the hub",
            )
            for bundle, _ in shipped
            if bundle.name in missing
        ]
        mapping_versions.activate(connection, made)
