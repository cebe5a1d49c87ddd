"""Asking a system which fields it has, and reporting what does not fit before a record fails.

The first description of an entity is kept: fields beside those we read are new, and types of the system's own have changed, compared with that.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from billhub.drift.decisions import settle
from billhub.drift.recording import report
from billhub.drift.screening import screen_of
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.retry import retried
from billhub.store import drifts
from billhub.store.drifts import KnownDrift, NewDrift
from billhub.store.engine import transaction
from canonical_model.errors import HubError
from connectors import registry
from connectors.contract import Describes, FieldDescription
from mappings import Contract
from mappings.expectations import unknown_values
from mappings.files.contracts import NOTHING, SOMETHING, Kind
from mappings.language.definition import Definition

ROLE = "describes"


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What asking about one feed has brought.

    Attributes:
        source: Connector.
        entity: Its name of the record.
        is_first: Whether it was asked for the first time.
        unread: Fields that our records do not hold, where it was the first time: they are the ones that are not new from now on.
        found: Drift by its rows as they stand, decided ones included.
        settled: How many rows are drift no longer.
    """

    source: str
    entity: str
    is_first: bool
    unread: tuple[str, ...]
    found: tuple[KnownDrift, ...]
    settled: int


def can_describe(feed: Feed) -> bool:
    """Whether the source of a feed can say which fields it has."""
    return ROLE in registry.capabilities(feed.source).roles


def check(hub: Hub, feeds: Sequence[Feed]) -> list[Description]:
    """Ask the sources of these feeds, but for those that cannot describe their fields, and write down what does not fit.

    A source that fails holds up no other.

    Raises:
        HubError: Of the first source that failed, when all have been asked; the others' are its notes.
    """
    found, failed = [], dict[str, HubError]()
    for feed in feeds:
        if not can_describe(feed) or feed.source in failed:
            continue
        try:
            found.append(described(hub, feed, screen_of(hub, feed).contract))
        except HubError as error:
            failed[feed.source] = error
    if failed:
        first, *others = failed.items()
        for source, other in others:
            first[1].add_note(f"{source} could not be asked either: {other}")
        raise first[1]
    return found


def counted(descriptions: Sequence[Description]) -> Mapping[str, int]:
    """What a check has brought, in numbers."""
    states = Counter(row.state for each in descriptions for row in each.found)
    settled = sum(each.settled for each in descriptions)
    return {"described": len(descriptions), "drifted": states["open"], "settled": settled}


def described(hub: Hub, feed: Feed, contract: Contract) -> Description:
    """Ask the source of a feed and write down what does not fit.

    Raises:
        ConfigurationError: The source is not connected, or cannot describe its fields.
        ConnectorError: It cannot be asked now.
    """
    source = hub.connect(feed.source, Describes)
    fields = retried(lambda: source.describe(feed.entity))
    definition = hub.mapping(feed.mapping).definition
    with transaction(hub.engine) as connection:
        before = drifts.first_description(connection, feed.source, feed.entity)
        found = [*compare(contract, fields, before), *_new_values(definition, fields)]
        rows = drifts.seen(connection, feed.source, feed.entity, found, on=hub.as_of.isoformat())
        report(connection, hub, contract, rows)
        settled = _settle_others(connection, hub, feed, rows)
        if not before:
            types = {each.path: each.native_type for each in fields}
            drifts.keep_description(connection, feed.source, feed.entity, types, on=hub.as_of.isoformat())
    return Description(
        source=feed.source,
        entity=feed.entity,
        is_first=not before,
        unread=tuple(each.path for each in fields if not each.is_read) if not before else (),
        found=tuple(rows),
        settled=settled,
    )


def compare(contract: Contract, fields: Sequence[FieldDescription], before: Mapping[str, str]) -> Iterator[NewDrift]:
    """What does not fit the contract, or has changed since the first description.

    Args:
        contract: What records are held against.
        fields: What the system has now.
        before: Its own types by path when it was first asked; empty for the first time.
    """
    now = {each.path: each for each in fields}
    for path, promised in contract.fields.items():
        if path not in now and not path.endswith("[]") and not promised.optional:
            yield _drift(contract, "missing_field", path, expected=promised.in_words, found=NOTHING)
    for path, field in now.items():
        if path in contract.fields:
            yield from _changed(contract, field, before.get(path, field.native_type))
        elif field.is_read and not contract.covers(path):
            yield _drift(contract, "new_field", path, expected=NOTHING, found=SOMETHING, sample=field.native_type)
        elif not field.is_read and before and path not in before:
            yield _beside(field)


def _changed(contract: Contract, field: FieldDescription, native_before: str) -> Iterator[NewDrift]:
    promised, native = contract.fields[field.path], field.native_type
    broken = [each for each in field.types if not promised.takes(each)]
    for found in broken:
        yield _drift(contract, "changed_type", field.path, expected=promised.in_words, found=found, sample=native)
    if not broken and native != native_before:
        yield _drift(contract, "changed_type", field.path, expected=native_before, found=native, sample=native)


def _drift(contract: Contract, kind: Kind, path: str, *, expected: str, found: str, sample: str = NOTHING) -> NewDrift:
    return NewDrift(
        kind=kind,
        path=path,
        expected=expected,
        found=found,
        sample=sample,
        external_id=None,
        origin="describe",
        policy=contract.policy(kind, path),
    )


def _beside(field: FieldDescription) -> NewDrift:
    """A new field that our records do not hold, so that it can hold up none."""
    return NewDrift(
        kind="new_field",
        path=field.path,
        expected=NOTHING,
        found=SOMETHING,
        sample=field.native_type,
        external_id=None,
        origin="describe",
        policy="allow",
    )


def _new_values(definition: Definition, fields: Sequence[FieldDescription]) -> Iterator[NewDrift]:
    """Values that the mapping will refuse: the record is excepted then, which no policy of the contract changes."""
    offered = {each.path: each.values for each in fields if each.is_read}
    for path, value, known in unknown_values(definition, offered):
        yield NewDrift(
            kind="new_value",
            path=path,
            expected=", ".join(known),
            found=value,
            sample=value,
            external_id=None,
            origin="describe",
            policy="allow",
        )


def _settle_others(connection: Connection, hub: Hub, feed: Feed, rows: Sequence[KnownDrift]) -> int:
    """What was described once, is not so any more and was found on no record is settled."""
    still = {row.drift_id for row in rows}
    others = [row for row in drifts.unsettled(connection, feed.source, feed.entity) if row.drift_id not in still]
    counts = drifts.records(connection, [row.drift_id for row in others])
    gone = [row for row in others if row.origin == "describe" and not counts[row.drift_id]]
    for row in gone:
        settle(connection, hub, row, reason="the system describes it so no more")
    return len(gone)
