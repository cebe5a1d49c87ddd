"""What the explanation of an invoice is made of."""

from typing import Any, Literal

import msgspec

from mappings import FieldTrace

Agreement = Literal["same", "differs", "unknown"]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """One document in exactly the version used, and how it came from its source.

    Attributes:
        name: As people name it: `contract C-000001 v2`.
        entity: Canonical entity.
        used_for: `draft`: fields of the invoice come from it. `check`: only its checks looked at it. `tax`: its tax comes from it.
        source: Connector it came through.
        record: The connector's name of the record.
        external_id: Identifier in the source.
        source_version: The source's own version mark; empty where it has none.
        landed_id: The record as received; None for a tax engine's answer, which is kept with the invoice.
        mapping: Mapping that shaped it.
        mapping_version: Its version.
        mapping_fingerprint: SHA-256 of the texts of that version.
        agreement: Whether the kept version, run again over the kept record, gives the document that is kept; `unknown` where it cannot be run.
        finding: What was found when it was run again.
    """

    name: str
    entity: str
    used_for: str
    source: str
    record: str
    external_id: str
    source_version: str
    landed_id: int | None
    mapping: str
    mapping_version: int
    mapping_fingerprint: str
    agreement: Agreement
    finding: str


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a document that a field of the invoice rests on.

    Attributes:
        document: Name of the document.
        path: The field, for example `lines[0].unit_price`.
        value: What stands there in the document as it is kept.
        trace: How it came from the record; None where the mapping could not be run again or has no rule for it.
    """

    document: str
    path: str
    value: Any
    trace: FieldTrace | None


class FieldExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """How one field of an invoice came about.

    Attributes:
        field: Its path, for example `lines[0].net`.
        value: As on the invoice.
        how: The rule in words.
        computed_from: Patterns of other fields of the invoice that it is computed from.
        is_confirmed: Whether the invoice computed anew from the documents has the same value; None where no document can say.
        computed: What it has instead, if not the same.
        bases: What it rests on.
    """

    field: str
    value: Any
    how: str
    computed_from: tuple[str, ...]
    is_confirmed: bool | None
    computed: Any
    bases: tuple[Basis, ...]


class InvoiceExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """Every field of an invoice, explained.

    Attributes:
        invoice_id: Canonical identifier.
        document_type: `380`, invoice, or `381`, credit note.
        number: None until released.
        buyer: Name on the document.
        payable: Amount due, for people.
        source_entity: `contract` or `order`.
        source_id: Which one.
        source_version: Version of that document.
        released_on: Business date of its release.
        warnings: What cannot be confirmed; empty when everything agrees.
        documents: The documents it was made from, checked against and taxed by.
        fields: All fields, in the order of the canonical model.
    """

    invoice_id: str
    document_type: str
    number: str | None
    buyer: str
    payable: str
    source_entity: str
    source_id: str
    source_version: int
    released_on: str | None
    warnings: tuple[str, ...]
    documents: tuple[Origin, ...]
    fields: tuple[FieldExplanation, ...]
