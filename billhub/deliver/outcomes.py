"""Recording outcomes: what became of a batch, in one transaction with its history, exceptions, bindings and audit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, or_

from billhub import audit, exceptions
from billhub.deliver.payloads import Prepared
from billhub.hub import Hub
from billhub.retry import ATTEMPTS, waiting_ms
from billhub.store import intents, invoices
from billhub.store.schema import bindings
from canonical_model.encoding import encode
from canonical_model.violations import Violation
from connectors.contract import Outcome

Pair = tuple[Prepared, Outcome]


def record(
    connection: Connection, hub: Hub, worker: str, prepared: Sequence[Prepared], outcomes: Sequence[Outcome]
) -> Mapping[str, int]:
    """Keep what became of a batch. An intent whose lease ran out meanwhile belongs to another worker and is left to it.

    Returns:
        How many outcomes there were of each kind.
    """
    held = intents.still_held(connection, worker, [each.intent["intent_id"] for each in prepared])
    pairs = [pair for pair in zip(prepared, outcomes, strict=True) if pair[0].intent["intent_id"] in held]
    intents.record(connection, [_change(pair) for pair in pairs], [_attempt(pair) for pair in pairs])
    _bind(connection, [pair for pair in pairs if pair[1].state == "confirmed"])
    problems = [problem for pair in pairs if (problem := _problem(pair))]
    examined = [each.intent["key"] for each, _ in pairs]
    exceptions.settle(connection, hub, subject_type="delivery", examined=examined, problems=problems)
    audit.append(connection, hub, [_entry(pair) for pair in pairs])
    _finish_invoices(connection, hub, pairs)
    return Counter(outcome.state for _, outcome in pairs)


def _change(pair: Pair) -> dict[str, Any]:
    prepared, outcome = pair
    error = outcome.error
    waits = {"confirmed": 0, "rejected": 0}.get(outcome.state)
    if waits is None:
        attempts = prepared.intent["attempts"] + 1
        waits = intents.now_ms() + waiting_ms(attempts, error.retry_after if error else None)
    return {
        "intent_id": prepared.intent["intent_id"],
        "state": outcome.state,
        "not_before": waits,
        "lease_owner": None,
        "lease_until": 0,
        "native_id": outcome.native_id,
        "answer": encode(outcome.answer).decode() if outcome.answer else None,
        "error_code": error.code if error else None,
        "error_message": error.message if error else None,
    }


def _attempt(pair: Pair) -> dict[str, Any]:
    prepared, outcome = pair
    return {
        "intent_id": prepared.intent["intent_id"],
        "number": prepared.intent["attempts"] + 1,
        "action": "resolve" if prepared.intent["state"] == "uncertain" else "write",
        "outcome": outcome.state,
        "error_code": outcome.error.code if outcome.error else None,
        "error_message": outcome.error.message if outcome.error else None,
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
    kinds = {"content_conflict": "content_conflict", "mapping": "mapping_defect"}
    category = kinds.get(error.code, "target_rejected" if outcome.state == "rejected" else "failed_delivery")
    violation = Violation(
        rule_id=f"HUB-D:{error.code}"[:60],
        category=category,
        path=error.field or f"{intent['target']}.{intent['entity']}",
        value=str(intent["external_key"]),
        message=f"{intent['target']} says: [{error.code}] {error.message}",
    )
    return exceptions.Problem(
        subject_type="delivery",
        subject_id=intent["key"],
        violation=violation,
        invoice_id=intent["subject_id"],
        legal_entity=prepared.invoice.legal_entity,
        amount=prepared.invoice.totals.gross,
        content_hash=intent["content_hash"],
    )


def _entry(pair: Pair) -> audit.Entry:
    prepared, outcome = pair
    detail = {"key": prepared.intent["key"], "native_id": outcome.native_id, "attempt": prepared.intent["attempts"] + 1}
    if outcome.error:
        detail["error"] = f"[{outcome.error.code}] {outcome.error.message}"
    return audit.Entry(action=f"delivery.{outcome.state}", subject=prepared.intent["subject_id"], detail=detail)


def _finish_invoices(connection: Connection, hub: Hub, pairs: Sequence[Pair]) -> None:
    touched = sorted({each.intent["invoice_id"] for each, _ in pairs if each.intent["invoice_id"]})
    done = intents.fully_delivered(connection, touched)
    invoices.change(connection, [{"invoice_id": each, "state": "delivered"} for each in done])
    audit.append(connection, hub, [audit.Entry(action="invoice.delivered", subject=each, detail={}) for each in done])
