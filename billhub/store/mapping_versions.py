"""Versions of mappings as the hub used them, with the texts they were made of, and which of them is active.

A version stays here for good: what was mapped by it can be mapped and explained again when the files have moved on.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, func, insert, select

from billhub.store.missing import insert_missing
from billhub.store.schema import mapping_activations as activations
from billhub.store.schema import mapping_versions as versions
from mappings import Bundle


class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """A version that became the active one.

    Attributes:
        mapping: Name of the mapping.
        fingerprint: Of its bundle.
        action: `shipped` (came with the hub and was the first), `promoted` or `rolled_back`.
        activated_on: Business date.
        activated_by: Who did it.
        reason: Why.
        diff_hash: Hash of the differences that were seen before a promotion.
    """

    mapping: str
    fingerprint: str
    action: Literal["shipped", "promoted", "rolled_back"]
    activated_on: str
    activated_by: str
    reason: str
    diff_hash: str | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A version that the store keeps.

    Attributes:
        mapping: Name of the mapping.
        version: As its file states.
        fingerprint: Of its bundle.
        bundle: JSON of its texts by file name.
        kept_on: Business date on which it came.
        kept_by: Who brought it.
    """

    mapping: str
    version: int
    fingerprint: str
    bundle: str
    kept_on: str
    kept_by: str

    @property
    def texts(self) -> Bundle:
        """Its texts."""
        return Bundle(name=self.mapping, files=msgspec.json.decode(self.bundle))


def keep(connection: Connection, bundles: Sequence[tuple[Bundle, int]], *, on: str, by: str) -> None:
    """Keep bundles with the versions they state, in the caller's transaction; those that are there already stay as they are."""
    rows = [
        {
            "mapping": bundle.name,
            "version": version,
            "fingerprint": bundle.fingerprint,
            "bundle": msgspec.json.encode(dict(bundle.files), order="sorted").decode(),
            "kept_on": on,
            "kept_by": by,
        }
        for bundle, version in bundles
    ]
    insert_missing(connection, versions, rows)


def activate(connection: Connection, made: Sequence[Activation]) -> None:
    """Make kept versions the active ones, in the caller's transaction."""
    if made:
        connection.execute(insert(activations), [msgspec.structs.asdict(each) for each in made])


def history(connection: Connection, mapping: str) -> list[Activation]:
    """Which versions of a mapping were active, the present one first."""
    query = select(activations).where(activations.c.mapping == mapping).order_by(activations.c.activation_id.desc())
    return [_activation(row) for row in connection.execute(query).mappings()]


def activated(connection: Connection) -> set[str]:
    """Names of all mappings that have an active version."""
    return set(connection.execute(select(activations.c.mapping).distinct()).scalars())


def active(connection: Connection, mapping: str) -> Kept | None:
    """The active version; None for a mapping that never had one."""
    last = select(func.max(activations.c.activation_id)).where(activations.c.mapping == mapping).scalar_subquery()
    query = (
        select(versions)
        .join(
            activations,
            (activations.c.mapping == versions.c.mapping) & (activations.c.fingerprint == versions.c.fingerprint),
        )
        .where(activations.c.activation_id == last)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _kept(row)


def locked(connection: Connection, mapping: str) -> Kept | None:
    """The active version, which nobody else can replace before the end of the caller's transaction."""
    connection.execute(select(activations.c.activation_id).where(activations.c.mapping == mapping).with_for_update())
    return active(connection, mapping)


def by_fingerprint(connection: Connection, mapping: str, fingerprint: str) -> Kept | None:
    """The version whose fingerprint is, or begins with, this; None where none or several do."""
    rows = [each for each in all_versions(connection, mapping) if each.fingerprint.startswith(fingerprint)]
    return rows[0] if len(rows) == 1 else None


def all_versions(connection: Connection, mapping: str) -> list[Kept]:
    """All versions of a mapping that were ever kept, the latest first."""
    query = select(versions).where(versions.c.mapping == mapping).order_by(versions.c.mapping_version_id.desc())
    return [_kept(row) for row in connection.execute(query).mappings()]


def _kept(row: Mapping[Any, Any]) -> Kept:
    return Kept(**{name: row[name] for name in Kept.__struct_fields__})


def _activation(row: Mapping[Any, Any]) -> Activation:
    return Activation(**{name: row[name] for name in Activation.__struct_fields__})
