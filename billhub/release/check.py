"""Checking a batch of drafts: facts are gathered, rules applied, and each draft goes on, is held, or is rejected."""

from collections import Counter
from collections.abc import Mapping, Sequence

from billhub import audit, exceptions
from billhub.checks import Facts, check_draft
from billhub.hub import Hub
from billhub.policy import OrderAction, Policy
from billhub.release.batches import Batch
from billhub.release.gather import gather
from billhub.store import invoices, lineage
from billhub.store.engine import transaction
from canonical_model.violations import Violation

WAITING = ("taxed", "awaiting_approval", "ready")
"""States of invoices that passed before and are not released yet: they are checked again, because what they rest on may have changed."""

WORK = ("draft", "held", *WAITING)


def check_batch(hub: Hub, batch: Batch) -> Mapping[str, int]:
    """Check the drafts of a batch, and again those held or waiting; safe to repeat. Returns how many came to which state."""
    with transaction(hub.engine) as connection:
        rows = invoices.in_states(connection, WORK, after=batch[0], upto=batch[1])
    facts = {each.invoice.invoice_id: each for each in gather(hub, rows)}
    found = {row.invoice_id: _problems(row, facts[row.invoice_id]) for row in rows}
    with transaction(hub.engine) as connection:
        now = invoices.heads(connection, list(found))
        rows = [row for row in rows if _is_same(row, now[row.invoice_id])]  # others were redrafted meanwhile
        problems = [problem for row in rows for problem in found[row.invoice_id]]
        examined = [row.invoice_id for row in rows]
        lineage.checked_against(connection, {each: facts[each].documents for each in examined})
        held = exceptions.settle(connection, hub, subject_type="invoice", examined=examined, problems=problems)
        states = {row.invoice_id: _state(hub, row, found[row.invoice_id], held) for row in rows}
        invoices.change(connection, [{"invoice_id": each, "state": state} for each, state in states.items()])
        rejected = [each for each, state in states.items() if state == "rejected"]
        audit.append(connection, hub, [_rejection(each, found[each]) for each in rejected])
    return Counter(states.values())


def _is_same(row: invoices.Row, now: Mapping[str, object]) -> bool:
    return (now["draft_hash"], now["state"]) == (row.draft_hash, row.state)


def _problems(row: invoices.Row, facts: Facts) -> list[exceptions.Problem]:
    """What was found on a draft; where one finding rejects it, the others no longer matter."""
    found = [(_action(facts.policy, violation), violation) for violation in check_draft(facts)]
    rejecting = [each for each in found if each[0] == "reject"]
    return [
        exceptions.Problem(
            subject_type="invoice",
            subject_id=row.invoice_id,
            violation=violation,
            invoice_id=row.invoice_id,
            legal_entity=row.invoice.legal_entity,
            amount=row.invoice.totals.net,
            content_hash=row.draft_hash,
            holds=action == "hold",
        )
        for action, violation in rejecting or found
    ]


def _action(policy: Policy, violation: Violation) -> OrderAction:
    return policy.orders.get(violation.category, "hold")


def _state(hub: Hub, row: invoices.Row, problems: Sequence[exceptions.Problem], held: set[str]) -> str:
    if any(_action(hub.policy, problem.violation) == "reject" for problem in problems):
        return "rejected"
    if row.invoice_id in held:
        return "held"
    return row.state if row.state in WAITING else "checked"


def _rejection(invoice_id: str, problems: Sequence[exceptions.Problem]) -> audit.Entry:
    reasons: list[Violation] = [problem.violation for problem in problems]
    return audit.Entry(
        action="invoice.rejected",
        subject=invoice_id,
        detail={"reasons": [f"{each.rule_id}: {each.message}" for each in reasons]},
    )
