"""Promotion: a version becomes the active one, by a person who has seen what that does."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from billhub import audit
from billhub.hub import Hub
from billhub.promotion.diff import diff, incomparable
from billhub.promotion.references import Version, of_kept
from billhub.promotion.refusal import EffectNotSeenError, PromotionRefusedError
from billhub.promotion.remapping import remap, require_records
from billhub.promotion.values import Diff
from billhub.promotion.versions import stated_version
from billhub.store import mapping_versions
from billhub.store.engine import reading, transaction
from billhub.store.mapping_versions import Activation, Kept
from canonical_model.errors import MappingError
from mappings.testing.fixtures import held_to_fixtures


class Promoted(msgspec.Struct, frozen=True, kw_only=True):
    """What was done.

    Attributes:
        diff: What the change does, as it was recorded.
        remapped: How many records were put back to work.
    """

    diff: Diff
    remapped: int


def promote(hub: Hub, new: Version, *, reason: str, seen: str | None, again: bool = False) -> Promoted:
    """Make a version the active one: kept, activated and written into the audit in one transaction.

    Args:
        hub: The hub; its actor is who promotes.
        new: The version.
        reason: Why, for the audit.
        seen: Hash of the diff to the active version that the person has looked at; None is always refused.
        again: Put the records that change back to work in the same transaction.

    Raises:
        PromotionRefusedError: It is active already, its number was used for other texts, it does not keep to its fixtures, or somebody else
            has just activated another version.
        EffectNotSeenError: Its effect is not what was looked at.
        ConfigurationError: There is nothing to map again.
    """
    require_reason(reason)
    if again:
        require_records(new.mapping)
    changed: list[int] = []
    with reading(hub.engine) as connection:
        old = _replaceable(connection, new)
        result = _effect(connection, hub, (old, new), changed)
    _require_seen(result, seen)
    if again and result.identities:
        raise PromotionRefusedError(_two_identities(result))
    with transaction(hub.engine) as connection:
        require_still_active(new.name, old.fingerprint, mapping_versions.locked(connection, new.name))
        count = remap(connection, new.name, changed) if again else 0
        _activate(connection, hub, new, reason=reason, result=result)
        detail = {**_detail(result), "reason": reason, "remapped": count}
        audit.append(connection, hub, [audit.Entry(action="mapping.promoted", subject=new.name, detail=detail)])
    return Promoted(diff=result, remapped=count)


def require_reason(reason: str) -> None:
    """Refuse a change without a reason.

    Raises:
        PromotionRefusedError: There is none.
    """
    if not reason.strip():
        raise PromotionRefusedError("say why with --reason; it is kept in the audit")


def require_still_active(name: str, expected: str, present: Kept | None) -> None:
    """Refuse to replace a version that is not the one that was looked at.

    Raises:
        PromotionRefusedError: Somebody else has activated another one meanwhile.
    """
    if present is None or present.fingerprint != expected:
        now = f"version {present.version} ({present.fingerprint[:12]})" if present else "no version"
        raise PromotionRefusedError(
            f"somebody else has changed the active version of {name} meanwhile: now {now} is active; look at billhub map diff {name} again"
        )


def _replaceable(connection: Connection, new: Version) -> Kept:
    """The active version, when everything but the effect says that the new one may replace it."""
    kept = mapping_versions.active(connection, new.name)
    if kept is None:
        raise PromotionRefusedError(f"{new.name} has no active version to replace; see billhub map versions")
    if kept.fingerprint == new.fingerprint:
        raise PromotionRefusedError(
            f"version {kept.version} of {new.name} ({kept.fingerprint[:12]}) is active already; the files do not differ from it"
        )
    _require_new_numbers(new, mapping_versions.all_versions(connection, new.name))
    _require_fixtures(new)
    return kept


def _effect(connection: Connection, hub: Hub, versions: tuple[Kept, Version], changed: list[int]) -> Diff:
    """The diff; the places of what changes are added to `changed`."""
    kept, new = versions
    try:
        old = of_kept(kept, f"{new.name}@active")
    except MappingError:  # the hub stands still for this mapping, and only a promotion can mend that
        return incomparable(kept, new)
    return diff(connection, hub, (old, new), see=lambda change: changed.append(change.place))


def _require_new_numbers(new: Version, kept: list[Kept]) -> None:
    """A file with another text must state a higher version than it ever did, or traces would name one version and mean two."""
    for file, text in new.bundle.files.items():
        used = [stated_version(each.texts, file) or 0 for each in kept if each.texts.files.get(file, text) != text]
        stated = stated_version(new.bundle, file) or 0
        if used and stated <= max(used):
            raise PromotionRefusedError(
                f"{file} states version {stated}, but version {max(used)} of it with another text was active already; "
                f"set `version: {max(used) + 1}` in it, or go back to the earlier text with billhub map rollback {new.name} --to"
            )


def _require_fixtures(new: Version) -> None:
    differences = held_to_fixtures(new.mapping)
    if differences:
        first = differences[0]
        raise PromotionRefusedError(
            f"{new.name} does not keep to its fixtures ({len(differences)} differences, the first in {first.case}, {first.path}); "
            f"see billhub map test {new.name}"
        )


def _require_seen(result: Diff, seen: str | None) -> None:
    if seen is None:
        raise EffectNotSeenError(
            f"the effect on {result.mapping} must be looked at first; it has the hash {result.hash}", result
        )
    if seen != result.hash:
        message = (
            f"the effect is no longer what was looked at: the diff of {result.mapping} has the hash {result.hash}, not {seen} "
            "(it must be of everything, not of a sample, and for the same business date)"
        )
        raise EffectNotSeenError(message, result)


def _two_identities(result: Diff) -> str:
    return (
        f"{result.identities} records of {result.mapping} would become other documents, and their present ones would stay beside them and be "
        "billed too; promote without --remap, and withdraw the old documents before their records are mapped again"
    )


def _activate(connection: Connection, hub: Hub, new: Version, *, reason: str, result: Diff) -> None:
    on, by = hub.as_of.isoformat(), hub.actor
    mapping_versions.keep(connection, [(new.bundle, new.number)], on=on, by=by)
    made = Activation(
        mapping=new.name,
        fingerprint=new.fingerprint,
        action="promoted",
        activated_on=on,
        activated_by=by,
        reason=reason,
        diff_hash=result.hash,
    )
    mapping_versions.activate(connection, [made])


def _detail(result: Diff) -> Mapping[str, Any]:
    old, new = result.old, result.new
    return {
        "before": {"version": old.version, "fingerprint": old.fingerprint},
        "after": {"version": new.version, "fingerprint": new.fingerprint},
        "diff_hash": result.hash,
        "examined": result.examined,
        "records": dict(result.effects),
        "invoices": sum(each.count for each in result.invoices),
        "deliveries": dict(result.deliveries),
    }
