"""Deciding about drift: what a person says holds for the records that wait and for those that come."""

from collections.abc import Mapping

from sqlalchemy import Connection

from billhub import audit, exceptions
from billhub.drift.recording import SUBJECT, subject
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.store import drifts
from billhub.store.drifts import DriftState, KnownDrift
from canonical_model.errors import HubError
from mappings import Contract


class DecisionRefusedError(HubError):
    """A decision that cannot be taken: about something that is not there, or is not in a state for it."""


def decide(connection: Connection, hub: Hub, drift_id: int, *, accept: bool, reason: str) -> Mapping[str, int]:
    """Accept or refuse drift, in the caller's transaction; a decision may be taken again.

    Accepted, held records of this cause go back to work, but for those that another cause holds. Refused, those that wait are refused; what was
    mapped before stays.

    Returns:
        How many records changed their place: `new`, `quarantined` or `refused`.

    Raises:
        DecisionRefusedError: There is no such drift, it is settled, it was decided like this already, or the decision could have no effect.
    """
    row, state = _decidable(connection, drift_id), "accepted" if accept else "refused"
    if row.state == state:
        raise DecisionRefusedError(f"drift {drift_id} was {state} by {row.decided_by} on {row.decided_on} already")
    if row.kind == "new_value" and not accept:
        raise DecisionRefusedError(f"drift {drift_id} cannot be refused: the mapping refuses unknown values by itself")
    if not reason.strip():
        raise DecisionRefusedError(f"drift {drift_id}: a decision needs its reason; say it with --reason TEXT")
    return _put(connection, hub, row, state="accepted" if accept else "refused", reason=reason)


def review(connection: Connection, hub: Hub, feed: Feed, contract: Contract) -> Mapping[str, int]:
    """Follow the contract as it is now: drift that it promises today is settled, another policy holds from here on, and records are placed anew.

    Returns:
        How many held records changed their place: `new`, `quarantined` or `refused`.
    """
    for row in drifts.unsettled(connection, feed.source, feed.entity):
        if row.kind == "new_value":
            continue
        if not contract.is_broken_by(row.kind, row.path, row.found):
            settle(connection, hub, row, reason=f"version {contract.version} of the contract promises it")
        elif row.origin == "record" and row.policy != contract.policy(row.kind, row.path):
            drifts.set_policy(connection, row.drift_id, contract.policy(row.kind, row.path))
    return drifts.reconsider(connection, feed.source, feed.entity)


def settle(connection: Connection, hub: Hub, row: KnownDrift, *, reason: str) -> None:
    """Close drift that is none any more."""
    _write(connection, hub, row, state="settled", reason=reason)


def _decidable(connection: Connection, drift_id: int) -> KnownDrift:
    row = drifts.known(connection, drift_id, lock=True)
    if row is None:
        raise DecisionRefusedError(f"there is no drift {drift_id}; see billhub drift list --state all")
    if row.state == "settled":
        raise DecisionRefusedError(f"drift {drift_id} is settled ({row.reason}); there is nothing to decide")
    return row


def _put(connection: Connection, hub: Hub, row: KnownDrift, *, state: DriftState, reason: str) -> Mapping[str, int]:
    _write(connection, hub, row, state=state, reason=reason)
    return drifts.reconsider(connection, row.source, row.entity)


def _write(connection: Connection, hub: Hub, row: KnownDrift, *, state: DriftState, reason: str) -> None:
    drifts.decide(connection, row.drift_id, state=state, on=hub.as_of.isoformat(), by=hub.actor, reason=reason)
    exceptions.close(
        connection, hub, subject_type=SUBJECT, subject_id=subject(row), resolution=f"drift {state}: {reason}"
    )
    what = {"kind": row.kind, "path": row.path, "found": row.found, "was": row.state, "reason": reason}
    audit.append(connection, hub, [audit.Entry(action=f"drift.{state}", subject=subject(row), detail=what)])
