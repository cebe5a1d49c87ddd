"""From a landed record to a canonical document, or to what is wrong with it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from billhub import exceptions
from billhub.flows import Feed
from billhub.store import documents, landed
from canonical_model import catalog
from canonical_model.encoding import content_hash, encode
from canonical_model.violations import Violation
from mappings import CompiledMapping, FieldProblem

LONGEST_IDS = {"identity": 150, "customer_id": 80}


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record.

    Attributes:
        landed_id: Which one.
        document: The new version of its document; None where there are problems.
        problems: For the exception desk.
    """

    landed_id: int
    document: documents.NewDocument | None
    problems: Sequence[exceptions.Problem]


def examine(
    connection: Connection, feed: Feed, mapping: CompiledMapping, rows: Sequence[Mapping[str, Any]]
) -> list[Examined]:
    """Each record mapped and checked; of several that claim one identity the first keeps it, whichever batch it came in.

    Args:
        connection: The caller's transaction.
        feed: What they are.
        mapping: The version in use.
        rows: Landed records, each with the `subject` that the exception desk knows it by.
    """
    examined = [_map(feed, mapping, row) for row in rows]
    claimed = [each.document.canonical_id for each in examined if each.document is not None]
    known, taken = landed.owners(connection, feed.document, claimed), dict[str, landed.Owner]()
    for place, (row, each) in enumerate(zip(rows, examined, strict=True)):
        if each.document is None:
            continue
        name, claimant = each.document.canonical_id, _owner(feed, row)
        owner = known.get(name)
        if owner is None or not _is_another(owner, claimant):
            owner = taken.setdefault(name, claimant)
        if owner != claimant:
            examined[place] = _refused(feed, row, [_rival(mapping, name, claimant, owner)])
    return examined


def _owner(feed: Feed, row: Mapping[str, Any]) -> landed.Owner:
    return landed.Owner(source=feed.source, external_id=row["external_id"], native_id=row["native_id"])


def _is_another(owner: landed.Owner, claimant: landed.Owner) -> bool:
    """Whether they are two records for certain: in a source without native ids one record may come under another external id."""
    if owner.source != claimant.source:
        return True
    return claimant.native_id not in (claimant.external_id, owner.native_id)


def _map(feed: Feed, mapping: CompiledMapping, row: Mapping[str, Any]) -> Examined:
    mapped = mapping.apply(msgspec.json.decode(row["body"]))
    if mapped.problems:
        return _refused(feed, row, mapped.problems)
    document = msgspec.convert(mapped.document, catalog.DOCUMENTS[feed.document], strict=False)
    if too_long := list(_too_long(mapping, document)):
        return _refused(feed, row, too_long)
    new = documents.NewDocument(
        canonical_id=catalog.identity(document),
        content_hash=content_hash(document),
        body=encode(document).decode(),
        mapping=mapping.name,
        mapping_version=mapping.version,
        mapping_fingerprint=mapping.fingerprint,
        landed_id=row["landed_id"],
    )
    return Examined(landed_id=row["landed_id"], document=new, problems=())


def _refused(feed: Feed, row: Mapping[str, Any], found: Sequence[FieldProblem]) -> Examined:
    problems = [_problem(feed, row, each) for each in found]
    return Examined(landed_id=row["landed_id"], document=None, problems=problems)


def _rival(mapping: CompiledMapping, name: str, claimant: landed.Owner, owner: landed.Owner) -> FieldProblem:
    message = f"record {claimant} has the identity of record {owner}, which came first and keeps it"
    return _found(mapping, "identity", name, "one record an identity", message)


def _too_long(mapping: CompiledMapping, document: msgspec.Struct) -> Iterator[FieldProblem]:
    """Identifiers are keys here and in the targets; what is longer is no identifier."""
    found = {"identity": catalog.identity(document), "customer_id": getattr(document, "customer_id", None) or ""}
    for field, value in found.items():
        longest = LONGEST_IDS[field]
        if len(value) > longest:
            message = f"has {len(value)} characters; an identifier has at most {longest}"
            yield _found(mapping, field, value[:longest], "length of identifiers", message)


def _found(mapping: CompiledMapping, field: str, value: str, rule: str, message: str) -> FieldProblem:
    return FieldProblem(
        mapping=mapping.name,
        version=mapping.version,
        field=field,
        source_path="",
        value=value,
        rule=rule,
        message=message,
    )


def _problem(feed: Feed, row: Mapping[str, Any], found: FieldProblem) -> exceptions.Problem:
    violation = Violation(
        rule_id=f"{found.mapping}@{found.version}:{found.rule}",
        category="mapping_defect",
        path=found.field,
        value=str(found.value),
        message=f"{feed.entity} {row['external_id']}, source field {found.source_path}: {found.message}",
    )
    return exceptions.Problem(
        subject_type="record",
        subject_id=row["subject"],
        violation=violation,
        legal_entity=row["control_entity"],
    )
