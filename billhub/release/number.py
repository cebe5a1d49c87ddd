"""Numbering and release: in one transaction an invoice gets the next gapless number, becomes unchangeable, and its deliveries are written down."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from billhub import approvals, audit, exceptions
from billhub.billing import approval_content
from billhub.hub import Hub
from billhub.release.approve import approval_reason
from billhub.routing import plan_intents
from billhub.store import intents, invoices
from billhub.store.engine import reading, transaction
from billhub.store.missing import insert_missing
from billhub.store.schema import number_sequences
from canonical_model.encoding import encode
from canonical_model.invoices import CREDIT_NOTE, Invoice
from canonical_model.violations import Violation


def release_ready(hub: Hub, *, size: int = 1000) -> Mapping[str, int]:
    """Number and release everything that is ready, `size` invoices a transaction. Returns how many were released and sent back."""
    counts: Counter[str] = Counter()
    with reading(hub.engine) as connection:
        seqs = invoices.seqs_by_issue_date(connection, ("ready",))  # numbers follow the dates of the documents
    for start in range(0, len(seqs), size):
        with transaction(hub.engine) as connection:
            counts.update(_release(connection, hub, seqs[start : start + size]))
    return dict(counts)


def _release(connection: Connection, hub: Hub, seqs: Sequence[int]) -> Mapping[str, int]:
    ready = invoices.locked(connection, seqs, ("ready",))
    rows = _unaltered(connection, hub, ready)
    unapproved = _without_approval(connection, hub, rows)
    invoices.change(connection, [{"invoice_id": each, "state": "taxed"} for each in unapproved])
    passed = [row for row in rows if row.invoice_id not in unapproved]
    numbers = _allot(connection, passed)
    released = {row.invoice_id: _finished(hub, row, numbers[row.invoice_id]) for row in passed}
    invoices.change(connection, [_change(hub, row, released[row.invoice_id]) for row in passed])
    intents.add(connection, plan_intents(connection, hub, list(released.values())))
    audit.append(connection, hub, [_entry(hub, row, released[row.invoice_id]) for row in passed])
    return {"released": len(passed), "sent_back": len(ready) - len(passed)}


def _unaltered(connection: Connection, hub: Hub, rows: Sequence[invoices.Row]) -> list[invoices.Row]:
    """Those whose body still has the content that was taxed and decided about; the others are held, and drafted anew from their source."""
    altered = [row for row in rows if approval_content(row.invoice) != row.content_hash]
    problems = [_altered(row) for row in altered]
    examined = [row.invoice_id for row in rows]
    exceptions.settle(connection, hub, subject_type="integrity", examined=examined, problems=problems)
    invoices.change(connection, [{"invoice_id": row.invoice_id, "state": "held", "draft_hash": ""} for row in altered])
    return [row for row in rows if row not in altered]


def _altered(row: invoices.Row) -> exceptions.Problem:
    violation = Violation(
        rule_id="HUB-R01",
        category="miscalculation",
        path="content_hash",
        value=row.content_hash or "",
        message="the stored invoice no longer has the content that was taxed and decided about; it is drafted anew from its source",
    )
    return exceptions.Problem(
        subject_type="integrity",
        subject_id=row.invoice_id,
        violation=violation,
        invoice_id=row.invoice_id,
        legal_entity=row.invoice.legal_entity,
    )


def _without_approval(connection: Connection, hub: Hub, rows: Sequence[invoices.Row]) -> list[str]:
    """Decided again at the last moment, on the content itself: a decision about other content does not count."""
    has_it = approvals.approved(connection, {row.invoice_id: approval_content(row.invoice) for row in rows})
    return sorted({row.invoice_id for row in rows if approval_reason(hub.policy, row.invoice)} - has_it)


def _allot(connection: Connection, rows: Sequence[invoices.Row]) -> dict[str, str]:
    """The next numbers of each series; the series stays locked until the transaction ends, so no number is lost or given twice."""
    numbers: dict[str, str] = {}
    for code, series in sorted({_series(row.invoice) for row in rows}):
        members = [row.invoice_id for row in rows if _series(row.invoice) == (code, series)]
        last = _lock(connection, code, series)
        numbers |= {each: f"{series}-{last + place:06d}" for place, each in enumerate(members, start=1)}
        of_series = (number_sequences.c.legal_entity == code, number_sequences.c.series == series)
        connection.execute(update(number_sequences).where(*of_series).values(last=last + len(members)))
    return numbers


def _series(invoice: Invoice) -> tuple[str, str]:
    code = invoice.legal_entity
    return code, f"{code}-CN" if invoice.document_type == CREDIT_NOTE else code


def _lock(connection: Connection, code: str, series: str) -> int:
    insert_missing(connection, number_sequences, [{"legal_entity": code, "series": series, "last": 0}])
    of_series = (number_sequences.c.legal_entity == code, number_sequences.c.series == series)
    return int(connection.execute(select(number_sequences.c.last).where(*of_series).with_for_update()).scalar_one())


def _finished(hub: Hub, row: invoices.Row, number: str) -> Invoice:
    """The invoice as it goes out. A contract's invoice is dated on release; an order's keeps the day of the order."""
    invoice = row.invoice
    issued = invoice.issue_date if row.source_entity == "order" else hub.as_of
    due = issued + (invoice.due_date - invoice.issue_date)
    return msgspec.structs.replace(invoice, number=number, issue_date=issued, due_date=due)


def _change(hub: Hub, row: invoices.Row, invoice: Invoice) -> dict[str, Any]:
    return {
        "invoice_id": row.invoice_id,
        "state": "released",
        "number": invoice.number,
        "issue_date": invoice.issue_date.isoformat(),
        "released_on": hub.as_of.isoformat(),
        "body": encode(invoice).decode(),
    }


def _entry(hub: Hub, row: invoices.Row, invoice: Invoice) -> audit.Entry:
    detail = {
        "number": invoice.number,
        "content_hash": row.content_hash,
        "payable": str(invoice.totals.payable),
        "policy_version": hub.policy.version,
        "approval": approval_reason(hub.policy, invoice) or "not needed",
    }
    return audit.Entry(action="invoice.released", subject=row.invoice_id, detail=detail)
