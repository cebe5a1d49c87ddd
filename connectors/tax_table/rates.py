"""The table of standard VAT rates and the look-up by country and day."""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib import resources

import msgspec
import yaml

from canonical_model.errors import ConfigurationError


class Rate(msgspec.Struct, frozen=True):
    """A standard rate in force for a while.

    Attributes:
        country: ISO 3166-1 alpha-2.
        percent: For example 17.5.
        valid_from: First day.
        source: Key of the table's sources.
        valid_to: Last day; None while in force.
    """

    country: str
    percent: Decimal
    valid_from: date
    source: str
    valid_to: date | None = None


class Table(msgspec.Struct, frozen=True):
    """All rates and where they are taken from."""

    sources: dict[str, str]
    rates: tuple[Rate, ...]


@lru_cache(maxsize=1)
def table() -> Table:
    """The table that comes with this connector.

    Raises:
        ConfigurationError: It does not fit its own form; the message names the place.
    """
    text = resources.files(__package__).joinpath("rates.yaml").read_text(encoding="utf-8")
    try:
        return msgspec.convert(yaml.safe_load(text), Table)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"connectors/tax_table/rates.yaml: {error}") from error


def percent(country: str, on: date) -> Decimal | None:
    """The standard rate of a country on a day, in percent; None where the table has none."""
    matches = (rate for rate in table().rates if rate.country == country)
    return next((rate.percent for rate in matches if rate.valid_from <= on <= (rate.valid_to or date.max)), None)
