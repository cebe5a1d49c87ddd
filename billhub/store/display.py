"""Queries for people: what the CLI and the console list and show, as the typed rows of `billhub.store.views`. Reading only."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, select

from billhub.store.schema import approvals, attempts, audit, exceptions, intents, invoices, runs
from billhub.store.views import ApprovalView, AttemptView, DeliveryView, ExceptionView, InvoiceView, RunView
from canonical_model.money import Money, from_minor

View = TypeVar("View", bound=msgspec.Struct)


def exception_list(
    connection: Connection,
    wanted: Mapping[str, str | None] | None = None,
    *,
    state: str | None = "open",
    limit: int = 200,
    offset: int = 0,
) -> list[ExceptionView]:
    """Exceptions by deadline, the most urgent first.

    Args:
        connection: Any connection.
        wanted: Only those with these values, by column (`category`, `owner`, `assignee`, `legal_entity`); None for any.
        state: `open`, `reported`, `resolved`, `waived`, or None for all.
        limit: At most so many.
        offset: Leave out so many.
    """
    query = select(exceptions).where(*_equal(exceptions.c, {**(wanted or {}), "state": state}))
    query = query.order_by(exceptions.c.deadline, exceptions.c.exception_id).limit(limit).offset(offset)
    return _exceptions(connection, query)


def exceptions_by_id(connection: Connection, exception_ids: Sequence[int]) -> dict[int, ExceptionView]:
    """These exceptions by number; unknown numbers are left out."""
    query = select(exceptions).where(exceptions.c.exception_id.in_(list(exception_ids)))
    return {each.exception_id: each for each in _exceptions(connection, query)}


def exceptions_of_invoice(connection: Connection, invoice_id: str) -> list[ExceptionView]:
    """All exceptions of an invoice, open and closed, oldest first."""
    query = select(exceptions).where(exceptions.c.invoice_id == invoice_id).order_by(exceptions.c.exception_id)
    return _exceptions(connection, query)


def approval_list(connection: Connection, *, limit: int = 200, **wanted: str | None) -> list[ApprovalView]:
    """Approvals, oldest first.

    Args:
        connection: Any connection.
        limit: At most so many.
        wanted: Only those with these values, by column (`state`, `invoice_id`); None for any.
    """
    shown = (invoices.c.legal_entity, invoices.c.customer_id, invoices.c.currency, invoices.c.gross_minor)
    query = (
        select(approvals, *shown)
        .join(invoices, invoices.c.invoice_id == approvals.c.invoice_id)
        .where(*_equal(approvals.c, wanted))
        .order_by(approvals.c.approval_id)
        .limit(limit)
    )
    rows = connection.execute(query).mappings()
    return [_view(ApprovalView, row, gross=_money(row["gross_minor"], row["currency"])) for row in rows]


def deliveries(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[DeliveryView]:
    """These rows of `intents` with all their attempts, in order."""
    query = select(attempts).where(attempts.c.intent_id.in_([row["intent_id"] for row in rows]))
    history: dict[int, list[AttemptView]] = {}
    for row in connection.execute(query.order_by(attempts.c.attempt_id)).mappings():
        history.setdefault(row["intent_id"], []).append(_view(AttemptView, row, error=_error(row)))
    return [_delivery(row, history.get(row["intent_id"], [])) for row in rows]


def invoice_list(connection: Connection, *, limit: int = 50, **wanted: str | None) -> list[InvoiceView]:
    """Invoices, the latest draft first.

    Args:
        connection: Any connection.
        limit: At most so many.
        wanted: Only those with these values, by column (`state`, `legal_entity`, `customer_id`, `source_id`); None for any.
    """
    query = select(invoices).where(*_equal(invoices.c, wanted)).order_by(invoices.c.seq.desc()).limit(limit)
    return [_invoice(row) for row in connection.execute(query).mappings()]


def run_list(connection: Connection, *, limit: int = 50, **wanted: str | None) -> list[RunView]:
    """Runs of tasks, the latest first.

    Args:
        connection: Any connection.
        limit: At most so many.
        wanted: Only those with these values, by column (`flow`, `state`); None for any.
    """
    query = select(runs).where(*_equal(runs.c, wanted)).order_by(runs.c.run_id.desc()).limit(limit)
    rows = connection.execute(query).mappings()
    return [_view(RunView, row, counts=msgspec.json.decode(row["counts"])) for row in rows]


def undelivered(connection: Connection) -> dict[str, int]:
    """How many deliveries are not confirmed, by state."""
    query = select(intents.c.state, func.count()).where(intents.c.state != "confirmed").group_by(intents.c.state)
    return {state: count for state, count in connection.execute(query.order_by(intents.c.state))}


def audit_length(connection: Connection) -> int:
    """How many entries the audit has."""
    return int(connection.execute(select(func.count()).select_from(audit)).scalar_one())


def _exceptions(connection: Connection, query: Select[Any]) -> list[ExceptionView]:
    rows = connection.execute(query).mappings()
    return [_view(ExceptionView, row, amount=_money(row["amount_minor"], row["currency"])) for row in rows]


def _delivery(row: Mapping[str, Any], history: Sequence[AttemptView]) -> DeliveryView:
    answer = msgspec.json.decode(row["answer"]) if row["answer"] else None
    return _view(DeliveryView, row, answer=answer, error=_error(row), attempts=tuple(history))


def _invoice(row: Mapping[Any, Any]) -> InvoiceView:
    net, gross = (_money(row[name], row["currency"]) for name in ("net_minor", "gross_minor"))
    return _view(InvoiceView, row, net=net, gross=gross)


def _view(kind: type[View], row: Mapping[Any, Any], **made: Any) -> View:
    """A view whose fields are the row's columns of the same name, but for those made from several."""
    return kind(**{name: row[name] for name in kind.__struct_fields__ if name not in made}, **made)


def _money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else from_minor(minor, currency)


def _error(row: Mapping[Any, Any]) -> str | None:
    return f"[{row['error_code']}] {row['error_message']}" if row["error_code"] else None


def _equal(columns: Any, wanted: Mapping[str, str | None]) -> list[ColumnElement[bool]]:
    return [columns[name] == value for name, value in wanted.items() if value is not None]
