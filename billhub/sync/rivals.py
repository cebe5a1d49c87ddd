"""Of several records that claim one identity the first keeps it, whichever batch it came in."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from billhub.flows import Feed
from billhub.store import landed
from billhub.store.landed import Owner, Record
from billhub.sync.examining import Examined, finding
from mappings import CompiledMapping, FieldProblem


def without_rivals(
    connection: Connection,
    feed: Feed,
    mapping: CompiledMapping,
    examined: Sequence[Examined],
    known: Collection[str],
) -> list[Examined]:
    """The same, with a problem in place of the document where another record has its identity.

    Args:
        connection: The caller's transaction.
        feed: What they are.
        mapping: The version in use.
        examined: In order of arrival.
        known: Canonical ids among theirs that have a document already; no other can have an owner from before.
    """
    owners, taken = landed.owners(connection, feed.document, known), dict[str, Owner]()
    return [_held_against(feed, mapping, each, owners, taken) for each in examined]


def _held_against(
    feed: Feed, mapping: CompiledMapping, each: Examined, owners: Mapping[str, Owner], taken: dict[str, Owner]
) -> Examined:
    """One of them, held against the owners from before and those that came first in this batch, among whom it may take its place."""
    if each.document is None:
        return each
    name, claimant = each.document.canonical_id, _owner(feed, each.record)
    owner = owners.get(name)
    if owner is None or not _is_another(owner, claimant):
        owner = taken.setdefault(name, claimant)
    if owner == claimant:
        return each
    return Examined(record=each.record, problems=(_rival(mapping, name, claimant, owner),))


def _owner(feed: Feed, record: Record) -> Owner:
    return Owner(source=feed.source, external_id=record.external_id, native_id=record.native_id)


def _is_another(owner: Owner, claimant: Owner) -> bool:
    """Whether they are two records for certain: in a source without native ids one record may come under another external id."""
    if owner.source != claimant.source:
        return True
    return claimant.native_id not in (claimant.external_id, owner.native_id)


def _rival(mapping: CompiledMapping, name: str, claimant: Owner, owner: Owner) -> FieldProblem:
    message = f"record {claimant} has the identity of record {owner}, which came first and keeps it"
    return finding(mapping, "identity", name, rule="one record an identity", message=message)
