"""Which invoices are due: planned from contracts and orders, committed as drafts.

`plan` is safe to repeat: a draft that already exists is only replaced when its source changed, and then its approval no longer counts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from billhub import approvals, audit, exceptions
from billhub.billing import contracts, orders
from billhub.billing.draft import Draft, approval_content, fingerprint
from billhub.hub import Hub
from billhub.store import documents, invoices, lineage
from billhub.store.engine import reading, transaction
from billhub.store.schema import invoices as invoice_table
from canonical_model.encoding import encode
from canonical_model.money import from_minor
from canonical_model.violations import Violation


def plan(hub: Hub) -> Mapping[str, int]:
    """Draft everything that is due and not released yet. Returns how many drafts were new, changed, kept and withdrawn."""
    counts: Counter[str] = Counter()
    for entity, draft in (("contract", contracts.drafts), ("order", orders.drafts)):
        with reading(hub.engine) as connection:
            chunks = list(_chunk_ids(connection, entity))
        for ids in chunks:
            with transaction(hub.engine) as connection:
                stored = list(documents.current(connection, entity, ids).values())
                counts.update(_commit(connection, hub, entity, stored, draft(connection, hub, stored)))
    return dict(counts)


def _chunk_ids(connection: Connection, entity: str) -> Iterator[list[str]]:
    for chunk in documents.walk(connection, entity):
        yield [stored.canonical_id for stored in chunk]


def _commit(
    connection: Connection, hub: Hub, entity: str, sources: Sequence[documents.Stored], drafts: Sequence[Draft]
) -> Mapping[str, int]:
    known = invoices.heads(connection, [draft.invoice.invoice_id for draft in drafts])
    new = [_row(hub, draft) for draft in drafts if draft.invoice.invoice_id not in known]
    changed = [_redrafted(hub, draft) for draft in drafts if _is_changed(known.get(draft.invoice.invoice_id), draft)]
    invoices.add(connection, new)
    invoices.change(connection, changed)
    _note_sources(connection, drafts, new, changed)
    approvals.void(connection, hub, [row["invoice_id"] for row in changed])
    _report_released(connection, hub, drafts, known)
    withdrawn = _withdraw(connection, hub, entity, [each.canonical_id for each in sources], drafts)
    entries = [_entry("invoice.drafted", row) for row in new] + [_entry("invoice.redrafted", row) for row in changed]
    audit.append(connection, hub, entries)
    kept = len(drafts) - len(new) - len(changed)
    return {"new": len(new), "changed": len(changed), "kept": kept, "withdrawn": withdrawn}


def _note_sources(
    connection: Connection,
    drafts: Sequence[Draft],
    new: Sequence[Mapping[str, Any]],
    changed: Sequence[Mapping[str, Any]],
) -> None:
    made_from = {draft.invoice.invoice_id: draft.made_from for draft in drafts}
    first, again = ({row["invoice_id"]: made_from[row["invoice_id"]] for row in rows} for rows in (new, changed))
    lineage.drafted_from(connection, first, again=again)


def _report_released(
    connection: Connection, hub: Hub, drafts: Sequence[Draft], known: Mapping[str, Mapping[str, Any]]
) -> None:
    """A released invoice never changes; where its source now asks for another amount, a person decides what follows."""
    released = [
        (draft, known[draft.invoice.invoice_id])
        for draft in drafts
        if known.get(draft.invoice.invoice_id, {}).get("state") in invoices.RELEASED_STATES
    ]
    problems = [_differs(draft, row) for draft, row in released if row["net_minor"] != draft.invoice.totals.net.minor]
    examined = [draft.invoice.invoice_id for draft, _ in released]
    exceptions.settle(connection, hub, subject_type="released", examined=examined, problems=problems)


def _differs(draft: Draft, row: Mapping[str, Any]) -> exceptions.Problem:
    invoice, billed = draft.invoice, from_minor(row["net_minor"], row["currency"])
    violation = Violation(
        rule_id="HUB-B04",
        category="released_differs",
        path="totals.net",
        value=str(invoice.totals.net),
        message=f"invoice {row['number']} was released with {billed}; {draft.source_entity} {draft.source_id} now comes to another amount",
    )
    return exceptions.Problem(
        subject_type="released",
        subject_id=invoice.invoice_id,
        violation=violation,
        invoice_id=invoice.invoice_id,
        legal_entity=invoice.legal_entity,
        amount=invoice.totals.net,
        content_hash=approval_content(invoice),
    )


def _redrafted(hub: Hub, draft: Draft) -> dict[str, Any]:
    """The creator stays: who only runs the plan again over a changed source does not become one, nor does the creator cease to be."""
    return {name: value for name, value in _row(hub, draft).items() if name != "created_by"}


def _is_changed(known: Mapping[str, Any] | None, draft: Draft) -> bool:
    if known is None or known["state"] not in (*invoices.REPLACEABLE_STATES, "withdrawn"):
        return False
    return known["state"] == "withdrawn" or bool(known["draft_hash"] != approval_content(draft.invoice))


def _withdraw(connection: Connection, hub: Hub, entity: str, source_ids: Sequence[str], drafts: Sequence[Draft]) -> int:
    """Drafts whose source no longer asks for them go out of the way, and so do their exceptions."""
    due = {draft.invoice.invoice_id for draft in drafts}
    query = select(invoice_table.c.invoice_id).where(
        invoice_table.c.source_entity == entity,
        invoice_table.c.source_id.in_(list(source_ids)),
        invoice_table.c.state.in_(invoices.REPLACEABLE_STATES),
    )
    query = query.order_by(invoice_table.c.seq).with_for_update()
    gone = [invoice_id for invoice_id in connection.execute(query).scalars() if invoice_id not in due]
    invoices.change(connection, [{"invoice_id": each, "state": "withdrawn"} for each in gone])
    approvals.void(connection, hub, gone)
    for subject_type in ("invoice", "tax"):
        exceptions.settle(connection, hub, subject_type=subject_type, examined=gone, problems=())
    audit.append(connection, hub, [audit.Entry(action="invoice.withdrawn", subject=each, detail={}) for each in gone])
    return len(gone)


def _row(hub: Hub, draft: Draft) -> dict[str, Any]:
    invoice = draft.invoice
    return {
        "invoice_id": invoice.invoice_id,
        "document_type": invoice.document_type,
        "legal_entity": invoice.legal_entity,
        "customer_id": invoice.buyer.party_id or None,
        "source_entity": draft.source_entity,
        "source_id": draft.source_id,
        "source_version": draft.source_version,
        "currency": invoice.currency,
        "issue_date": invoice.issue_date.isoformat(),
        "period_start": invoice.period_start.isoformat() if invoice.period_start else None,
        "net_minor": invoice.totals.net.minor,
        "tax_minor": None,
        "gross_minor": None,
        "raw_amount": format(draft.raw_amount, "f"),
        "line_count": len(invoice.lines),
        "state": "draft",
        "draft_hash": approval_content(invoice),
        "content_hash": None,
        "fingerprint": fingerprint(invoice),
        "created_by": hub.actor,
        "body": encode(invoice).decode(),
        "tax_answer": None,
    }


def _entry(action: str, row: Mapping[str, Any]) -> audit.Entry:
    kept = ("source_entity", "source_id", "source_version", "currency", "net_minor", "draft_hash")
    return audit.Entry(action=action, subject=row["invoice_id"], detail={name: row[name] for name in kept})
