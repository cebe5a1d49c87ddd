"""What every stage is given: the store, the policy, the business date, who acts, and how to reach the connected systems."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TypeVar

from sqlalchemy import Engine

from billhub.policy import Policy, load
from billhub.store.engine import migrate, open_engine
from canonical_model.errors import ConfigurationError
from connectors import registry
from connectors.contract import Connector
from connectors.settings import Connection, from_environment

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

    def close(self) -> None:
        """Give back all connections."""
        for connector in self._connected.values():
            connector.close()
        self._connected.clear()
        self.engine.dispose()


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
    return Hub(engine, load(), as_of or now.date(), at, actor, connection)
