"""From a landed record to a canonical document, or to what is wrong with it. Nothing is read or written here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from billhub.flows import Feed
from billhub.store.documents import NewDocument
from billhub.store.landed import Record
from canonical_model import catalog
from canonical_model.encoding import content_hash, encode
from mappings import CompiledMapping, FieldProblem

LONGEST_IDS = {"identity": 150, "customer_id": 80}


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record.

    Attributes:
        record: Which one.
        document: The new version of its document; None where there are problems.
        problems: What is wrong with it.
    """

    record: Record
    document: NewDocument | None = None
    problems: Sequence[FieldProblem] = ()


def examine(feed: Feed, mapping: CompiledMapping, record: Record, body: Mapping[str, Any]) -> Examined:
    """One record mapped and checked.

    Args:
        feed: What it is.
        mapping: The version in use.
        record: The landed record.
        body: Its body as plain JSON values.
    """
    mapped = mapping.apply(body)
    if mapped.problems:
        return Examined(record=record, problems=mapped.problems)
    document = msgspec.convert(mapped.document, catalog.DOCUMENTS[feed.document])  # costs nothing: it is one already
    canonical_id = catalog.identity(document)
    if too_long := list(_too_long(mapping, canonical_id, document)):
        return Examined(record=record, problems=too_long)
    new = NewDocument(
        canonical_id=canonical_id,
        content_hash=content_hash(document),
        body=encode(document).decode(),
        mapping=mapping.name,
        mapping_version=mapping.version,
        mapping_fingerprint=mapping.fingerprint,
        landed_id=record.landed_id,
    )
    return Examined(record=record, document=new)


def finding(mapping: CompiledMapping, field: str, value: str, *, rule: str, message: str) -> FieldProblem:
    """A problem of a canonical field that no rule of the mapping has found."""
    return FieldProblem(
        mapping=mapping.name,
        version=mapping.version,
        field=field,
        source_path="",
        value=value,
        rule=rule,
        message=message,
    )


def _too_long(mapping: CompiledMapping, canonical_id: str, document: msgspec.Struct) -> Iterator[FieldProblem]:
    """Identifiers are keys here and in the targets; what is longer is no identifier."""
    found = {"identity": canonical_id, "customer_id": getattr(document, "customer_id", None) or ""}
    for field, value in found.items():
        longest = LONGEST_IDS[field]
        if len(value) > longest:
            message = f"has {len(value)} characters; an identifier has at most {longest}"
            yield finding(mapping, field, value[:longest], rule="length of identifiers", message=message)
