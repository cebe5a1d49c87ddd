"""Putting records back to work, so that the next run maps them again by the version that is active then."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, select, update

from billhub.store.schema import documents, landed
from canonical_model.errors import ConfigurationError
from mappings import CompiledMapping

CHUNK = 500

_DONE = ("mapped", "excepted")
"""States of a record that a mapping has worked on; one that waits for something else goes on waiting for that."""


def require_records(mapping: CompiledMapping) -> None:
    """Refuse to map again what is not made of landed records.

    Raises:
        ConfigurationError: The mapping works on something else.
    """
    definition = mapping.definition
    if not definition.inbound or definition.entity == "tax_quote":
        raise ConfigurationError(
            f"{mapping.name} makes no documents of landed records, so there is nothing to map again; leave out --remap: "
            "what is sent or asked from now on uses the active version"
        )


def remap(connection: Connection, name: str, places: Sequence[int]) -> int:
    """Put these records back to work where they are still the newest of theirs. Returns how many, in the caller's transaction."""
    count = 0
    for start in range(0, len(places), CHUNK):
        count += _reset(connection, name, landed.c.landed_id.in_(places[start : start + CHUNK]))
    return count


def remap_made_by(connection: Connection, name: str, fingerprint: str) -> int:
    """Put the records back to work whose current documents a version made, and those it could not map. Returns how many."""
    made = select(documents.c.landed_id).where(
        documents.c.is_current, documents.c.mapping == name, documents.c.mapping_fingerprint == fingerprint
    )
    return _reset(connection, name, landed.c.landed_id.in_(made) | (landed.c.state == "excepted"))


def _reset(connection: Connection, name: str, which: ColumnElement[bool]) -> int:
    source, _, entity = name.partition("/")
    of_these = (landed.c.source == source, landed.c.entity == entity)
    newest = select(func.max(landed.c.landed_id)).where(*of_these).group_by(landed.c.native_id)
    done = connection.execute(
        update(landed)
        .where(*of_these, landed.c.state.in_(_DONE), landed.c.landed_id.in_(newest), which)
        .values(state="new")
    )
    return int(done.rowcount)
