"""Settings of a NetSuite account."""

from typing import Self

import msgspec

from connectors.http import Timeouts, base_url
from connectors.settings import Connection, Secret

_WSDL, _SERVICE = "/wsdl/v2023_2_0/netsuite.wsdl", "/services/NetSuitePort_2023_2"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Which account, as whom, and where.

    Attributes:
        account: The account's identifier, for example `1234567_SB1`.
        consumer_key: Of the integration record.
        consumer_secret: Of the integration record.
        token: Of user and role.
        token_secret: Of the token.
        wsdl: URL or file of the WSDL, with its schemas beside it.
        service: URL that takes the calls.
        timeouts: For every call.
    """

    account: str
    consumer_key: str
    consumer_secret: Secret
    token: str
    token_secret: Secret
    wsdl: str
    service: str
    timeouts: Timeouts

    @classmethod
    def from_connection(cls, connection: Connection) -> Self:
        """The settings of a connection.

        `host` is the account's base URL and `login` the account; `extra` holds `consumer_key`, `consumer_secret` and `token`, and `token_secret`
        unless that is the password. `extra.wsdl` and `extra.service` replace what follows from the host.

        Raises:
            ConfigurationError: A required one is missing; the message names it.
        """
        url = base_url(connection.setting("host"), connection.port)
        return cls(
            account=connection.setting("login"),
            consumer_key=connection.setting("consumer_key"),
            consumer_secret=Secret(connection.setting("consumer_secret")),
            token=connection.setting("token"),
            token_secret=Secret(connection.password or connection.setting("token_secret")),
            wsdl=connection.extra.get("wsdl") or url + _WSDL,
            service=connection.extra.get("service") or url + _SERVICE,
            timeouts=Timeouts.from_connection(connection),
        )
