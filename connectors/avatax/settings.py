"""What the AvaTax connector needs to know."""

from typing import Self

import msgspec

from connectors.http import Timeouts, base_url
from connectors.settings import Connection, Secret


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where AvaTax is and who we are there.

    Attributes:
        url: Base URL without a slash at the end.
        account_id: Account number.
        license_key: Its licence key.
        company_codes: Companies whose transactions are ours; a transaction is looked for in each of them.
        timeouts: For every request.
    """

    url: str
    account_id: str
    license_key: Secret
    company_codes: tuple[str, ...]
    timeouts: Timeouts = Timeouts()

    @classmethod
    def from_connection(cls, connection: Connection) -> Self:
        """Settings from a connection: host, login (account id), password (licence key), extra.company_codes (by commas).

        Raises:
            ConfigurationError: One is missing; the message names it.
        """
        codes = (code.strip() for code in connection.setting("company_codes").split(","))
        return cls(
            url=base_url(connection.setting("host"), connection.port),
            account_id=connection.setting("login"),
            license_key=Secret(connection.setting("password")),
            company_codes=tuple(code for code in codes if code),
            timeouts=Timeouts.from_connection(connection),
        )
