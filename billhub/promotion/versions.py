"""The versions of mappings for people: which is active, which were, what stands in the files, and what each of them made."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, func, select

import mappings
from billhub.store import mapping_versions
from billhub.store.mapping_versions import Activation, Kept
from billhub.store.schema import documents, intents
from canonical_model.errors import ConfigurationError, MappingError
from mappings import Bundle
from mappings.files.yaml_source import SourceError, read

Made = Mapping[tuple[str, str], int]
"""How many of something each version made, by mapping and fingerprint."""


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a mapping.

    Attributes:
        mapping: Name of the mapping.
        version: As its file states; None where the file cannot be read.
        fingerprint: Of its bundle.
        state: `active`, `retired` (was active before), or `draft` (stands in the files and was never active).
        on_disk: Whether the files stand like this now.
        files: Version of each overlay and table in it, by name.
        since: Business date on which it last became active.
        action: How it did: `shipped`, `promoted` or `rolled_back`.
        by: Who did it.
        reason: Why.
        diff_hash: Hash of the differences that were looked at before.
        documents: How many current documents it made.
        deliveries: How many payloads it made.
        fault: Why it does not compile, for a draft.
    """

    mapping: str
    version: int | None
    fingerprint: str
    state: Literal["active", "retired", "draft"]
    on_disk: bool
    files: Mapping[str, int]
    since: str | None = None
    action: str | None = None
    by: str | None = None
    reason: str | None = None
    diff_hash: str | None = None
    documents: int = 0
    deliveries: int = 0
    fault: str | None = None


def versions(connection: Connection, names: Sequence[str] | None = None) -> list[VersionView]:
    """All versions of some or all mappings: of each the draft first, then the latest kept.

    Raises:
        ConfigurationError: There is no mapping of a name, neither as a file nor in the store.
    """
    known = set(mappings.names()) | mapping_versions.activated(connection)
    for name in names or ():
        if name not in known:
            raise ConfigurationError(f"there is no mapping {name!r}; there are {', '.join(sorted(known))}")
    made = (
        _made(connection, documents, documents.c.is_current),
        _made(connection, intents, intents.c.payload.is_not(None)),
    )
    return [each for name in names or sorted(known) for each in _of(connection, name, *made)]


def _made(connection: Connection, table: Any, condition: Any) -> Made:
    query = (
        select(table.c.mapping, table.c.mapping_fingerprint, func.count())
        .where(condition, table.c.mapping_fingerprint.is_not(None))
        .group_by(table.c.mapping, table.c.mapping_fingerprint)
    )
    return Counter({(row[0], row[1]): row[2] for row in connection.execute(query)})


def _of(connection: Connection, name: str, documents_made: Made, payloads_made: Made) -> list[VersionView]:
    history = mapping_versions.history(connection, name)
    latest = {each.fingerprint: each for each in reversed(history)}
    present = history[0].fingerprint if history else None
    on_disk = mappings.bundle_of(name) if name in mappings.names() else None
    shown = []
    if on_disk and on_disk.fingerprint not in latest:
        shown.append(_draft(on_disk))
    for kept in mapping_versions.all_versions(connection, name):
        if kept.fingerprint in latest:
            key = (name, kept.fingerprint)
            shown.append(
                _kept(
                    kept,
                    latest[kept.fingerprint],
                    state="active" if kept.fingerprint == present else "retired",
                    on_disk=on_disk is not None and on_disk.fingerprint == kept.fingerprint,
                    documents=documents_made.get(key, 0),
                    deliveries=payloads_made.get(key, 0),
                )
            )
    return shown


def _draft(bundle: Bundle) -> VersionView:
    fault = None
    try:
        mappings.compile_bundle(bundle)
    except MappingError as error:
        fault = str(error)
    return VersionView(
        mapping=bundle.name,
        version=stated_version(bundle, bundle.file),
        fingerprint=bundle.fingerprint,
        state="draft",
        on_disk=True,
        files=_files(bundle),
        fault=fault,
    )


def _kept(kept: Kept, activation: Activation, **shown: Any) -> VersionView:
    return VersionView(
        mapping=kept.mapping,
        version=kept.version,
        fingerprint=kept.fingerprint,
        files=_files(kept.texts),
        since=activation.activated_on,
        action=activation.action,
        by=activation.activated_by,
        reason=activation.reason,
        diff_hash=activation.diff_hash,
        **shown,
    )


def _files(bundle: Bundle) -> dict[str, int]:
    others = {file: stated_version(bundle, file) for file in sorted(bundle.files) if file != bundle.file}
    return {file.removesuffix(".yaml"): version for file, version in others.items() if version is not None}


def stated_version(bundle: Bundle, file: str) -> int | None:
    """The version that a file of a bundle states; None where it states none."""
    try:
        data = read(bundle.files[file], file).data
    except SourceError:
        return None
    version = data.get("version") if isinstance(data, dict) else None
    return version if isinstance(version, int) else None
