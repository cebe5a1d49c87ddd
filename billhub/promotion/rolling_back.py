"""Rolling back: an earlier version becomes the active one again. Nothing is deleted; the history grows by one row."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from billhub import audit
from billhub.hub import Hub
from billhub.promotion.promoting import require_reason, require_still_active
from billhub.promotion.references import Version, kept_version, of_kept, resolve
from billhub.promotion.refusal import PromotionRefusedError
from billhub.promotion.remapping import remap_made_by, require_records
from billhub.store import mapping_versions
from billhub.store.engine import reading, transaction
from billhub.store.mapping_versions import Activation, Kept


class RolledBack(msgspec.Struct, frozen=True, kw_only=True):
    """What was done.

    Attributes:
        old: The version that was active; it need not compile any more.
        new: The version that is active again.
        remapped: How many records were put back to work.
    """

    old: Kept
    new: Version
    remapped: int


def roll_back(hub: Hub, name: str, *, reason: str, to: str | None = None, again: bool = False) -> RolledBack:
    """Make an earlier version of a mapping the active one again, with its audit entry, in one transaction.

    Args:
        hub: The hub; its actor is who rolls back.
        name: Name of the mapping.
        reason: Why, for the audit.
        to: Version or beginning of a fingerprint; None for the one that was active before the present one.
        again: Put back to work the records whose current documents the present version made, and those it could not map.

    Raises:
        PromotionRefusedError: There is none before, it is active already, or somebody else has just activated another version.
        ConfigurationError: No such version was ever kept, or there is nothing to map again.
        MappingError: This release of the hub cannot compile it any more.
    """
    require_reason(reason)
    with reading(hub.engine) as connection:
        old = kept_version(connection, f"{name}@active")
        new = resolve(connection, f"{name}@{to}") if to else _before(connection, name)
    if new.fingerprint == old.fingerprint:
        raise PromotionRefusedError(f"version {new.number} of {name} ({new.fingerprint[:12]}) is active already")
    if again:
        require_records(new.mapping)
    with transaction(hub.engine) as connection:
        require_still_active(name, old.fingerprint, mapping_versions.locked(connection, name))
        count = remap_made_by(connection, name, old.fingerprint) if again else 0
        mapping_versions.activate(connection, [_activation(hub, new, reason)])
        detail = {
            "before": {"version": old.version, "fingerprint": old.fingerprint},
            "after": {"version": new.number, "fingerprint": new.fingerprint},
            "reason": reason,
            "remapped": count,
        }
        audit.append(connection, hub, [audit.Entry(action="mapping.rolled_back", subject=name, detail=detail)])
    return RolledBack(old=old, new=new, remapped=count)


def _activation(hub: Hub, new: Version, reason: str) -> Activation:
    return Activation(
        mapping=new.name,
        fingerprint=new.fingerprint,
        action="rolled_back",
        activated_on=hub.as_of.isoformat(),
        activated_by=hub.actor,
        reason=reason,
    )


def _before(connection: Connection, name: str) -> Version:
    history = list(reversed(mapping_versions.history(connection, name)))
    fingerprint = previous([(each.action == "rolled_back", each.fingerprint) for each in history])
    if fingerprint is None:
        raise PromotionRefusedError(
            f"{name} has no version before the active one; name one with --to, as billhub map versions {name} shows it"
        )
    kept = next(each for each in mapping_versions.all_versions(connection, name) if each.fingerprint == fingerprint)
    return of_kept(kept, f"{name}@{fingerprint[:12]}")


def previous(history: Sequence[tuple[bool, str]]) -> str | None:
    """The fingerprint that was active before the present one, as if what was rolled back had never been.

    Args:
        history: Of each activation whether it rolled back, and the fingerprint; the oldest first.
    """
    stack: list[str] = []
    for is_rolled_back, fingerprint in history:
        if is_rolled_back and fingerprint in stack:
            del stack[stack.index(fingerprint) + 1 :]
        else:
            stack.append(fingerprint)
    return stack[-2] if len(stack) > 1 else None
