"""The approval policy: which taxed invoices may go on by themselves, and which wait for a second person."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from billhub import approvals
from billhub.hub import Hub
from billhub.policy import Policy
from billhub.release.batches import batches
from billhub.store import invoices
from billhub.store.engine import transaction
from canonical_model.invoices import Invoice


def route_approvals(hub: Hub) -> Mapping[str, int]:
    """Let pass what needs no approval or has it for exactly this content, and ask for the rest. Returns how many went where."""
    counts: Counter[str] = Counter()
    for batch in batches(hub, ("taxed",)):
        with transaction(hub.engine) as connection:
            rows = invoices.in_states(connection, ("taxed",), after=batch[0], upto=batch[1])
            counts.update(_route(connection, hub, rows))
    return counts


def approval_reason(policy: Policy, invoice: Invoice) -> str | None:
    """Why an invoice needs approval, or None: its amount due is strictly above the limit of its legal entity."""
    payable, limit = invoice.totals.payable, policy.approval_limit(invoice.legal_entity)
    if payable.currency != limit.currency:
        return f"amount due {payable} is not in {limit.currency}, the currency of the approval limit"
    return f"amount due {payable} is above the limit of {limit}" if payable > limit else None


def _route(connection: Connection, hub: Hub, rows: Sequence[invoices.Row]) -> Mapping[str, int]:
    asked = {row.invoice_id: reason for row in rows if (reason := approval_reason(hub.policy, row.invoice))}
    has_it = approvals.approved(connection, {row.invoice_id: row.content_hash or "" for row in rows})
    waiting = [row for row in rows if row.invoice_id in asked and row.invoice_id not in has_it]
    requests = [
        approvals.Request(
            invoice_id=row.invoice_id,
            content_hash=row.content_hash or "",
            created_by=row.created_by,
            reason=asked[row.invoice_id],
        )
        for row in waiting
    ]
    approvals.request(connection, hub, requests)
    states = {row.invoice_id: "ready" for row in rows} | {row.invoice_id: "awaiting_approval" for row in waiting}
    invoices.change(connection, [{"invoice_id": each, "state": state} for each, state in states.items()])
    return Counter(states.values())
