"""The documents an invoice was made from, each with the record it came from and what the mapping, as it stood then, makes of that record now."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from billhub.hub import Hub, compiled
from billhub.store import documents, lineage, mapping_versions
from billhub.story.explained import Agreement, Origin
from canonical_model.contracts import Contract
from canonical_model.encoding import content_hash, decode
from canonical_model.errors import MappingError
from canonical_model.invoices import Invoice
from mappings import CompiledMapping, FieldTrace


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """A document with the trace of its fields.

    Attributes:
        origin: What it is and where it came from.
        body: The document as it is kept, as plain JSON; None where nothing is kept and it could not be made again.
        traces: How each of its fields came about, by field; empty where the mapping could not be run again.
    """

    origin: Origin
    body: Any
    traces: Mapping[str, FieldTrace]


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """What a kept version of a mapping makes of a kept record.

    Attributes:
        document: What it makes of it; None where it cannot be run or has problems.
        finding: Why there is no document.
        traces: How each field came about, by field.
    """

    document: Any = None
    finding: str = ""
    traces: Mapping[str, FieldTrace] = {}


def rows_of(connection: Connection, hub: Hub, row: Mapping[str, Any]) -> tuple[bool, Sequence[Mapping[str, Any]]]:
    """The documents of an invoice with their landed records, and whether they were noted when it was made.

    Args:
        connection: Any connection.
        hub: The hub.
        row: The invoice, all columns.
    """
    found = lineage.of_invoice(connection, row["invoice_id"])
    noted = any(each["used_for"] == lineage.DRAFT for each in found)
    if not noted:
        found = list(_as_they_are_now(connection, hub, row))
    received = lineage.records(connection, [each["landed_id"] for each in found])
    return noted, [{**each, **received[each["landed_id"]]} for each in found]


def traced(connection: Connection, row: Mapping[str, Any]) -> Traced:
    """A document with the trace of its fields, from what the store keeps alone."""
    rerun = run_again(connection, row["mapping"], row["mapping_fingerprint"], row["received"])
    agreement, finding = _compared(row, rerun)
    received = ("used_for", "source", "record", "external_id", "source_version", "landed_id")
    made = ("mapping", "mapping_version", "mapping_fingerprint")
    origin = Origin(
        name=f"{row['entity'].replace('_', ' ')} {row['canonical_id']} v{row['version']}",
        entity=row["entity"],
        **{name: row[name] for name in (*received, *made)},
        agreement=agreement,
        finding=finding,
    )
    return Traced(origin=origin, body=msgspec.json.decode(row["body"]), traces=rerun.traces)


def run_again(connection: Connection, mapping: str, fingerprint: str, received: str) -> Rerun:
    """Run a kept version of a mapping over a record as it was received."""
    kept = mapping_versions.by_fingerprint(connection, mapping, fingerprint)
    if kept is None:
        return Rerun(finding=f"the store does not keep the texts of {mapping} with fingerprint {fingerprint[:12]}")
    try:
        version = compiled(kept.mapping, kept.bundle)
    except MappingError as error:
        return Rerun(finding=f"this release of the hub cannot compile the version that was used: {error}")
    return _run(version, msgspec.json.decode(received))


def _run(version: CompiledMapping, record: Any) -> Rerun:
    mapped, traces = version.apply(record), {each.field: each for each in version.explain(record)}
    problems = "; ".join(f"{each.field}: {each.message}" for each in mapped.problems)
    return Rerun(document=mapped.document, finding=problems, traces=traces)


def _compared(row: Mapping[str, Any], rerun: Rerun) -> tuple[Agreement, str]:
    if rerun.document is None:
        return ("differs" if rerun.traces else "unknown"), rerun.finding
    if content_hash(rerun.document) == row["content_hash"]:
        return "same", "gives exactly this document from the record as received"
    return (
        "differs",
        "the mapping of then, run again by this release of the hub, gives another document than the one that is kept",
    )


def _as_they_are_now(connection: Connection, hub: Hub, row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """For an invoice of before lineage was kept: what is billed in the version used, then buyer and prices in their current versions."""
    billed = documents.provenance(connection, row["source_entity"], row["source_id"])
    used = next((each for each in billed if each["version"] == row["source_version"]), None)
    if used is not None:
        yield {**used, "used_for": lineage.DRAFT}
    for each in documents.provenance(connection, "customer", decode(row["body"], Invoice).buyer.party_id)[:1]:
        yield {**each, "used_for": lineage.DRAFT}
    if used is None or row["source_entity"] != "contract":
        return
    entity = hub.policy.entities[row["legal_entity"]]
    for code in dict.fromkeys(line.product_code for line in decode(used["body"], Contract).lines):
        entry_id = f"{entity.price_book}/{code}/{entity.currency}"
        for each in documents.provenance(connection, "price_book_entry", entry_id)[:1]:
            yield {**each, "used_for": lineage.CHECK}
