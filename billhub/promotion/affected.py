"""Which invoices rest on a document that would change, and what would become of their amounts."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from billhub.billing.forecast import billed
from billhub.hub import Hub
from billhub.promotion.comparing import Pair
from billhub.promotion.values import InvoiceEffect
from billhub.store.schema import documents, invoice_sources, invoices
from canonical_model.catalog import identity
from canonical_model.money import Money, from_minor, zero
from canonical_model.tax import TaxQuote

NOT_DRAFTED = "not_drafted"

_COLUMNS = [
    invoices.c[name]
    for name in ("invoice_id", "number", "state", "currency", "net_minor", "gross_minor", "source_id", "customer_id")
]
_RESTS_BY: Mapping[str, tuple[ColumnElement[Any], ColumnElement[bool]]] = {
    "contract": (invoices.c.source_id, invoices.c.source_entity == "contract"),
    "order": (invoices.c.source_id, invoices.c.source_entity == "order"),
    "customer": (invoices.c.customer_id, invoices.c.customer_id.is_not(None)),
}
"""By which of its own columns an invoice names a document."""


class Resting(msgspec.Struct, frozen=True):
    """Invoices by the canonical id of what they rest on."""

    by_document: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def on(self, canonical_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Those that rest on any of these documents, by invoice id."""
        return {key: row for each in canonical_ids for key, row in self.by_document.get(each, {}).items()}


def identities(pair: Pair) -> list[str]:
    """The canonical ids that a record has by the two versions, without repetition."""
    return list(dict.fromkeys(identity(each.document) for each in (pair.old, pair.new) if each.document is not None))


def resting(connection: Connection, entity: str, canonical_ids: Sequence[str]) -> Resting:
    """The invoices that rest on these documents: by what they bill and whom, and by the versions they were made from."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    queries = [_by_versions(entity, canonical_ids)]
    if entity in _RESTS_BY:
        column, condition = _RESTS_BY[entity]
        queries.append(select(column.label("rests_on"), *_COLUMNS).where(condition, column.in_(canonical_ids)))
    for query in queries:
        for row in connection.execute(query.where(invoices.c.state != "withdrawn")).mappings():
            found.setdefault(row["rests_on"], {})[row["invoice_id"]] = dict(row)
    return Resting(found)


def effects_on(hub: Hub, pair: Pair, rows: Mapping[str, Mapping[str, Any]]) -> tuple[InvoiceEffect, ...]:
    """What becomes of the invoices of one record: those that rest on it, and those that would be drafted or fall away."""
    old, new = (billed(hub.policy, hub.as_of, each.document) for each in (pair.old, pair.new))
    moved = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    return tuple(_effect(key, rows.get(key), pair, (old, new)) for key in sorted(rows.keys() | moved))


def of_invoices(connection: Connection, pairs: Mapping[str, Pair]) -> dict[str, InvoiceEffect]:
    """What becomes of invoices whose tax answer, request or delivery differs, by invoice id."""
    query = select(*_COLUMNS).where(invoices.c.invoice_id.in_(list(pairs)))
    rows = connection.execute(query).mappings()
    return {row["invoice_id"]: _taxed(row, pairs[row["invoice_id"]]) for row in rows}


def _by_versions(entity: str, canonical_ids: Sequence[str]) -> Any:
    return (
        select(documents.c.canonical_id.label("rests_on"), *_COLUMNS)
        .join(invoice_sources, invoice_sources.c.document_id == documents.c.document_id)
        .join(invoices, invoices.c.invoice_id == invoice_sources.c.invoice_id)
        .where(documents.c.entity == entity, documents.c.canonical_id.in_(canonical_ids))
    )


def _effect(
    invoice_id: str, row: Mapping[str, Any] | None, pair: Pair, amounts: tuple[Mapping[str, Money], Mapping[str, Money]]
) -> InvoiceEffect:
    head = _head(row) if row else _of_none(invoice_id, amounts)
    if not any(amounts):  # what bills nothing itself says nothing of amounts
        return InvoiceEffect(**head)
    before, after = (
        None if each.document is None else of_it.get(invoice_id, zero(head["currency"]))
        for each, of_it in zip((pair.old, pair.new), amounts, strict=True)
    )
    return InvoiceEffect(**head, before=before, after=after, change=_change(before, after))


def _of_none(invoice_id: str, amounts: tuple[Mapping[str, Money], Mapping[str, Money]]) -> dict[str, Any]:
    currency = next(each[invoice_id] for each in amounts if invoice_id in each).currency
    return {"invoice_id": invoice_id, "number": None, "state": NOT_DRAFTED, "currency": currency}


def _taxed(row: Mapping[Any, Any], pair: Pair) -> InvoiceEffect:
    before, after = (_tax(each.document) for each in (pair.old, pair.new))
    basis: Any = "tax" if before or after else "net"
    return InvoiceEffect(**_head(row), basis=basis, before=before, after=after, change=_change(before, after))


def _tax(document: object) -> Money | None:
    """The tax of an answer; None for anything else, and for an amount that is none in its currency."""
    return document.total_tax if isinstance(document, TaxQuote) and document.total_tax.is_exact else None


def _head(row: Mapping[Any, Any]) -> dict[str, Any]:
    gross = None if row["gross_minor"] is None else from_minor(row["gross_minor"], row["currency"])
    kept = {name: row[name] for name in ("invoice_id", "number", "state", "currency")}
    return {**kept, "net": from_minor(row["net_minor"], row["currency"]), "gross": gross}


def _change(before: Money | None, after: Money | None) -> Money | None:
    if before is None or after is None or before.currency != after.currency:
        return None
    return after - before
