"""Settings of a Stripe account."""

from typing import Self

import msgspec

from connectors.http import Timeouts, base_url
from connectors.settings import Connection, Secret

API = "https://api.stripe.com"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Which account, and where.

    Attributes:
        api: Base URL.
        api_key: Secret or restricted key; says the account and whether it is live.
        webhook_secret: Signing secret of our event destination; empty where no events are received.
        timeouts: For every call.
    """

    api: str
    api_key: Secret
    webhook_secret: Secret
    timeouts: Timeouts

    @classmethod
    def from_connection(cls, connection: Connection) -> Self:
        """The settings of a connection: the key is the password, `host` may name another base URL, `extra.webhook_secret` signs events.

        Raises:
            ConfigurationError: The key is missing, or a timeout cannot be read.
        """
        return cls(
            api=base_url(connection.host, connection.port) if connection.host else API,
            api_key=Secret(connection.setting("password")),
            webhook_secret=Secret(connection.extra.get("webhook_secret", "")),
            timeouts=Timeouts.from_connection(connection),
        )
