"""The exception desk: every record that cannot go on has one row with category, owner, deadline and next step.

`settle` is the one way in: it is told what was examined and what was found, opens what is new, and resolves by itself what no longer occurs.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from billhub import audit
from billhub.hub import Hub
from billhub.store.bulk import among
from billhub.store.schema import exceptions
from canonical_model.errors import ConfigurationError
from canonical_model.money import Money
from canonical_model.violations import Violation

_STANDING = {"open", "reported"}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A violation on a subject.

    Attributes:
        subject_type: `record` or `drift` (sync), `contract` or `order` (no draft can be made), `invoice` (checks), `tax` or `delivery`.
        subject_id: Which one.
        violation: What is wrong.
        invoice_id: The invoice it holds back, if any.
        legal_entity: Code of the seller, if known; decides the calendar of the deadline.
        amount: Net amount it holds back, if known.
        content_hash: What a waiver is bound to; None where a waiver could let nothing pass, because nothing could be made of the record.
        holds: Whether the subject waits for it; else it is only reported and counted.
    """

    subject_type: str
    subject_id: str
    violation: Violation
    invoice_id: str | None = None
    legal_entity: str | None = None
    amount: Money | None = None
    content_hash: str | None = None
    holds: bool = True

    @property
    def fingerprint(self) -> str:
        """Stable identity: the same problem on the same subject is one row, however often it is found."""
        parts = (
            self.violation.category,
            self.subject_type,
            self.subject_id,
            self.violation.rule_id,
            self.violation.path,
        )
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def settle(
    connection: Connection, hub: Hub, *, subject_type: str, examined: Sequence[str], problems: Sequence[Problem]
) -> set[str]:
    """Bring the desk to what an examination found, inside the caller's transaction.

    Args:
        connection: The caller's transaction.
        hub: The hub.
        subject_type: Type of all subjects examined.
        examined: Their ids; open rows of theirs that were not found again are resolved.
        problems: What was found.

    Returns:
        Ids of the subjects that are held: they have at least one problem that holds and nobody has waived.
    """
    known = _rows_of(connection, subject_type, examined)
    opened, standing, found = [], set(), set()
    for problem in _unique(problems):
        row = known.get(problem.fingerprint)
        found.add(problem.fingerprint)
        if row is not None and row["state"] == "waived" and _is_waived(row, problem):
            continue
        if problem.holds:
            standing.add(problem.subject_id)
        if row is None:
            opened.append(_new_row(hub, problem))
        elif _differs(row, problem):
            _reopen(connection, hub, row, problem)
    if opened:
        connection.execute(insert(exceptions), opened)
    gone = [row for mark, row in known.items() if row["state"] in _STANDING and mark not in found]
    _close(connection, hub, gone, state="resolved", resolution="no longer occurs")
    audit.append(connection, hub, [_opened_entry(row) for row in opened])
    return standing


def close(connection: Connection, hub: Hub, *, subject_type: str, subject_id: str, resolution: str) -> None:
    """Resolve what stands on the desk about one subject, because it was decided elsewhere."""
    rows = [row for row in _rows_of(connection, subject_type, [subject_id]).values() if row["state"] in _STANDING]
    _close(connection, hub, rows, state="resolved", resolution=resolution)


def resolve(connection: Connection, hub: Hub, exception_id: int, *, reason: str) -> None:
    """Waive one exception for the content it was raised on: the next run lets this record pass this rule.

    Raises:
        ConfigurationError: There is no such open exception, or there is nothing that a waiver could let pass.
    """
    row = get(connection, exception_id)
    if row["state"] != "open":
        raise ConfigurationError(f"exception {exception_id} is {row['state']}, only an open one can be resolved")
    if row["content_hash"] is None:
        raise ConfigurationError(
            f"exception {exception_id} ({row['category']}) cannot be waived, because nothing could be made of the record: {row['next_step']}"
        )
    _close(connection, hub, [row], state="waived", resolution=reason)


def assign(connection: Connection, hub: Hub, exception_id: int, *, assignee: str) -> None:
    """Give one exception to a person.

    Raises:
        ConfigurationError: There is no such exception.
    """
    row = get(connection, exception_id)
    connection.execute(update(exceptions).where(exceptions.c.exception_id == exception_id).values(assignee=assignee))
    detail = {"before": row["assignee"], "after": assignee}
    audit.append(connection, hub, [audit.Entry(action="exception.assigned", subject=str(exception_id), detail=detail)])


def get(connection: Connection, exception_id: int) -> Mapping[str, Any]:
    """One exception.

    Raises:
        ConfigurationError: There is no such exception.
    """
    row = connection.execute(select(exceptions).where(exceptions.c.exception_id == exception_id)).mappings().first()
    if row is None:
        raise ConfigurationError(f"there is no exception {exception_id}; see billhub exceptions list")
    return dict(row)


def listed(
    connection: Connection,
    *,
    state: str | None = "open",
    category: str | None = None,
    limit: int = 200,
    offset: int = 0,
) -> list[Mapping[str, Any]]:
    """Exceptions by deadline, the most urgent first.

    Args:
        connection: Any connection.
        state: `open`, `resolved`, `waived` or None for all.
        category: Only these.
        limit: At most so many.
        offset: Leave out so many.
    """
    query = select(exceptions).order_by(exceptions.c.deadline, exceptions.c.exception_id).limit(limit).offset(offset)
    if state:
        query = query.where(exceptions.c.state == state)
    if category:
        query = query.where(exceptions.c.category == category)
    return [dict(row) for row in connection.execute(query).mappings()]


def _rows_of(connection: Connection, subject_type: str, examined: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    of_these = among(connection, exceptions.c.subject_id, examined)
    query = select(exceptions).where(exceptions.c.subject_type == subject_type, of_these)
    return {row["fingerprint"]: dict(row) for row in connection.execute(query).mappings()}


def _unique(problems: Iterable[Problem]) -> Iterable[Problem]:
    return {problem.fingerprint: problem for problem in problems}.values()


def _new_row(hub: Hub, problem: Problem) -> dict[str, Any]:
    violation, policy = problem.violation, hub.policy.exceptions[problem.violation.category]
    deadline = hub.policy.deadline(violation.category, opened=hub.as_of, legal_entity=problem.legal_entity)
    return {
        "fingerprint": problem.fingerprint,
        "category": violation.category,
        "subject_type": problem.subject_type,
        "subject_id": problem.subject_id,
        "invoice_id": problem.invoice_id,
        "legal_entity": problem.legal_entity,
        "currency": problem.amount.currency if problem.amount else None,
        "amount_minor": problem.amount.minor if problem.amount else None,
        "rule_id": violation.rule_id,
        "path": violation.path,
        "value": violation.value,
        "message": violation.message,
        "next_step": policy.next_step,
        "owner": policy.owner,
        "deadline": deadline.isoformat(),
        "state": "open" if problem.holds else "reported",
        "content_hash": problem.content_hash,
        "opened_on": hub.as_of.isoformat(),
    }


def _is_waived(row: Mapping[str, Any], problem: Problem) -> bool:
    """A waiver is about what was seen: the same content, the same value, the same words."""
    seen = (problem.content_hash, problem.violation.value, problem.violation.message)
    return (row["content_hash"], row["value"], row["message"]) == seen


def _differs(row: Mapping[str, Any], problem: Problem) -> bool:
    now = (problem.violation.value, problem.violation.message, problem.content_hash)
    state = "open" if problem.holds else "reported"
    return row["state"] != state or (row["value"], row["message"], row["content_hash"]) != now


def _reopen(connection: Connection, hub: Hub, row: Mapping[str, Any], problem: Problem) -> None:
    values = {name: value for name, value in _new_row(hub, problem).items() if name != "fingerprint"}
    if row["state"] == values["state"]:  # the clock of an open exception goes on
        values = {name: value for name, value in values.items() if name not in {"deadline", "opened_on"}}
    else:
        values |= {"closed_on": None, "closed_by": None, "resolution": None}
        entry = audit.Entry(action="exception.reopened", subject=str(row["exception_id"]), detail={"was": row["state"]})
        audit.append(connection, hub, [entry])
    connection.execute(update(exceptions).where(exceptions.c.exception_id == row["exception_id"]).values(**values))


def _close(connection: Connection, hub: Hub, rows: Sequence[Mapping[str, Any]], *, state: str, resolution: str) -> None:
    if not rows:
        return
    connection.execute(
        update(exceptions)
        .where(exceptions.c.exception_id.in_([row["exception_id"] for row in rows]))
        .values(state=state, closed_on=hub.as_of.isoformat(), closed_by=hub.actor, resolution=resolution)
    )
    entries = [
        audit.Entry(
            action=f"exception.{state}",
            subject=str(row["exception_id"]),
            detail={"category": row["category"], "record": row["subject_id"], "resolution": resolution},
        )
        for row in rows
    ]
    audit.append(connection, hub, entries)


def _opened_entry(row: Mapping[str, Any]) -> audit.Entry:
    kept = ("category", "rule_id", "path", "value", "owner", "deadline")
    return audit.Entry(action="exception.opened", subject=row["subject_id"], detail={name: row[name] for name in kept})
