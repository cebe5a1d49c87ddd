"""Tables of invoices on their way to a number."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from billhub.store.tables.ground import Id, metadata

valid_addresses = Table(
    "valid_addresses",
    metadata,
    Column("service", String(40), primary_key=True),
    Column("address_hash", String(64), primary_key=True),
)


invoices = Table(
    "invoices",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=True),
    Column("invoice_id", String(200), nullable=False, unique=True),
    Column("document_type", String(3), nullable=False),
    Column("legal_entity", String(20), nullable=False),
    Column("customer_id", String(80)),
    Column("source_entity", String(40), nullable=False),  # contract or order
    Column("source_id", String(200), nullable=False),
    Column("source_version", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("issue_date", String(10), nullable=False),
    Column("period_start", String(10)),
    Column("net_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger),
    Column("gross_minor", BigInteger),
    Column("raw_amount", Text, nullable=False),  # unrounded, for the completeness control
    Column("line_count", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("draft_hash", String(64), nullable=False),
    Column("content_hash", String(64)),
    Column("fingerprint", String(64), nullable=False),
    Column("number", String(40)),
    Column("created_by", String(120), nullable=False),
    Column("body", Text, nullable=False),
    Column("tax_answer", Text),
    Column("tax_mapping", String(80)),  # the mapping that read the tax engine's answer
    Column("tax_mapping_version", Integer),
    Column("tax_mapping_fingerprint", String(64)),
    Column("released_on", String(10)),
    UniqueConstraint("legal_entity", "number"),
    Index("ix_invoices_work", "state", "seq"),
    Index("ix_invoices_fingerprint", "fingerprint"),
    Index("ix_invoices_source", "source_entity", "source_id"),
)


invoice_sources = Table(  # the documents that an invoice was made from, each in the version that was used
    "invoice_sources",
    metadata,
    Column("invoice_id", String(200), primary_key=True),
    Column("document_id", Id, ForeignKey("documents.document_id"), primary_key=True),
    Column("used_for", String(8), nullable=False),  # draft, check
)


approvals = Table(
    "approvals",
    metadata,
    Column("approval_id", Id, primary_key=True, autoincrement=True),
    Column("invoice_id", String(200), ForeignKey("invoices.invoice_id"), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_by", String(120), nullable=False),
    Column("requested_on", String(10), nullable=False),
    Column("state", String(12), nullable=False),  # pending, approved, rejected, void
    Column("decided_by", String(120)),
    Column("decided_on", String(10)),
    Column("comment", Text),
    UniqueConstraint("invoice_id", "content_hash"),
    # Four eyes: no interface can get round this.
    CheckConstraint("decided_by IS NULL OR decided_by <> created_by", name="four_eyes"),
    CheckConstraint("state NOT IN ('approved', 'rejected') OR decided_by IS NOT NULL", name="decided"),
)


number_sequences = Table(
    "number_sequences",
    metadata,
    Column("legal_entity", String(20), primary_key=True),
    Column("series", String(20), primary_key=True),
    Column("last", BigInteger, nullable=False),
)
