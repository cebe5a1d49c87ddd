"""What the Salesforce connector needs to know."""

from typing import Self

import msgspec

from canonical_model.errors import ConfigurationError
from connectors.http import Timeouts, base_url
from connectors.settings import Connection, Secret

DEFAULT_API_VERSION = "60.0"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the org is and who we are there.

    Attributes:
        url: Login or My Domain URL without a slash at the end.
        client_id: Consumer key of the connected app.
        client_secret: Its secret.
        login: User name for the password grant; empty for client credentials.
        password: Password, with the security token behind it where the org asks for one.
        api_version: For example `60.0`.
        settle_seconds: Changes younger than this are left for the next read, because Salesforce commits them out of order.
        timeouts: For every request.
    """

    url: str
    client_id: str
    client_secret: Secret
    login: str = ""
    password: Secret = Secret("")
    api_version: str = DEFAULT_API_VERSION
    settle_seconds: int = 0
    timeouts: Timeouts = Timeouts()

    @classmethod
    def from_connection(cls, connection: Connection) -> Self:
        """Settings from a connection: host, login, password, extra.client_id, .client_secret, .api_version, .settle_seconds.

        A login asks for the OAuth 2.0 password grant, none for client credentials.

        Raises:
            ConfigurationError: One is missing or unusable; the message names it.
        """
        settle = connection.extra.get("settle_seconds", "0")
        if not settle.isdigit():
            raise ConfigurationError(
                f"connection {connection.conn_id}: extra.settle_seconds is {settle!r}, not a whole number of seconds."
            )
        return cls(
            url=base_url(connection.setting("host"), connection.port),
            client_id=connection.setting("client_id"),
            client_secret=Secret(connection.setting("client_secret")),
            login=connection.login,
            password=Secret(connection.setting("password") if connection.login else ""),
            api_version=connection.extra.get("api_version", DEFAULT_API_VERSION),
            settle_seconds=int(settle),
            timeouts=Timeouts.from_connection(connection),
        )
