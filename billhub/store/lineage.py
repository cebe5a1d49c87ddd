"""Lineage: which documents an invoice was made from, and which were looked at when it was checked, each in exactly the version used.

Written in the transaction that makes or checks the invoice. Once it is released nothing writes it again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from billhub.store.missing import insert_missing
from billhub.store.schema import documents, invoice_sources, landed

DRAFT, CHECK = "draft", "check"
"""Used for: the fields of the invoice come from it, or only its checks looked at it."""

Sources = Mapping[str, Sequence[int]]
"""Document numbers by invoice."""


def drafted_from(connection: Connection, new: Sources, *, again: Sources) -> None:
    """Note what drafts were made from.

    Args:
        connection: The caller's transaction.
        new: Drafts that were not there before.
        again: Drafts made anew; what was known of them before no longer counts.
    """
    if again:
        connection.execute(delete(invoice_sources).where(invoice_sources.c.invoice_id.in_(list(again))))
    if rows := _rows({**new, **again}, DRAFT):
        connection.execute(insert(invoice_sources), rows)


def checked_against(connection: Connection, checked: Sources) -> None:
    """Note what drafts were checked against, in place of what an earlier check looked at; what a draft was made from stays."""
    earlier = (invoice_sources.c.used_for == CHECK, invoice_sources.c.invoice_id.in_(list(checked)))
    connection.execute(delete(invoice_sources).where(*earlier))
    insert_missing(connection, invoice_sources, _rows(checked, CHECK))


def of_invoice(connection: Connection, invoice_id: str) -> list[Mapping[str, Any]]:
    """The documents of an invoice, all columns and what each was used for; those it was made from first."""
    query = (
        select(documents, invoice_sources.c.used_for)
        .join(invoice_sources, invoice_sources.c.document_id == documents.c.document_id)
        .where(invoice_sources.c.invoice_id == invoice_id)
        .order_by(invoice_sources.c.used_for.desc(), documents.c.entity, documents.c.canonical_id, documents.c.version)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def records(connection: Connection, landed_ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """Landed records by landed id: `source`, `record`, `external_id`, `source_version` and the body as `received`."""
    columns = (
        landed.c.landed_id,
        landed.c.source,
        landed.c.entity.label("record"),
        landed.c.external_id,
        landed.c.version.label("source_version"),
        landed.c.body.label("received"),
    )
    query = select(*columns).where(landed.c.landed_id.in_(list(landed_ids)))
    return {row["landed_id"]: dict(row) for row in connection.execute(query).mappings()}


def _rows(sources: Sources, used_for: str) -> list[dict[str, Any]]:
    return [
        {"invoice_id": invoice_id, "document_id": document_id, "used_for": used_for}
        for invoice_id, of_it in sources.items()
        for document_id in dict.fromkeys(of_it)
    ]
