"""What a change of a mapping would do: both versions on past traffic, side by side. Nothing is written."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from billhub.hub import Hub
from billhub.promotion import affected
from billhub.promotion.comparing import Pair, field_changes
from billhub.promotion.paths import UnreadPaths
from billhub.promotion.references import Version
from billhub.promotion.tally import Tally
from billhub.promotion.traffic import Given, chunks, traffic_of
from billhub.promotion.values import Change, Diff, FieldChange, Identity, InvoiceEffect, Side
from billhub.store import documents
from billhub.store.mapping_versions import Kept
from canonical_model.errors import ConfigurationError

See = Callable[[Change], None]
"""Is given every change, in order, as it is found."""


class _Found(msgspec.Struct, frozen=True):
    """One thing for which the versions differ."""

    given: Given
    pair: Pair
    fields: tuple[FieldChange, ...]


def diff(
    connection: Connection,
    hub: Hub,
    versions: tuple[Version, Version],
    *,
    sample: int | None = None,
    see: See | None = None,
) -> Diff:
    """Compare two versions of a mapping on all that the store has kept of its work.

    Args:
        connection: A view for reading; everything is as of its first query.
        hub: The hub, for its policy and business date.
        versions: The old one and the new one.
        sample: Look only at so many, always the same ones; None for all.
        see: Is given every change, in order; without it only their sums are kept.

    Raises:
        ConfigurationError: The versions are not of one mapping and direction.
    """
    old, new = versions
    _require_same(old, new)
    traffic, examined = traffic_of(hub, new.mapping), 0
    tally, unread = Tally([new.name, old.fingerprint, new.fingerprint, sample]), UnreadPaths(old.mapping, new.mapping)
    described = _Describing(connection, hub, new)
    for chunk in chunks(connection, traffic, sample):
        examined += len(chunk)
        for change in described.changes([_compared(versions, unread, given) for given in chunk]):
            tally.add(change)
            if see:
                see(change)
    head: dict[str, Any] = {
        "mapping": new.name,
        "old": _side(old),
        "new": _side(new),
        "traffic": traffic.words,
        "sample": sample,
    }
    return Diff(**head, examined=examined, **tally.sums(), **unread.sums(), hash=tally.digest(unread.names()))


def incomparable(old: Kept, new: Version) -> Diff:
    """What stands for the diff to a version that this release of the hub cannot compile: nothing could be mapped by it anyway."""
    tally = Tally([new.name, old.fingerprint, new.fingerprint, None])
    return Diff(
        mapping=new.name,
        old=Side(reference=f"{new.name}@active", version=old.version, fingerprint=old.fingerprint),
        new=_side(new),
        traffic="records or deliveries: this release of the hub cannot compile the old version, so nothing can be compared",
        sample=None,
        examined=0,
        **tally.sums(),
        hash=tally.digest("incomparable"),
    )


def _require_same(old: Version, new: Version) -> None:
    if old.name != new.name:
        raise ConfigurationError(f"{old.reference} and {new.reference} are versions of different mappings")
    before, after = old.mapping.definition, new.mapping.definition
    if (before.inbound, before.entity) != (after.inbound, after.entity):
        raise ConfigurationError(
            f"{old.reference} and {new.reference} differ in direction or canonical entity; give the new one a name of its own"
        )


def _side(version: Version) -> Side:
    return Side(reference=version.reference, version=version.number, fingerprint=version.fingerprint)


def _compared(versions: tuple[Version, Version], unread: UnreadPaths, given: Given) -> _Found:
    pair = Pair(*(each.mapping.apply(given.record) for each in versions))
    unread.add(given.record)
    return _Found(given, pair, field_changes(pair))


class _Describing:
    """Says of what differs which documents, invoices and deliveries it is about."""

    def __init__(self, connection: Connection, hub: Hub, new: Version) -> None:
        self._connection, self._hub = connection, hub
        self._entity = new.mapping.definition.entity
        self._moved_to: set[str] = set()

    def changes(self, compared: Sequence[_Found]) -> Iterator[Change]:
        """The changes among what was compared, in order."""
        found = [each for each in compared if each.fields]
        about_invoices = {each.given.invoice_id: each.pair for each in found if each.given.invoice_id is not None}
        if about_invoices:
            effects = affected.of_invoices(self._connection, about_invoices)
            for each in found:
                yield _change(each, (effects[each.given.invoice_id or ""],))
        elif found:
            yield from self._of_documents(found)

    def _of_documents(self, found: Sequence[_Found]) -> Iterator[Change]:
        ids = {each.given.place: affected.identities(each.pair) for each in found}
        every = sorted({name for names in ids.values() for name in names})
        resting = affected.resting(self._connection, self._entity, every)
        present = documents.current(self._connection, self._entity, every).keys()
        for each in found:
            names = ids[each.given.place]
            effects = affected.effects_on(self._hub, each.pair, resting.on(names))
            yield _change(each, effects, self._identity(names, present))

    def _identity(self, names: Sequence[str], present: Collection[str]) -> Identity | None:
        if len(names) < 2:
            return None
        old, new = names
        taken = new in present or new in self._moved_to
        self._moved_to.add(new)
        return Identity(old=old, new=new, taken=taken)


def _change(found: _Found, invoices: tuple[InvoiceEffect, ...], identity: Identity | None = None) -> Change:
    return Change(
        subject=found.given.subject,
        place=found.given.place,
        effect=found.pair.effect,
        fields=found.fields,
        identity=identity,
        sending=found.given.sending,
        invoices=invoices,
    )
