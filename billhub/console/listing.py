"""Lists by the page: what the console filters and turns over."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, func, or_, select

from billhub.store.display import approval_list, exception_list
from billhub.store.invoices import heads
from billhub.store.schema import approvals, exceptions, invoices
from billhub.store.views import ApprovalView, ExceptionView
from canonical_model.money import Money, from_minor

Item = TypeVar("Item")


class Listing(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """One page of a list.

    Attributes:
        items: What is on it.
        total: How many there are in all.
        limit: At most so many on a page.
        offset: How many come before it.
    """

    items: tuple[Item, ...]
    total: int
    limit: int
    offset: int


class InvoiceItem(msgspec.Struct, frozen=True, kw_only=True):
    """One line in the list of invoices.

    Attributes:
        invoice_id: Canonical identifier.
        number: Once released.
        document_type: 380 invoice, 381 credit note.
        legal_entity: Code of the seller.
        customer_id: The buyer.
        customer_name: As printed.
        issue_date: ISO date.
        period_start: ISO date; None for an order.
        state: Where it is in its life.
        net: Before tax.
        tax: None until taxed.
        gross: With tax; None until taxed.
    """

    invoice_id: str
    number: str | None
    document_type: str
    legal_entity: str
    customer_id: str | None
    customer_name: str
    issue_date: str
    period_start: str | None
    state: str
    net: Money
    tax: Money | None
    gross: Money | None


class InvoiceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which invoices.

    Attributes:
        states: Any of these; empty for all.
        entity: Code of the seller; empty for all.
        currency: ISO 4217; empty for all.
        search: Part of number, identifier, customer or source; empty for all.
    """

    states: tuple[str, ...] = ()
    entity: str = ""
    currency: str = ""
    search: str = ""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """How much waits for people: open exceptions and pending approvals."""

    exceptions: int
    approvals: int


def invoice_listing(connection: Connection, wanted: InvoiceFilter, *, limit: int, offset: int) -> Listing[InvoiceItem]:
    """Invoices that fit, the latest draft first."""
    conditions = _conditions(wanted)
    query = select(invoices).where(*conditions).order_by(invoices.c.seq.desc()).limit(limit).offset(offset)
    rows = connection.execute(query).mappings()
    return Listing(
        items=tuple(_item(row) for row in rows),
        total=_count(connection, invoices, conditions),
        limit=limit,
        offset=offset,
    )


def exception_listing(
    connection: Connection, wanted: Mapping[str, str], *, limit: int, offset: int
) -> Listing[ExceptionView]:
    """Exceptions by deadline; `wanted` gives column values, an empty one is no condition."""
    given = {name: value for name, value in wanted.items() if value}
    conditions = [exceptions.c[name] == value for name, value in given.items()]
    return Listing(
        items=tuple(exception_list(connection, given, state=given.get("state"), limit=limit, offset=offset)),
        total=_count(connection, exceptions, conditions),
        limit=limit,
        offset=offset,
    )


def waiting(connection: Connection) -> Waiting:
    """How much waits for people now."""
    return Waiting(
        exceptions=_count(connection, exceptions, [exceptions.c.state == "open"]),
        approvals=_count(connection, invoices, [invoices.c.state == "awaiting_approval"]),
    )


def questions(connection: Connection, *, limit: int) -> list[ApprovalView]:
    """Approvals that wait for an answer, oldest first; those of invoices that were changed or withdrawn meanwhile are left out."""
    asked = approval_list(connection, limit=limit, state="pending")
    now = heads(connection, [each.invoice_id for each in asked])
    return [each for each in asked if now[each.invoice_id]["state"] == "awaiting_approval"]


def decisions(connection: Connection, *, limit: int) -> list[ApprovalView]:
    """What was decided, the latest first."""
    shown = (invoices.c.legal_entity, invoices.c.customer_id, invoices.c.currency, invoices.c.gross_minor)
    query = (
        select(approvals, *shown)
        .join(invoices, invoices.c.invoice_id == approvals.c.invoice_id)
        .where(approvals.c.decided_by.is_not(None))
        .order_by(approvals.c.approval_id.desc())
        .limit(limit)
    )
    rows = connection.execute(query).mappings()
    kept = [name for name in ApprovalView.__struct_fields__ if name != "gross"]
    return [ApprovalView(**{name: row[name] for name in kept}, gross=_money(row, "gross_minor")) for row in rows]


def choices(connection: Connection, table: Table, name: str) -> list[str]:
    """The values a column has, for a filter."""
    query = select(table.c[name]).where(table.c[name].is_not(None)).distinct().order_by(table.c[name])
    return list(connection.execute(query).scalars())


def _conditions(wanted: InvoiceFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(invoices.c.state.in_(wanted.states))
    if wanted.entity:
        conditions.append(invoices.c.legal_entity == wanted.entity)
    if wanted.currency:
        conditions.append(invoices.c.currency == wanted.currency)
    if wanted.search:
        columns = (invoices.c.number, invoices.c.invoice_id, invoices.c.customer_id, invoices.c.source_id)
        conditions.append(or_(*(column.icontains(wanted.search, autoescape=True) for column in columns)))
    return conditions


def _count(connection: Connection, table: Table, conditions: Sequence[ColumnElement[bool]]) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one())


class _Named(msgspec.Struct):
    name: str


class _Document(msgspec.Struct):
    """Of an invoice's document only what the list shows, so that a page is read without decoding all lines."""

    buyer: _Named


def _item(row: Mapping[Any, Any]) -> InvoiceItem:
    made: dict[str, Any] = {name: _money(row, f"{name}_minor") for name in ("net", "tax", "gross")}
    made["customer_name"] = msgspec.json.decode(row["body"], type=_Document).buyer.name
    return InvoiceItem(**{name: row[name] for name in InvoiceItem.__struct_fields__ if name not in made}, **made)


def _money(row: Mapping[Any, Any], column: str) -> Money | None:
    return None if row[column] is None else from_minor(row[column], row["currency"])
