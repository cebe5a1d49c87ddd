"""Who taxes what where: the seeded jurisdictions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from sandbox.storage import Body, Storage, read_seed

KIND = "Jurisdiction"

# fmt: off
EU = frozenset((
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
))
# fmt: on
"""Member states of the European Union, ISO 3166-1 alpha-2."""


@dataclass(frozen=True)
class Address:
    """A place, as the vendor's AddressLocationInfo names its fields."""

    line1: str
    city: str
    region: str
    country: str
    postal_code: str


@dataclass(frozen=True)
class Jurisdiction:
    """One row of the seed: a tax of one authority in a region or postal area for a time."""

    country: str
    region: str
    postal_prefix: str
    juris_type: str
    juris_code: str
    juris_name: str
    tax_name: str
    rate: Decimal
    valid_from: date
    valid_to: date

    def covers(self, address: Address, day: date) -> bool:
        """Say whether it taxes what is delivered to an address on a day."""
        return (
            self.country == address.country
            and self.region in ("", address.region)
            and address.postal_code.startswith(self.postal_prefix)
            and self.valid_from <= day <= self.valid_to
        )


def load(storage: Storage, seed: Path) -> None:
    """Take the seeded jurisdictions into an empty storage."""
    with storage.transaction():
        for number, row in enumerate(read_seed(seed, "avatax", KIND), start=1):
            storage.insert(KIND, str(number), dict(row))


def stored(storage: Storage) -> Sequence[Jurisdiction]:
    """Return all jurisdictions, in seed order."""
    return tuple(_parse(row) for row in storage.list(KIND))


def _parse(row: Body) -> Jurisdiction:
    return Jurisdiction(
        **{name: row[name] for name in ("country", "region", "postal_prefix")},
        **{name: row[name] for name in ("juris_type", "juris_code", "juris_name", "tax_name")},
        rate=Decimal(row["rate"]),
        valid_from=_day(row["valid_from"], date.min),
        valid_to=_day(row["valid_to"], date.max),
    )


def _day(text: str, default: date) -> date:
    return date.fromisoformat(text) if text else default


def covering(jurisdictions: Sequence[Jurisdiction], address: Address, day: date) -> Iterator[Jurisdiction]:
    """Yield the jurisdictions that tax a delivery, in seed order."""
    return (jurisdiction for jurisdiction in jurisdictions if jurisdiction.covers(address, day))
