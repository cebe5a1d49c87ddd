"""The completeness control: what came in, counted at the sources, is released, held or rejected, to the cent; and targets have what we say.

"In" never comes from the invoices themselves: for contracts it is computed from their billing schedules, for orders it is the control total that the
source was counted with before anything was mapped.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, case, exists, func, select

from billhub.billing.soundness import defects
from billhub.hub import Hub
from billhub.routing import deliveries
from billhub.store import documents
from billhub.store.invoices import RELEASED_STATES
from billhub.store.schema import documents as document_table
from billhub.store.schema import exceptions, intents, invoices, landed
from canonical_model.contracts import Contract
from canonical_model.encoding import decode
from canonical_model.invoices import CREDIT_NOTE
from canonical_model.money import from_minor
from canonical_model.schedule import BillingPeriod, due_periods, instalments
from connectors.contract import Target

_PLACES = {"rejected": "rejected", "awaiting_approval": "awaiting"} | dict.fromkeys(RELEASED_STATES, "released")

_EXACT = Context(prec=100)  # an amount of any size, which is held, must not cost the others their last digits


class Volume(msgspec.Struct, frozen=True):
    """How much: documents, lines, and the exact net amount before rounding (credit notes count negative)."""

    documents: int = 0
    lines: int = 0
    amount: Decimal = Decimal(0)

    def __add__(self, other: "Volume") -> "Volume":
        return Volume(self.documents + other.documents, self.lines + other.lines, _EXACT.add(self.amount, other.amount))

    def __sub__(self, other: "Volume") -> "Volume":
        less = _EXACT.subtract(self.amount, other.amount)
        return Volume(self.documents - other.documents, self.lines - other.lines, less)


class Completeness(msgspec.Struct, frozen=True, kw_only=True):
    """The control of one legal entity and currency.

    Attributes:
        legal_entity: Code; empty where the source does not say.
        currency: ISO 4217.
        source: `contract` or `order`.
        came_in: Counted at the source.
        released: Numbered and on the way to the targets, or there.
        awaiting: Held until a second person decides.
        held: On the exception desk, or still being worked on.
        rejected: Not billed, with the reason kept.
        rounding: What rounding to the currency added to the released amounts; the named residual.
        tax: Tax on what was released.
        gross: Released amounts with tax.
    """

    legal_entity: str
    currency: str
    source: str
    came_in: Volume
    released: Volume
    awaiting: Volume
    held: Volume
    rejected: Volume
    rounding: Decimal
    tax: Decimal
    gross: Decimal

    @property
    def difference(self) -> Volume:
        """What is not accounted for; nothing, or something is wrong."""
        return self.came_in - self.released - self.awaiting - self.held - self.rejected

    @property
    def is_complete(self) -> bool:
        """Whether everything that came in is accounted for, to the last digit."""
        return self.difference == Volume()


class Receivable(msgspec.Struct, frozen=True, kw_only=True):
    """What customers owe by documents of one legal entity and currency (credit notes count negative).

    Attributes:
        legal_entity: Code.
        currency: ISO 4217.
        released: With tax.
        posted: Of it, what the ERP has confirmed.
    """

    legal_entity: str
    currency: str
    released: Decimal
    posted: Decimal


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many records of one kind we believe a target to have, and how many it says it has.

    Attributes:
        target: Connector.
        entity: Its name of the kind.
        ours: Deliveries confirmed, each record once.
        theirs: Its own count.
    """

    target: str
    entity: str
    ours: int
    theirs: int


def completeness(connection: Connection, hub: Hub) -> list[Completeness]:
    """The control of every legal entity and currency, in order."""
    came_in = _came_in(connection, hub)
    placed, money = _placed(connection)
    keys = sorted(came_in.keys() | placed.keys())
    return [_row(key, came_in.get(key, Volume()), placed.get(key, {}), money.get(key)) for key in keys]


def counts(connection: Connection, hub: Hub) -> list[Count]:
    """Our confirmed deliveries beside what each target has of them.

    Documents are ours alone in a target, so the target counts them. Customers are not: there it is asked which of ours it has.

    Raises:
        ConnectorError: A target cannot be asked.
    """
    query = (
        select(intents.c.target, intents.c.entity, intents.c.external_key)
        .where(intents.c.state == "confirmed")
        .distinct()
        .order_by(intents.c.target, intents.c.entity, intents.c.external_key)
    )
    keys: dict[tuple[str, str], list[str]] = {}
    for target, entity, key in connection.execute(query).tuples():
        keys.setdefault((target, entity), []).append(key)
    return [
        Count(target=target, entity=entity, ours=len(ours), theirs=_theirs(hub, target, entity, ours))
        for (target, entity), ours in keys.items()
    ]


def receivables(connection: Connection, hub: Hub) -> list[Receivable]:
    """Released and posted amounts of every legal entity and currency, in order."""
    posted = exists().where(
        intents.c.invoice_id == invoices.c.invoice_id,
        intents.c.state == "confirmed",
        intents.c.entity.in_(("invoice", "creditMemo")),
        intents.c.target.in_({entity.erp for entity in hub.policy.entities.values()}),
    )
    signed = case((invoices.c.document_type == CREDIT_NOTE, -invoices.c.gross_minor), else_=invoices.c.gross_minor)
    query = (
        select(
            invoices.c.legal_entity, invoices.c.currency, func.sum(signed), func.sum(case((posted, signed), else_=0))
        )
        .where(invoices.c.state.in_(RELEASED_STATES))
        .group_by(invoices.c.legal_entity, invoices.c.currency)
        .order_by(invoices.c.legal_entity, invoices.c.currency)
    )
    return [
        Receivable(
            legal_entity=code,
            currency=currency,
            released=from_minor(int(released), currency).amount,
            posted=from_minor(int(in_books), currency).amount,
        )
        for code, currency, released, in_books in connection.execute(query).tuples()
    ]


def _theirs(hub: Hub, target: str, entity: str, ours: Sequence[str]) -> int:
    connector = hub.connect(target, Target)
    shared = any(each.of == "customer" for each in deliveries(target) if each.entity == entity)
    return len(connector.find(entity, ours)) if shared else connector.count(entity)


_Key = tuple[str, str, str]
_Money = tuple[Decimal, Decimal, Decimal]


def _row(key: _Key, came_in: Volume, places: Mapping[str, Volume], money: _Money | None) -> Completeness:
    rounding, tax, gross = money or (Decimal(0), Decimal(0), Decimal(0))
    return Completeness(
        legal_entity=key[0],
        currency=key[1],
        source=key[2],
        came_in=came_in,
        released=places.get("released", Volume()),
        awaiting=places.get("awaiting", Volume()),
        held=places.get("held", Volume()),
        rejected=places.get("rejected", Volume()),
        rounding=rounding,
        tax=tax,
        gross=gross,
    )


def _came_in(connection: Connection, hub: Hub) -> dict[_Key, Volume]:
    totals: dict[_Key, Volume] = {}
    for key, volume in (*_due_of_contracts(connection, hub), *_controls_of_orders(connection)):
        totals[key] = totals.get(key, Volume()) + volume
    return totals


def _due_of_contracts(connection: Connection, hub: Hub) -> Iterator[tuple[_Key, Volume]]:
    for chunk in documents.walk(connection, "contract"):
        for contract in (decode(stored.body, Contract) for stored in chunk):
            for period in _due(contract, hub):
                amount = sum((part.net.amount for part in instalments(contract, period)), Decimal(0))
                volume = Volume(1, len(contract.lines), amount)
                yield (contract.legal_entity, contract.currency, "contract"), volume


def _due(contract: Contract, hub: Hub) -> Sequence[BillingPeriod]:
    """The periods due; none of a contract that nothing can be computed from, which is on the exception desk as a whole."""
    if contract.status != "active" or any(defects(hub.policy, contract)):
        return ()
    return due_periods(contract, as_of=hub.as_of, since=hub.policy.entities[contract.legal_entity].go_live)


def _controls_of_orders(connection: Connection) -> Iterator[tuple[_Key, Volume]]:
    for row in connection.execute(_newest_controls()).mappings():
        key = (row["control_entity"] or "", row["control_currency"], "order")
        yield key, Volume(1, row["control_lines"], Decimal(row["control_amount"]))


def _orders_on_desk(connection: Connection) -> set[tuple[str, str]]:
    """Source and external id of the orders that no draft could be made from: held, although their record could be read."""
    query = (
        select(landed.c.source, landed.c.external_id)
        .join(document_table, document_table.c.landed_id == landed.c.landed_id)
        .join(exceptions, exceptions.c.subject_id == document_table.c.canonical_id)
        .where(document_table.c.entity == "order", document_table.c.is_current, exceptions.c.state == "open")
        .where(exceptions.c.subject_type == "order")
    )
    return set(connection.execute(query).tuples())


def _newest_controls() -> Any:
    newest = select(func.max(landed.c.landed_id)).group_by(landed.c.source, landed.c.entity, landed.c.external_id)
    names = ("source", "external_id", "state", "control_entity", "control_currency", "control_lines", "control_amount")
    columns = [landed.c[name] for name in names]
    return select(*columns).where(landed.c.landed_id.in_(newest), landed.c.control_amount.is_not(None))


def _placed(connection: Connection) -> tuple[dict[_Key, dict[str, Volume]], dict[_Key, _Money]]:
    """Where everything is now, and rounding, tax and gross of what was released."""
    placed: dict[_Key, dict[str, Volume]] = {}
    money: dict[_Key, _Money] = {}
    for row in connection.execute(_invoice_rows()).mappings():
        key = (row["legal_entity"], row["currency"], row["source_entity"])
        sign = -1 if row["document_type"] == CREDIT_NOTE else 1
        place = _PLACES.get(row["state"], "held")
        raw = Decimal(row["raw_amount"])
        _add(placed, key, place, Volume(1, row["line_count"], raw))
        if place == "released":
            net, tax, gross = (_amount(row, name) * sign for name in ("net_minor", "tax_minor", "gross_minor"))
            before = money.get(key, (Decimal(0), Decimal(0), Decimal(0)))
            money[key] = (before[0] + net - raw, before[1] + tax, before[2] + gross)
    on_desk = _orders_on_desk(connection)
    for row in connection.execute(_newest_controls()).mappings():
        if row["state"] != "mapped" or (row["source"], row["external_id"]) in on_desk:
            key = (row["control_entity"] or "", row["control_currency"], "order")
            place = "rejected" if row["state"] == "refused" else "held"
            _add(placed, key, place, Volume(1, row["control_lines"], Decimal(row["control_amount"])))
    return placed, money


def _invoice_rows() -> Any:
    names = ("legal_entity", "currency", "source_entity", "document_type", "state", "raw_amount", "line_count")
    amounts = ("net_minor", "tax_minor", "gross_minor")
    columns = [invoices.c[name] for name in (*names, *amounts)]
    return select(*columns).where(invoices.c.state != "withdrawn").order_by(invoices.c.seq)


def _amount(row: Mapping[Any, Any], name: str) -> Decimal:
    return from_minor(row[name] or 0, row["currency"]).amount


def _add(placed: dict[_Key, dict[str, Volume]], key: _Key, place: str, volume: Volume) -> None:
    places = placed.setdefault(key, {})
    places[place] = places.get(place, Volume()) + volume


def all_complete(rows: Sequence[Completeness]) -> bool:
    """Whether every control holds."""
    return all(row.is_complete for row in rows)
