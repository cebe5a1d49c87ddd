"""The shape of the policy file and the questions it answers."""

from collections.abc import Container
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import holidays
import msgspec

from canonical_model.codes import in_eu_vat_area
from canonical_model.money import Money
from canonical_model.parties import Address, Party

DEFAULT_FILE = Path(__file__).parent / "policy.yaml"
"""The policy that comes with the hub."""

OrderAction = Literal["hold", "report", "reject"]


class EntityPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of our legal entities.

    Attributes:
        name: Registered name.
        address: Seller's address.
        tax_id: Seller's registration.
        email: Sender and reply address of its invoices.
        currency: ISO 4217 of its price book and of its approval limit.
        price_book: Name of its price book.
        go_live: First day on which the hub bills for it.
        tax_engine: Connector that decides its taxes.
        erp: Connector of its books.
        approval_limit: A payable amount strictly above it needs approval; in `currency`.
        targets: Connectors a released invoice goes to, in order.
        address_service: Connector that knows which addresses exist; None for none.
    """

    name: str
    address: Address
    tax_id: str
    email: str
    currency: str
    price_book: str
    go_live: date
    tax_engine: str
    erp: str
    approval_limit: Decimal
    targets: tuple[str, ...]
    address_service: str | None = None


class ExceptionPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who mends a category of exceptions, by when and how.

    Attributes:
        owner: Team.
        working_days: Until the deadline.
        next_step: What the owner does.
    """

    owner: str
    working_days: Annotated[int, msgspec.Meta(ge=0, le=365)]
    next_step: str


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The policy file.

    Attributes:
        version: Raised with every change; written into the audit.
        entities: By code.
        accounts: Account numbers of the chart, by purpose.
        revenue_by_product: Account number by product code, where it is not that of subscriptions.
        discount_limit_percent: 0-100; a larger discount is held.
        tax_id_required: Countries whose buyers need a registration; `EU` stands for all members.
        orders: What happens to each kind of dirt in orders priced elsewhere.
        exceptions: By category.
        calendar: Country whose holidays count, by entity code.
    """

    version: int
    entities: dict[str, EntityPolicy]
    accounts: dict[str, str]
    revenue_by_product: dict[str, str]
    discount_limit_percent: Decimal
    tax_id_required: tuple[str, ...]
    orders: dict[str, OrderAction]
    exceptions: dict[str, ExceptionPolicy]
    calendar: dict[str, str]

    def seller(self, code: str) -> Party:
        """A legal entity as it is printed on its documents."""
        entity = self.entities[code]
        return Party(party_id=code, name=entity.name, address=entity.address, tax_id=entity.tax_id, email=entity.email)

    def approval_limit(self, code: str) -> Money:
        """The largest payable amount an entity releases without approval."""
        entity = self.entities[code]
        return Money(entity.approval_limit, entity.currency)

    def needs_tax_id(self, country: str, on: date) -> bool:
        """Whether a business buyer of this country is invoiced only with its registration."""
        return country in self.tax_id_required or ("EU" in self.tax_id_required and in_eu_vat_area(country, on))

    def deadline(self, category: str, *, opened: date, legal_entity: str | None) -> date:
        """The day by which an exception is to be mended: working days of the entity's country after it was opened."""
        off: Container[date] = self._holidays.get(legal_entity or "", ())
        day, left = opened, self.exceptions[category].working_days
        while left:
            day += timedelta(days=1)
            left -= day.weekday() < 5 and day not in off
        return day

    @cached_property
    def _holidays(self) -> dict[str, Container[date]]:
        return {code: holidays.country_holidays(country) for code, country in self.calendar.items()}
