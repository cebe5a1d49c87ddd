"""The overview: where everything stands at a glance, as one typed value that the CLI and the console share.

Amounts are summed by the database over minor units. What came in is counted here from the invoices; the independent control against the sources is
`billhub.reconcile`.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, case, func, select

from billhub.hub import Hub
from billhub.store.display import run_list
from billhub.store.invoices import RELEASED_STATES
from billhub.store.schema import exceptions, intents, invoices
from billhub.store.views import RunView
from canonical_model.invoices import CREDIT_NOTE
from canonical_model.money import Money, from_minor

RUNS_SHOWN = 12
_PLACES = {"held": "held", "awaiting_approval": "awaiting_approval", "rejected": "rejected"} | dict.fromkeys(
    RELEASED_STATES, "released"
)


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """How much is in one place.

    Attributes:
        documents: Invoices and credit notes.
        net: Amount before tax; credit notes count negative.
        gross: Amount with tax; what is not taxed yet adds nothing.
    """

    documents: int
    net: Money
    gross: Money


class EntityTotals(msgspec.Struct, frozen=True, kw_only=True):
    """One legal entity and currency; `came_in` is the sum of the five places after it.

    Attributes:
        legal_entity: Code of the seller.
        currency: ISO 4217.
        came_in: Everything that was drafted and not withdrawn.
        released: Numbered; on the way to the targets, or there.
        held: On the exception desk.
        awaiting_approval: Waits for a second person.
        in_progress: Between two steps of the release.
        rejected: Not billed.
    """

    legal_entity: str
    currency: str
    came_in: Volume
    released: Volume
    held: Volume
    awaiting_approval: Volume
    in_progress: Volume
    rejected: Volume


class CategoryCount(msgspec.Struct, frozen=True, kw_only=True):
    """Exceptions of one category that nobody has mended yet.

    Attributes:
        category: Kind of problem.
        owner: Team that mends it.
        open: Those that hold a record back.
        overdue: Of these, those past their deadline.
        reported: Those that were only reported and hold nothing back.
        next_deadline: Earliest deadline of the open ones.
    """

    category: str
    owner: str
    open: int
    overdue: int
    reported: int
    next_deadline: date | None


class TargetCount(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries to one target, by state.

    Attributes:
        target: Connector.
        confirmed: Known to be there.
        pending: Not sent yet.
        sending: A worker has them now.
        uncertain: May be there; looked up before they are sent again.
        rejected: Refused; on the exception desk.
    """

    target: str
    confirmed: int = 0
    pending: int = 0
    sending: int = 0
    uncertain: int = 0
    rejected: int = 0


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the hub.

    Attributes:
        as_of: Business date; decides what is overdue.
        totals: By legal entity and currency, in order.
        exceptions: By category, the most urgent first.
        deliveries: By target, in order.
        runs: The latest runs of tasks, the latest first.
    """

    as_of: date
    totals: tuple[EntityTotals, ...]
    exceptions: tuple[CategoryCount, ...]
    deliveries: tuple[TargetCount, ...]
    runs: tuple[RunView, ...]


def overview(connection: Connection, hub: Hub) -> Overview:
    """Where everything stands now."""
    return Overview(
        as_of=hub.as_of,
        totals=tuple(_totals(connection)),
        exceptions=tuple(_categories(connection, hub.as_of)),
        deliveries=tuple(_targets(connection)),
        runs=tuple(run_list(connection, limit=RUNS_SHOWN)),
    )


def _totals(connection: Connection) -> Iterable[EntityTotals]:
    sign = case((invoices.c.document_type == CREDIT_NOTE, -1), else_=1)
    keys = (invoices.c.legal_entity, invoices.c.currency)
    query = (
        select(
            *keys,
            invoices.c.state,
            func.count().label("documents"),
            func.sum(sign * invoices.c.net_minor).label("net"),
            func.sum(sign * func.coalesce(invoices.c.gross_minor, 0)).label("gross"),
        )
        .where(invoices.c.state != "withdrawn")
        .group_by(*keys, invoices.c.state)
        .order_by(*keys)
    )
    rows = connection.execute(query).mappings()
    for (entity, currency), group in groupby(rows, key=lambda row: (row["legal_entity"], row["currency"])):
        yield _entity_totals(entity, currency, list(group))


def _entity_totals(legal_entity: str, currency: str, rows: list[Any]) -> EntityTotals:
    places = ("released", "held", "awaiting_approval", "in_progress", "rejected")
    members = {place: [row for row in rows if _PLACES.get(row["state"], "in_progress") == place] for place in places}
    return EntityTotals(
        legal_entity=legal_entity,
        currency=currency,
        came_in=_volume(rows, currency),
        **{place: _volume(members[place], currency) for place in places},
    )


def _volume(rows: list[Mapping[str, Any]], currency: str) -> Volume:
    return Volume(
        documents=sum(row["documents"] for row in rows),
        net=from_minor(sum(int(row["net"]) for row in rows), currency),
        gross=from_minor(sum(int(row["gross"]) for row in rows), currency),
    )


def _categories(connection: Connection, as_of: date) -> Iterable[CategoryCount]:
    table = exceptions.c
    is_open = table.state == "open"
    deadline = func.min(case((is_open, table.deadline)))
    query = (
        select(
            table.category,
            table.owner,
            _count_if(is_open).label("open"),
            _count_if(is_open & (table.deadline < as_of.isoformat())).label("overdue"),
            _count_if(table.state == "reported").label("reported"),
            deadline.label("next_deadline"),
        )
        .where(table.state.in_(("open", "reported")))
        .group_by(table.category, table.owner)
        .order_by(deadline.is_(None), deadline, table.category)
    )
    for row in connection.execute(query).mappings():
        nearest = row["next_deadline"]
        yield CategoryCount(**{**row, "next_deadline": date.fromisoformat(nearest) if nearest else None})


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _targets(connection: Connection) -> Iterable[TargetCount]:
    columns = (intents.c.target, intents.c.state)
    query = select(*columns, func.count()).group_by(*columns).order_by(intents.c.target)
    rows = connection.execute(query).tuples()
    for target, group in groupby(rows, key=lambda row: row[0]):
        yield TargetCount(target=target, **{state: count for _, state, count in group})
