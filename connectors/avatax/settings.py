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
        address_countries: Countries whose addresses AvaTax checks, ISO 3166-1. Avalara's address service knows the United States and Canada
            only and must not be asked about others (AvaTax certification, Address Validation badge, read 2026-11).
        timeouts: For every request.
    """

    url: str
    account_id: str
    license_key: Secret
    company_codes: tuple[str, ...]
    address_countries: tuple[str, ...] = ("US", "CA")
    timeouts: Timeouts = Timeouts()

    @classmethod
    def from_connection(cls, connection: Connection) -> Self:
        """Settings from a connection.

        Its host, login (account id), password (licence key), extra.company_codes and, where wanted, extra.address_countries, both by commas.

        Raises:
            ConfigurationError: One is missing; the message names it.
        """
        return cls(
            url=base_url(connection.setting("host"), connection.port),
            account_id=connection.setting("login"),
            license_key=Secret(connection.setting("password")),
            company_codes=_parts(connection.setting("company_codes")),
            address_countries=_parts(connection.extra.get("address_countries", "US,CA")),
            timeouts=Timeouts.from_connection(connection),
        )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
