"""Approvals: bound to the content of an invoice, and never given by the one who created it.

The store itself refuses an approval by the creator (a check constraint); here the refusal gets its words.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from billhub import audit
from billhub.hub import Hub
from billhub.store.schema import approvals, invoices
from canonical_model.errors import HubError


class ApprovalRefusedError(HubError):
    """The decision is not this person's to make, or there is nothing to decide."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice that may not be released without a second person.

    Attributes:
        invoice_id: Which one.
        content_hash: What exactly would be released.
        created_by: Who created it; may not decide.
        reason: The rule that asks for approval, with the amounts.
    """

    invoice_id: str
    content_hash: str
    created_by: str
    reason: str


def request(connection: Connection, hub: Hub, requests: Sequence[Request]) -> None:
    """Ask for decisions; a question about older content of the same invoice becomes void."""
    if not requests:
        return
    known = _of_invoices(connection, [each.invoice_id for each in requests])
    hashes = {each.invoice_id: each.content_hash for each in requests}
    _void(connection, hub, [row for row in known if row["content_hash"] != hashes[row["invoice_id"]]])
    before = {(row["invoice_id"], row["content_hash"]): row for row in known}
    new = [each for each in requests if (each.invoice_id, each.content_hash) not in before]
    again = [each for each in requests if _is_closed(before.get((each.invoice_id, each.content_hash)))]
    asked = {"state": "pending", "requested_on": hub.as_of.isoformat()}
    if new:
        connection.execute(insert(approvals), [msgspec.to_builtins(each) | asked for each in new])
    for each in again:  # content that came back after a change; who decided then stays in the audit
        row = before[each.invoice_id, each.content_hash]
        values = msgspec.to_builtins(each) | asked | {"decided_by": None, "decided_on": None, "comment": None}
        connection.execute(update(approvals).where(approvals.c.approval_id == row["approval_id"]).values(**values))
    entries = [_entry("approval.requested", each.invoice_id, {"reason": each.reason}) for each in (*new, *again)]
    audit.append(connection, hub, entries)


def void(connection: Connection, hub: Hub, invoice_ids: Sequence[str]) -> None:
    """What was asked or decided about these invoices no longer counts: their drafts are replaced or withdrawn."""
    _void(connection, hub, _of_invoices(connection, invoice_ids))


def decide(connection: Connection, hub: Hub, invoice_id: str, *, approve: bool, comment: str = "") -> None:
    """Approve or reject, as the hub's actor, the content that is waiting now.

    Raises:
        ApprovalRefusedError: Nothing is waiting, its content has changed since, or the actor created the invoice.
    """
    row = _pending(connection, invoice_id)
    if row["created_by"] == hub.actor:
        raise ApprovalRefusedError(
            f"{hub.actor} created invoice {invoice_id} and may not approve or reject it; a second person has to decide"
        )
    state = "approved" if approve else "rejected"
    decided = {"state": state, "decided_by": hub.actor, "decided_on": hub.as_of.isoformat(), "comment": comment}
    connection.execute(update(approvals).where(approvals.c.approval_id == row["approval_id"]).values(**decided))
    after = "ready" if approve else "rejected"
    connection.execute(update(invoices).where(invoices.c.invoice_id == invoice_id).values(state=after))
    detail = {"content_hash": row["content_hash"], "comment": comment, "reason": row["reason"]}
    audit.append(connection, hub, [_entry(f"approval.{state}", invoice_id, detail)])


def approved(connection: Connection, contents: Mapping[str, str]) -> set[str]:
    """Which invoices are approved with exactly this content.

    Args:
        connection: Any connection.
        contents: Content hash by invoice id.
    """
    query = select(approvals.c.invoice_id, approvals.c.content_hash).where(
        approvals.c.invoice_id.in_(list(contents)), approvals.c.state == "approved"
    )
    return {row.invoice_id for row in connection.execute(query) if contents[row.invoice_id] == row.content_hash}


def listed(connection: Connection, *, state: str | None = "pending", limit: int = 200) -> list[Mapping[str, Any]]:
    """Approvals with the amounts they are about, oldest first."""
    shown = (
        invoices.c.legal_entity,
        invoices.c.customer_id,
        invoices.c.currency,
        invoices.c.gross_minor,
        invoices.c.number,
    )
    query = (
        select(approvals, *shown)
        .join(invoices, invoices.c.invoice_id == approvals.c.invoice_id)
        .order_by(approvals.c.approval_id)
        .limit(limit)
    )
    if state:
        query = query.where(approvals.c.state == state)
    return [dict(row) for row in connection.execute(query).mappings()]


def _pending(connection: Connection, invoice_id: str) -> Mapping[str, Any]:
    """The question that waits, about the content the invoice has now. The invoice is locked first, as everywhere."""
    columns = (invoices.c.state, invoices.c.content_hash)
    of_invoice = select(*columns).where(invoices.c.invoice_id == invoice_id).with_for_update()
    invoice = connection.execute(of_invoice).mappings().first()
    query = select(approvals).where(approvals.c.invoice_id == invoice_id, approvals.c.state == "pending")
    row = connection.execute(query.with_for_update()).mappings().first()
    if row is None or invoice is None or invoice["state"] != "awaiting_approval":
        raise ApprovalRefusedError(f"invoice {invoice_id} is not waiting for approval; see billhub approvals list")
    if row["content_hash"] != invoice["content_hash"]:
        raise ApprovalRefusedError(f"invoice {invoice_id} is no longer what was asked about; run the release again")
    return dict(row)


def _of_invoices(connection: Connection, invoice_ids: Sequence[str]) -> list[Mapping[str, Any]]:
    query = select(approvals).where(approvals.c.invoice_id.in_(list(invoice_ids))).order_by(approvals.c.approval_id)
    return [dict(row) for row in connection.execute(query).mappings()]


def _is_closed(row: Mapping[str, Any] | None) -> bool:
    return row is not None and row["state"] in {"void", "rejected"}


def _void(connection: Connection, hub: Hub, rows: Sequence[Mapping[str, Any]]) -> None:
    counting = [row for row in rows if row["state"] != "void"]
    if counting:
        ids = [row["approval_id"] for row in counting]
        connection.execute(update(approvals).where(approvals.c.approval_id.in_(ids)).values(state="void"))
    entries = [_entry("approval.void", row["invoice_id"], {"content_hash": row["content_hash"]}) for row in counting]
    audit.append(connection, hub, entries)


def _entry(action: str, invoice_id: str, detail: Mapping[str, Any]) -> audit.Entry:
    return audit.Entry(action=action, subject=invoice_id, detail=detail)
