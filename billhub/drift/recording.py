"""Writing drift down: one row for each cause, one place on the exception desk for each row, and where the records go."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from billhub import exceptions
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.store import drifts
from billhub.store.drifts import KnownDrift, NewDrift
from canonical_model.violations import Violation
from mappings import Contract
from mappings.runtime.drift import Drift

SUBJECT = "drift"
"""Type of subject on the exception desk; its id ends in the number of the drift."""


class Drifted(msgspec.Struct, frozen=True):
    """A landed record that breaks its contract.

    Attributes:
        landed_id: Which one.
        external_id: Its identifier in the source.
        drifts: What it breaks.
    """

    landed_id: int
    external_id: str
    drifts: Sequence[Drift]


def record(
    connection: Connection, hub: Hub, feed: Feed, contract: Contract, drifted: Sequence[Drifted]
) -> dict[int, str]:
    """Write down the drift of records, in the caller's transaction, which holds the rows of their causes until it ends.

    Args:
        connection: The caller's transaction.
        hub: The hub.
        feed: What they are.
        contract: What they were held against.
        drifted: The records, in order of arrival.

    Returns:
        Those that must not go on, by landed id: `quarantined` or `refused`.
    """
    found = {each.landed_id: news(contract, each) for each in drifted}
    causes = {new.cause: new for every in reversed(found.values()) for new in every}
    rows = drifts.seen(connection, feed.source, feed.entity, list(causes.values()), on=hub.as_of.isoformat())
    known = {row.cause: row for row in rows}
    placed = {landed_id: [known[new.cause] for new in every] for landed_id, every in found.items()}
    drifts.link(connection, {landed_id: sorted({row.drift_id for row in of_it}) for landed_id, of_it in placed.items()})
    report(connection, hub, contract, rows)
    states = {landed_id: _state(of_it) for landed_id, of_it in placed.items()}
    return {landed_id: state for landed_id, state in states.items() if state}


def report(connection: Connection, hub: Hub, contract: Contract, rows: Sequence[KnownDrift]) -> None:
    """Put undecided drift on the exception desk, one place a row; what holds no record is only reported there."""
    counts = drifts.records(connection, [row.drift_id for row in rows])
    problems = [_problem(contract, row, sum(counts[row.drift_id].values())) for row in rows if row.state == "open"]
    names = [subject(row) for row in rows]
    exceptions.settle(connection, hub, subject_type=SUBJECT, examined=names, problems=problems)


def subject(row: KnownDrift) -> str:
    """The name of drift on the exception desk and in the audit."""
    return f"{row.source}/{row.entity}/{row.drift_id}"


def news(contract: Contract, drifted: Drifted) -> list[NewDrift]:
    """What a record breaks, with what the contract says is to be done."""
    return [_new(contract, drifted, each) for each in drifted.drifts]


def _new(contract: Contract, drifted: Drifted, drift: Drift) -> NewDrift:
    return NewDrift(
        kind=drift.kind,
        path=drift.path,
        expected=drift.expected,
        found=drift.found,
        sample=drift.sample,
        external_id=drifted.external_id,
        origin="record",
        policy=contract.policy(drift.kind, drift.path),
    )


def _state(rows: Iterable[KnownDrift]) -> str | None:
    """Where a record with this drift stays; None where it may go on."""
    if any(row.refuses for row in rows):
        return "refused"
    return "quarantined" if any(row.quarantines for row in rows) else None


def _problem(contract: Contract, row: KnownDrift, count: int) -> exceptions.Problem:
    violation = Violation(
        rule_id=f"{contract.name}@{contract.version}:{row.kind}",
        category="schema_drift",
        path=row.path,
        value=row.sample,
        message=f"{row.source} {row.entity}, field {row.path}: {_IN_WORDS[row.kind].format(row=row)}; {_effect(row, count)}",
    )
    holds = row.policy != "allow" or row.kind == "new_value"
    return exceptions.Problem(subject_type=SUBJECT, subject_id=subject(row), violation=violation, holds=holds)


_IN_WORDS = {
    "new_field": "is new, with {row.sample!r}",
    "missing_field": "is missing; the contract promises {row.expected}",
    "changed_type": "is {row.found}, {row.sample!r}; the contract promises {row.expected}",
    "new_value": "the system offers {row.found!r}, which the mapping does not know; it knows {row.expected}",
}


def _effect(row: KnownDrift, count: int) -> str:
    if not count:
        told = "its own description" if row.origin == "describe" else f"its answer about {row.external_id}"
        return f"seen in {told}; no record that was landed has it"
    done = {"allow": "go on", "quarantine": "wait for a decision", "refuse": "are refused"}[row.policy]
    return f"{count} {'version' if count == 1 else 'versions'} of records with it so far, which {done}"
