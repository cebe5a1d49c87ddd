"""Drift: what records or systems have that a contract does not promise, one row for each cause, with the records that it was found on.

A record is held while one of its causes holds it: one that was refused, or one that nobody has decided on and whose policy is not `allow`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, exists, func, select, update

from billhub.store.bulk import insert_new_rows
from billhub.store.missing import insert_missing
from billhub.store.schema import described_fields, drift, drift_records, landed

DriftKind = Literal["new_field", "missing_field", "changed_type", "new_value"]
DriftState = Literal["open", "accepted", "refused", "settled"]
Cause = tuple[str, str, str]
"""Kind, path and what was found there."""

HELD = ("quarantined", "refused")
"""States of landed records that wait for a decision, or were refused by one."""

_LONGEST = {"path": 200, "expected": 120, "found": 120}


class NewDrift(msgspec.Struct, frozen=True, kw_only=True):
    """Drift as it was found.

    Attributes:
        kind: How the contract is broken; `new_value` is a value of an enumeration that the mapping does not know.
        path: Field of the record, items of a list as `[]`.
        expected: What was promised.
        found: The type that was found, `nothing` of a missing field, `something` of a new one, or the new value.
        sample: An offending value as text.
        external_id: The record it was found on; None where a system has described it.
        origin: `record` or `describe`.
        policy: What becomes of records until somebody decides.
    """

    kind: DriftKind
    path: str
    expected: str
    found: str
    sample: str
    external_id: str | None
    origin: Literal["record", "describe"]
    policy: Literal["allow", "quarantine", "refuse"]

    @property
    def cause(self) -> Cause:
        """What makes it one with others, as the store keeps it."""
        return self.kind, _bounded("path", self.path), _bounded("found", self.found)


class KnownDrift(NewDrift, frozen=True, kw_only=True):
    """Drift that the store keeps.

    Attributes:
        drift_id: Its number.
        source: Connector.
        entity: The connector's name of the record.
        state: `open`; `accepted` or `refused` by a person; `settled` where it is drift no longer.
        first_seen_on: Business date.
        last_seen_on: Business date.
        decided_on: Business date of the decision.
        decided_by: Who decided.
        reason: Why.
    """

    drift_id: int
    source: str
    entity: str
    state: DriftState
    first_seen_on: str
    last_seen_on: str
    decided_on: str | None
    decided_by: str | None
    reason: str | None

    @property
    def refuses(self) -> bool:
        """Whether records with it are refused."""
        return self.state == "refused" or (self.state == "open" and self.policy == "refuse")

    @property
    def quarantines(self) -> bool:
        """Whether records with it wait for a decision."""
        return self.state == "open" and self.policy == "quarantine"


def seen(connection: Connection, source: str, entity: str, found: Sequence[NewDrift], *, on: str) -> list[KnownDrift]:
    """Keep drift that was found, one row a cause, and lock these rows until the caller's transaction ends.

    A cause that was settled and has come back is open again.

    Args:
        connection: The caller's transaction.
        source: Connector.
        entity: Kind of record.
        found: Each cause once.
        on: Business date.
    """
    in_order = sorted(found, key=lambda each: each.cause)  # so that two transactions cannot wait for each other
    insert_missing(connection, drift, [_row(source, entity, each, on) for each in in_order])
    wanted = {each.cause: each for each in found}
    paths = sorted({path for _, path, _ in wanted})
    rows = [each for each in _locked(connection, source, entity, drift.c.path.in_(paths)) if each.cause in wanted]
    for row in rows:
        changes = _changes(row, wanted[row.cause]) | {"last_seen_on": on}
        connection.execute(update(drift).where(drift.c.drift_id == row.drift_id).values(**changes))
    return _locked(connection, source, entity, drift.c.drift_id.in_([row.drift_id for row in rows]))


def link(connection: Connection, records: Mapping[int, Sequence[int]]) -> None:
    """Say on which records drift was found: ids of the drift by landed id."""
    pairs = [(drift_id, landed_id) for landed_id, ids in records.items() for drift_id in ids]
    insert_new_rows(connection, drift_records, ("drift_id", "landed_id"), pairs)


def unsettled(connection: Connection, source: str, entity: str) -> list[KnownDrift]:
    """All drift of a source's entity that is not settled, locked until the transaction ends."""
    return _locked(connection, source, entity, drift.c.state != "settled")


def known(connection: Connection, drift_id: int, *, lock: bool = False) -> KnownDrift | None:
    """Drift by number; None where there is none."""
    query = select(drift).where(drift.c.drift_id == drift_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else _known(row)


def listed(connection: Connection, *, state: str | None = None, limit: int = 200) -> list[KnownDrift]:
    """Drift in the order of its coming, at most so much; None for all states."""
    query = select(drift).order_by(drift.c.drift_id).limit(limit)
    return _all(connection, query.where(drift.c.state == state) if state else query)


def decide(connection: Connection, drift_id: int, *, state: DriftState, on: str, by: str | None, reason: str) -> None:
    """Write down what was decided."""
    values = {"state": state, "decided_on": on, "decided_by": by, "reason": reason}
    connection.execute(update(drift).where(drift.c.drift_id == drift_id).values(**values))


def set_policy(connection: Connection, drift_id: int, policy: str) -> None:
    """Follow a contract whose policy has changed."""
    connection.execute(update(drift).where(drift.c.drift_id == drift_id).values(policy=policy))


def reconsider(connection: Connection, source: str, entity: str) -> dict[str, int]:
    """Put every held record where the decisions say: back to work, quarantined or refused. Returns how many changed, by state.

    Only the newest version of a record counts.
    """
    newest = select(func.max(landed.c.landed_id)).where(*_of(source, entity)).group_by(landed.c.native_id)
    held = (*_of(source, entity), landed.c.state.in_(HELD), landed.c.landed_id.in_(newest))
    refused = _held_by((drift.c.state == "refused") | ((drift.c.state == "open") & (drift.c.policy == "refuse")))
    waits = _held_by((drift.c.state == "open") & (drift.c.policy == "quarantine"))
    places = {"refused": refused, "quarantined": ~refused & waits, "new": ~refused & ~waits}
    counts = {}
    for state, condition in places.items():
        moved = update(landed).where(*held, condition, landed.c.state != state).values(state=state)
        counts[state] = int(connection.execute(moved).rowcount)
    return counts


def records(connection: Connection, drift_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many records drift was found on, by their state now, by number of the drift. A record counts once for each version that came."""
    query = (
        select(drift_records.c.drift_id, landed.c.state, func.count())
        .join(landed, landed.c.landed_id == drift_records.c.landed_id)
        .where(drift_records.c.drift_id.in_(list(drift_ids)))
        .group_by(drift_records.c.drift_id, landed.c.state)
        .order_by(landed.c.state)
    )
    counts: dict[int, dict[str, int]] = {drift_id: {} for drift_id in drift_ids}
    for drift_id, state, count in connection.execute(query).tuples():
        counts[drift_id][state] = count
    return counts


def examples(connection: Connection, drift_id: int, *, limit: int = 5) -> list[str]:
    """External ids of the first records that drift was found on."""
    query = (
        select(landed.c.external_id)
        .join(drift_records, drift_records.c.landed_id == landed.c.landed_id)
        .where(drift_records.c.drift_id == drift_id)
        .order_by(landed.c.landed_id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def first_description(connection: Connection, source: str, entity: str) -> dict[str, str]:
    """The system's own type by path, as it was when the system was first asked; empty before that."""
    table = described_fields.c
    query = select(table.path, table.native_type).where(table.source == source, table.entity == entity)
    return {path: native_type for path, native_type in connection.execute(query).tuples()}


def keep_description(connection: Connection, source: str, entity: str, types: Mapping[str, str], *, on: str) -> None:
    """Keep the system's own types by path; later descriptions are held against them."""
    rows = [
        {"source": source, "entity": entity, "path": path[:200], "native_type": native_type[:80], "described_on": on}
        for path, native_type in types.items()
    ]
    insert_missing(connection, described_fields, rows)


def _of(source: str, entity: str) -> tuple[ColumnElement[bool], ...]:
    return landed.c.source == source, landed.c.entity == entity


def _held_by(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a record has drift of this kind."""
    link_of_it = drift_records.c.landed_id == landed.c.landed_id
    return exists().where(link_of_it, drift_records.c.drift_id == drift.c.drift_id, condition).correlate(landed)


def _locked(connection: Connection, source: str, entity: str, condition: ColumnElement[bool]) -> list[KnownDrift]:
    """In the order of their numbers, so that two transactions cannot wait for each other."""
    query = select(drift).where(drift.c.source == source, drift.c.entity == entity, condition)
    return _all(connection, query.order_by(drift.c.drift_id).with_for_update())


def _all(connection: Connection, query: Select[Any]) -> list[KnownDrift]:
    return [_known(row) for row in connection.execute(query).mappings()]


def _known(row: Mapping[Any, Any]) -> KnownDrift:
    return KnownDrift(**{name: row[name] for name in KnownDrift.__struct_fields__})


def _changes(row: KnownDrift, found: NewDrift) -> dict[str, Any]:
    """What is new about known drift: it is open again, or records with it fall under another policy than before."""
    reopened = {"state": "open", "decided_on": None, "decided_by": None, "reason": None}
    policy = {"policy": found.policy} if found.origin == "record" else {}
    return policy | (reopened if row.state == "settled" else {})


def _row(source: str, entity: str, new: NewDrift, on: str) -> dict[str, Any]:
    bounded = {name: _bounded(name, getattr(new, name)) for name in _LONGEST}
    seen_on = {"first_seen_on": on, "last_seen_on": on}
    return {**msgspec.to_builtins(new), **bounded, "source": source, "entity": entity, "state": "open", **seen_on}


def _bounded(name: str, text: str) -> str:
    longest = _LONGEST[name]
    printable = text.replace("\x00", "\\x00")
    return printable if len(printable) <= longest else f"{printable[: longest - 3]}..."
