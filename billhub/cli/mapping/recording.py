"""From a landed record to a fixture beside its mapping, with personal data masked."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine

import mappings
from billhub.cli.exits import USAGE, CommandError
from billhub.store import landed
from billhub.store.engine import reading
from canonical_model.encoding import decode_payload, encode_payload
from mappings import catalogue
from mappings.testing.fixtures import write_outcome
from mappings.testing.masking import mask

_CASE = re.compile(r"[a-z0-9_]+", re.ASCII)


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be recorded.

    Attributes:
        mapping: `system/entity`: the source and entity that the record was landed under.
        case: Name of the fixture.
        external_id: Of the record in its source; its newest version is taken.
        landed_id: Instead of it: one landed record.
        folder: Where the fixture goes; None for the mapping's own.
        keep: Source paths that stay as they are.
        salt: Secret that the masks are made with; None for a new one that nobody keeps.
    """

    mapping: str
    case: str
    external_id: str | None
    landed_id: int | None
    folder: Path | None
    keep: tuple[str, ...] = ()
    salt: str | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What was written.

    Attributes:
        files: Input and outcome.
        masked: Source paths with masked values, and how many.
        kept: Source paths with kept values, and why.
    """

    files: tuple[str, ...]
    masked: Mapping[str, int]
    kept: Mapping[str, str]


def write_fixture(engine: Engine, wanted: Recording, *, force: bool) -> Recorded:
    """Write the input, masked, and the outcome of a fixture.

    Raises:
        CommandError: There is no such record, or the fixture is there already and not to be overwritten.
        MappingError: There is no such mapping, or the record cannot be masked so that it takes the same way.
    """
    mapping = mappings.load(wanted.mapping)
    given = _file(wanted, force=force)
    masked = mask(
        _record(engine, wanted), mapping, salt=wanted.salt.encode() if wanted.salt else None, keep=wanted.keep
    )
    given.parent.mkdir(parents=True, exist_ok=True)
    given.write_bytes(msgspec.json.format(encode_payload(masked.record).encode(), indent=2) + b"\n")
    outcome = write_outcome(given, mapping.apply(masked.record))
    return Recorded(files=(str(given), str(outcome)), masked=masked.masked, kept=masked.kept)


def _file(wanted: Recording, *, force: bool) -> Path:
    if not _CASE.fullmatch(wanted.case):
        raise CommandError(f"{wanted.case!r} cannot name a fixture: use small letters, digits and _", USAGE)
    own = catalogue.ROOT / wanted.mapping
    given = (wanted.folder or own.parent) / f"{own.name}.{wanted.case}.in.json"
    taken = [path.name for path in (given, given.with_name(f"{own.name}.{wanted.case}.out.json")) if path.exists()]
    if taken and not force:
        raise CommandError(f"{' and '.join(taken)} exist already; choose another --case, or overwrite with --force")
    return given


def _record(engine: Engine, wanted: Recording) -> dict[str, Any]:
    """The body of the record, numbers with decimals exact."""
    if (wanted.external_id is None) == (wanted.landed_id is None):
        raise CommandError("say which record: either its ID in the source or --landed-id", USAGE)
    source, _, entity = wanted.mapping.partition("/")
    with reading(engine) as connection:
        body = landed.body_of(connection, source, entity, external_id=wanted.external_id, landed_id=wanted.landed_id)
    if body is None:
        which = wanted.external_id or f"number {wanted.landed_id}"
        raise CommandError(f"no {entity} {which} has come in from {source}; billhub sync reads what is new there")
    record: dict[str, Any] = decode_payload(body)
    return record
