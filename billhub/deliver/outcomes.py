"""Recording outcomes: what became of a batch, in one transaction with its history, exceptions, bindings and audit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, or_

from billhub import audit, exceptions
from billhub.deliver.sending import Pair
from billhub.hub import Hub
from billhub.retry import ATTEMPTS, waiting_ms
from billhub.store import intents, invoices
from billhub.store.schema import bindings
from canonical_model.encoding import encode
from canonical_model.violations import Violation
from connectors.contract import Outcome

CONFLICTS = ("content_conflict", "content_differs")
"""Codes by which the hub and connectors say that the target holds other contents under our key."""

_CATEGORIES = {
    **dict.fromkeys(CONFLICTS, "content_conflict"),
    "mapping": "mapping_defect",
    "rendering": "mapping_defect",
    "tax_differs": "tax_answer_inconsistent",
}
"""Categories of exceptions by the codes that have one of their own."""


def record(connection: Connection, hub: Hub, pairs: Sequence[Pair], *, worker: str, window: int) -> Mapping[str, int]:
    """Keep what became of a batch. An intent that this worker no longer holds belongs to another one and is left to it.

    Args:
        connection: The caller's transaction.
        hub: The hub.
        pairs: Intents and their outcomes.
        worker: Who holds the intents.
        window: Seconds in which a write without an answer may still take effect at the target.

    Returns:
        How many outcomes there were of each kind.
    """
    held = intents.still_held(connection, worker, [each.intent["intent_id"] for each, _ in pairs])
    pairs = [pair for pair in pairs if pair[0].intent["intent_id"] in held]
    intents.record(connection, [_change(pair, window) for pair in pairs], [_attempt(pair) for pair in pairs])
    _bind(connection, [pair for pair in pairs if pair[1].state == "confirmed"])
    problems = [problem for pair in pairs if (problem := _problem(pair))]
    examined = [each.intent["key"] for each, _ in pairs]
    exceptions.settle(connection, hub, subject_type="delivery", examined=examined, problems=problems)
    audit.append(connection, hub, [_entry(pair) for pair in pairs])
    _finish_invoices(connection, hub, pairs)
    return Counter(outcome.state for _, outcome in pairs)


def _change(pair: Pair, window: int) -> dict[str, Any]:
    prepared, outcome = pair
    return {
        "intent_id": prepared.intent["intent_id"],
        "state": outcome.state,
        "not_before": _not_before(pair, window),
        "lease_owner": None,
        "lease_until": 0,
        "native_id": outcome.native_id,
        "answer": encode(outcome.answer).decode() if outcome.answer else None,
        **_error(outcome),
    }


def _not_before(pair: Pair, window: int) -> int:
    """One in doubt also waits until its first request can no longer take effect: a look-up before that proves nothing."""
    prepared, outcome = pair
    if outcome.state in {"confirmed", "rejected"}:
        return 0
    asked = outcome.error.retry_after if outcome.error else None
    waits = waiting_ms(prepared.intent["attempts"] + 1, asked)
    return intents.now_ms() + max(waits, 1000 * window if outcome.state == "uncertain" else 0)


def _error(outcome: Outcome) -> dict[str, str | None]:
    """Code and text as both databases can keep them, whatever the target has sent."""
    if outcome.error is None:
        return {"error_code": None, "error_message": None}
    return {"error_code": _storable(outcome.error.code)[:120], "error_message": _storable(outcome.error.message)}


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _attempt(pair: Pair) -> dict[str, Any]:
    prepared, outcome = pair
    return {
        "intent_id": prepared.intent["intent_id"],
        "number": prepared.intent["attempts"] + 1,
        "action": "resolve" if prepared.intent["state"] == "uncertain" else "write",
        "outcome": outcome.state,
        **_error(outcome),
    }


def _bind(connection: Connection, pairs: Sequence[Pair]) -> None:
    """Remember under which identifier each target has our record."""
    rows = {
        (each.intent["target"], each.intent["entity"], each.intent["external_key"]): outcome for each, outcome in pairs
    }
    if not rows:
        return
    columns = (bindings.c.system, bindings.c.entity, bindings.c.canonical_id)
    same = [and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in rows]
    connection.execute(delete(bindings).where(or_(*same)))
    values = [
        {"system": key[0], "entity": key[1], "canonical_id": key[2], "native_id": outcome.native_id or key[2]}
        | {"answer": encode(outcome.answer).decode()}
        for key, outcome in rows.items()
    ]
    connection.execute(insert(bindings), values)


def _problem(pair: Pair) -> exceptions.Problem | None:
    prepared, outcome = pair
    error, intent = outcome.error, prepared.intent
    given_up = outcome.state in {"pending", "uncertain"} and intent["attempts"] + 1 >= ATTEMPTS
    if error is None or not (outcome.state == "rejected" or given_up):
        return None
    category = _CATEGORIES.get(error.code, "target_rejected" if outcome.state == "rejected" else "failed_delivery")
    code, text = _storable(error.code), _storable(error.message)
    violation = Violation(
        rule_id=f"HUB-D:{code}"[:60],
        category=category,
        path=_storable(error.field or f"{intent['target']}.{intent['entity']}")[:200],
        value=str(intent["external_key"]),
        message=f"{intent['target']} says: [{code}] {text}",
    )
    return exceptions.Problem(
        subject_type="delivery",
        subject_id=intent["key"],
        violation=violation,
        invoice_id=intent["subject_id"],
        legal_entity=prepared.invoice.legal_entity,
        amount=prepared.invoice.totals.gross,
        content_hash=None,  # nobody can waive what a target refuses
    )


def _entry(pair: Pair) -> audit.Entry:
    prepared, outcome = pair
    detail = {"key": prepared.intent["key"], "native_id": outcome.native_id, "attempt": prepared.intent["attempts"] + 1}
    if outcome.error:
        detail["error"] = _storable(f"[{outcome.error.code}] {outcome.error.message}")
    return audit.Entry(action=f"delivery.{outcome.state}", subject=prepared.intent["subject_id"], detail=detail)


def _finish_invoices(connection: Connection, hub: Hub, pairs: Sequence[Pair]) -> None:
    touched = sorted({each.intent["invoice_id"] for each, _ in pairs if each.intent["invoice_id"]})
    done = intents.fully_delivered(connection, touched)
    invoices.change(connection, [{"invoice_id": each, "state": "delivered"} for each in done])
    audit.append(connection, hub, [audit.Entry(action="invoice.delivered", subject=each, detail={}) for each in done])
