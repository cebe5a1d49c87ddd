"""What a story is made of."""

from datetime import date

import msgspec

from billhub.store import views
from canonical_model.errors import HubError
from canonical_model.invoices import Invoice
from canonical_model.journal import JournalEntry
from canonical_model.money import Money
from canonical_model.tax import JurisdictionTax


class UnknownInvoiceError(HubError):
    """No invoice has this number or identifier."""


class SchedulePeriod(msgspec.Struct, frozen=True, kw_only=True):
    """One period of the contract's billing schedule.

    Attributes:
        index: From 0.
        start: First day.
        end: Last day.
        due_on: Day from which it may be billed.
        net: What it amounts to before tax.
        invoice_id: The invoice that bills it; None when there is none yet.
        number: That invoice's number, once released.
        state: That invoice's state.
        is_this: Whether it is the period of the invoice that the story is about.
    """

    index: int
    start: date
    end: date
    due_on: date
    net: Money
    invoice_id: str | None = None
    number: str | None = None
    state: str | None = None
    is_this: bool = False


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """The billing schedule of the invoice's contract, by the version of the contract that the invoice was made from.

    Attributes:
        contract_id: Which contract.
        frequency: Length of a period.
        timing: Whether a period is billed before or after service.
        periods: All periods, in order.
        year: Value of one contract year, before tax.
        whole: Value of the whole term, before tax; what the periods sum to.
    """

    contract_id: str
    frequency: str
    timing: str
    periods: tuple[SchedulePeriod, ...]
    year: Money
    whole: Money


class SourceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A canonical document that the invoice rests on, and the record it was mapped from.

    Attributes:
        document: Canonical entity.
        canonical_id: Its identifier.
        document_version: From 1.
        source: Connector it came through.
        record: The connector's name of the record.
        external_id: Identifier in the source.
        source_version: The source's own version mark; empty where it has none.
        landed_id: The record as received.
        mapping: Mapping that shaped it.
        mapping_version: Its version.
        mapping_fingerprint: SHA-256 of the mapping file.
    """

    document: str
    canonical_id: str
    document_version: int
    source: str
    record: str
    external_id: str
    source_version: str
    landed_id: int
    mapping: str
    mapping_version: int
    mapping_fingerprint: str


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One rule and how the invoice stands to it.

    Attributes:
        rule: Rule id, or several by commas.
        text: What the rule demands.
        result: `passed`, `failed`, `waived`, `mended` (failed once, no longer), `reported` (told, not held), or `waiting` (not checked yet).
    """

    rule: str
    text: str
    result: str


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """A journal entry the invoice means.

    Attributes:
        entry: The entry.
        is_balanced: Whether its debits equal its credits exactly.
        meaning: Whether it is the whole effect on the ledger, or a part of that effect which the hub books itself; never to be added up.
    """

    entry: JournalEntry
    is_balanced: bool
    meaning: str


class InvoiceStory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about one invoice.

    Attributes:
        invoice: The document as it stands.
        state: Where it is in its life.
        source_entity: `contract` or `order`.
        source_id: Which one.
        source_version: Version of that document.
        created_by: Who had it drafted.
        released_on: Business date of its release.
        content_hash: What approval and release are bound to; None until taxed.
        tax_engine: Connector that decides its tax.
        schedule: Billing schedule of its contract; None for an order.
        sources: Documents and records it rests on.
        checks: Every rule it has to meet.
        exceptions: Its exceptions, open and closed, oldest first.
        taxes: Tax by jurisdiction, all lines together; empty until taxed.
        approvals: Questions and decisions, oldest first.
        postings: What it means to the ledger; empty until released.
        deliveries: What each target was sent, in order.
        trail: Its entries in the audit, oldest first.
        trail_holds: Whether each of these entries still has the hash of its contents and of the entry before it.
    """

    invoice: Invoice
    state: str
    source_entity: str
    source_id: str
    source_version: int
    created_by: str
    released_on: str | None
    content_hash: str | None
    tax_engine: str
    schedule: Schedule | None
    sources: tuple[SourceRecord, ...]
    checks: tuple[Check, ...]
    exceptions: tuple[views.ExceptionView, ...]
    taxes: tuple[JurisdictionTax, ...]
    approvals: tuple[views.ApprovalView, ...]
    postings: tuple[Posting, ...]
    deliveries: tuple[views.DeliveryView, ...]
    trail: tuple[views.AuditView, ...]
    trail_holds: bool
