"""Invoices in the store: one row each from draft to delivered, amounts in minor units, the document itself as JSON."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, case, insert, select, update

from billhub.store.schema import invoices
from canonical_model.encoding import decode
from canonical_model.invoices import Invoice

OPEN_STATES = ("draft", "held", "checked", "taxed", "awaiting_approval", "ready")
"""States in which an invoice may still change: it has no number and nobody outside has seen it."""

REPLACEABLE_STATES = (*OPEN_STATES, "rejected")
"""States in which a changed source makes a new draft of an invoice: a rejection was about the content it saw."""

RELEASED_STATES = ("released", "delivered")

PASSED_STATES = ("checked", "taxed")
"""States between the checks and the release in which an invoice is not checked again."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as the stages work on it.

    Attributes:
        seq: Its place in the order of drafting.
        invoice_id: Canonical identifier.
        state: Where it is in its life.
        source_entity: `contract` or `order`.
        source_id: Which one.
        draft_hash: Content hash of the untaxed draft.
        content_hash: Content hash of what approval and release are bound to; None until taxed.
        fingerprint: Equal for two invoices that bill the same thing.
        created_by: Who had it drafted.
        invoice: The document.
    """

    seq: int
    invoice_id: str
    state: str
    source_entity: str
    source_id: str
    draft_hash: str
    content_hash: str | None
    fingerprint: str
    created_by: str
    invoice: Invoice


class Claim(NamedTuple):
    """One invoice among those that bill the same thing.

    Attributes:
        seq: Its place in the order of drafting.
        invoice_id: Canonical identifier.
        state: Where it is in its life.
    """

    seq: int
    invoice_id: str
    state: str


class ReleasedPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """The period that a released invoice of a contract has billed.

    Attributes:
        invoice_id: Canonical identifier.
        number: Its number.
        period_start: First day billed.
        period_end: Last day billed.
    """

    invoice_id: str
    number: str
    period_start: date
    period_end: date


_COLUMNS = (
    invoices.c.seq,
    invoices.c.invoice_id,
    invoices.c.state,
    invoices.c.source_entity,
    invoices.c.source_id,
    invoices.c.draft_hash,
    invoices.c.content_hash,
    invoices.c.fingerprint,
    invoices.c.created_by,
    invoices.c.body,
)


def heads(connection: Connection, invoice_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """State, draft hash, number and net amount of these invoices, by id, without their documents; locked where the database can.

    Whoever is about to change invoices looks at them here first, so that nobody else releases or changes them in between.
    """
    names = ("invoice_id", "state", "draft_hash", "number", "currency", "net_minor")
    columns = [invoices.c[name] for name in names]
    query = select(*columns).where(invoices.c.invoice_id.in_(list(invoice_ids))).order_by(invoices.c.seq)
    return {row["invoice_id"]: dict(row) for row in connection.execute(query.with_for_update()).mappings()}


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert drafts."""
    if rows:
        connection.execute(insert(invoices), list(rows))


def change(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update invoices by `invoice_id`; all rows set the same columns."""
    if not rows:
        return
    columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "invoice_id"}
    statement = update(invoices).where(invoices.c.invoice_id == bindparam("of_invoice")).values(**columns)
    connection.execute(
        statement,
        [
            {"of_invoice" if name == "invoice_id" else f"new_{name}": value for name, value in row.items()}
            for row in rows
        ],
    )


def in_states(connection: Connection, states: Sequence[str], *, after: int = 0, upto: int | None = None) -> list[Row]:
    """Invoices in these states in order of drafting, locked where the database can.

    Args:
        connection: The caller's transaction.
        states: Any of these.
        after: Sequence numbers above this one.
        upto: Up to and including this one; None for all.
    """
    query = select(*_COLUMNS).where(invoices.c.state.in_(states), invoices.c.seq > after).order_by(invoices.c.seq)
    if upto is not None:
        query = query.where(invoices.c.seq <= upto)
    return [_row(row) for row in connection.execute(query.with_for_update()).mappings()]


def locked(connection: Connection, seqs: Sequence[int], states: Sequence[str]) -> list[Row]:
    """These invoices, in the order given, if they are still in these states; locked where the database can."""
    query = (
        select(*_COLUMNS).where(invoices.c.seq.in_(list(seqs)), invoices.c.state.in_(states)).order_by(invoices.c.seq)
    )
    found = {row["seq"]: _row(row) for row in connection.execute(query.with_for_update()).mappings()}
    return [found[seq] for seq in seqs if seq in found]


def seqs_by_issue_date(connection: Connection, states: Sequence[str]) -> list[int]:
    """Sequence numbers of the invoices in these states, in order of their dates."""
    query = select(invoices.c.seq).where(invoices.c.state.in_(states)).order_by(invoices.c.issue_date, invoices.c.seq)
    return list(connection.execute(query).scalars())


def seqs(connection: Connection, states: Sequence[str]) -> list[int]:
    """Sequence numbers of the invoices in these states, in order."""
    query = select(invoices.c.seq).where(invoices.c.state.in_(states)).order_by(invoices.c.seq)
    return list(connection.execute(query).scalars())


def by_id(connection: Connection, invoice_ids: Sequence[str]) -> dict[str, Row]:
    """These invoices, by id."""
    query = select(*_COLUMNS).where(invoices.c.invoice_id.in_(list(invoice_ids)))
    return {row["invoice_id"]: _row(row) for row in connection.execute(query).mappings()}


def find(connection: Connection, name: str) -> Mapping[str, Any] | None:
    """One invoice by its number or its canonical id, all columns."""
    query = select(invoices).where((invoices.c.number == name) | (invoices.c.invoice_id == name))
    row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def with_fingerprints(connection: Connection, fingerprints: Sequence[str]) -> dict[str, list[Claim]]:
    """All invoices that bill each of these things and still count, those with the best claim to it first.

    What is released cannot be undone, and what has passed its checks is released without being checked again; among the
    others the one drafted first comes first.
    """
    rank = case((invoices.c.state.in_(RELEASED_STATES), 0), (invoices.c.state.in_(PASSED_STATES), 1), else_=2)
    query = (
        select(invoices.c.fingerprint, invoices.c.seq, invoices.c.invoice_id, invoices.c.state)
        .where(invoices.c.fingerprint.in_(list(fingerprints)), invoices.c.state.not_in(("withdrawn", "rejected")))
        .order_by(rank, invoices.c.seq)
    )
    claims: dict[str, list[Claim]] = {}
    for fingerprint, *claim in connection.execute(query):
        claims.setdefault(fingerprint, []).append(Claim(*claim))
    return claims


def released_periods(connection: Connection, contract_ids: Sequence[str]) -> dict[str, list[ReleasedPeriod]]:
    """What has been released for each of these contracts, the earliest period first."""
    query = (
        select(invoices.c.source_id, invoices.c.body)
        .where(
            invoices.c.source_entity == "contract",
            invoices.c.source_id.in_(list(contract_ids)),
            invoices.c.state.in_(RELEASED_STATES),
        )
        .order_by(invoices.c.period_start, invoices.c.seq)
    )
    periods: dict[str, list[ReleasedPeriod]] = {}
    for contract_id, body in connection.execute(query):
        periods.setdefault(contract_id, []).append(decode(body, ReleasedPeriod))
    return periods


def _row(row: Mapping[Any, Any]) -> Row:
    fields = {name: row[name] for name in Row.__struct_fields__ if name != "invoice"}
    return Row(**fields, invoice=decode(row["body"], Invoice))
