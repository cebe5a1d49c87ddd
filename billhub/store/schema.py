"""The tables. Amounts are integer minor units in the currency's own precision; documents are JSON text; instants are ISO 8601 text in UTC."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives rowids only to INTEGER keys; PostgreSQL needs the wider type.
_Id = BigInteger().with_variant(Integer, "sqlite")

runs = Table(
    "runs",
    metadata,
    Column("run_id", _Id, primary_key=True, autoincrement=True),
    Column("flow", String(60), nullable=False),
    Column("step", String(60), nullable=False),
    Column("as_of", String(10), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("state", String(12), nullable=False),
    Column("counts", Text, nullable=False, server_default="{}"),
    Column("message", Text),
)

cursors = Table(
    "cursors",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("entity", String(40), primary_key=True),
    Column("cursor", Text, nullable=False),
)

landed = Table(
    "landed",
    metadata,
    Column("landed_id", _Id, primary_key=True, autoincrement=True),
    Column("source", String(40), nullable=False),
    Column("entity", String(40), nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("native_id", String(200), nullable=False),  # external_id where the source has no other
    Column("version", String(60), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(12), nullable=False),  # new, mapped, excepted, quarantined, refused, superseded
    Column("control_lines", Integer),
    Column("control_amount", Text),
    Column("control_currency", String(3)),
    Column("control_entity", String(20)),
    Index("ix_landed_record", "source", "entity", "external_id"),
    Index("ix_landed_native", "source", "entity", "native_id"),
    Index("ix_landed_work", "entity", "state", "landed_id"),
)

documents = Table(
    "documents",
    metadata,
    Column("document_id", _Id, primary_key=True, autoincrement=True),
    Column("entity", String(40), nullable=False),
    Column("canonical_id", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("mapping", String(80), nullable=False),
    Column("mapping_version", Integer, nullable=False),
    Column("mapping_fingerprint", String(64), nullable=False),
    Column("landed_id", _Id, ForeignKey("landed.landed_id"), nullable=False),
    UniqueConstraint("entity", "canonical_id", "version"),
    Index(
        "uq_documents_current",
        "entity",
        "canonical_id",
        unique=True,
        sqlite_where=text("is_current"),
        postgresql_where=text("is_current"),
    ),
)

mapping_versions = Table(
    "mapping_versions",
    metadata,
    Column("mapping_version_id", _Id, primary_key=True, autoincrement=True),
    Column("mapping", String(80), nullable=False),
    Column("version", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("bundle", Text, nullable=False),  # JSON: text by file name
    Column("kept_on", String(10), nullable=False),
    Column("kept_by", String(120), nullable=False),
    UniqueConstraint("mapping", "fingerprint"),
)

mapping_activations = Table(  # the latest of a mapping is the active one; nothing is ever changed here
    "mapping_activations",
    metadata,
    Column("activation_id", _Id, primary_key=True, autoincrement=True),
    Column("mapping", String(80), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("action", String(12), nullable=False),  # shipped, promoted, rolled_back
    Column("activated_on", String(10), nullable=False),
    Column("activated_by", String(120), nullable=False),
    Column("reason", Text, nullable=False),
    Column("diff_hash", String(64)),  # what was seen of its effect before it was promoted
    Index("ix_mapping_activations", "mapping", "activation_id"),
)

drift = Table(
    "drift",
    metadata,
    Column("drift_id", _Id, primary_key=True, autoincrement=True),
    Column("source", String(40), nullable=False),
    Column("entity", String(40), nullable=False),
    Column("kind", String(20), nullable=False),  # new_field, missing_field, changed_type, new_value
    Column("path", String(200), nullable=False),
    Column("expected", String(120), nullable=False),
    Column("found", String(120), nullable=False),
    Column("sample", Text, nullable=False),  # an offending value, as text
    Column("external_id", String(200)),  # the record it was first seen on
    Column("origin", String(12), nullable=False),  # record, describe
    Column("policy", String(12), nullable=False),  # allow, quarantine, refuse: what holds until somebody decides
    Column("state", String(12), nullable=False),  # open, accepted, refused, settled
    Column("first_seen_on", String(10), nullable=False),
    Column("last_seen_on", String(10), nullable=False),
    Column("decided_on", String(10)),
    Column("decided_by", String(120)),
    Column("reason", Text),
    UniqueConstraint("source", "entity", "kind", "path", "found"),
)

drift_records = Table(  # the records that a drift was found on
    "drift_records",
    metadata,
    Column("drift_id", _Id, ForeignKey("drift.drift_id"), primary_key=True),
    Column("landed_id", _Id, ForeignKey("landed.landed_id"), primary_key=True),
    Index("ix_drift_records_landed", "landed_id"),
)

described_fields = Table(  # what a system said of its fields when it was first asked
    "described_fields",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("entity", String(40), primary_key=True),
    Column("path", String(200), primary_key=True),
    Column("native_type", String(80), nullable=False),
    Column("described_on", String(10), nullable=False),
)

bindings = Table(
    "bindings",
    metadata,
    Column("system", String(40), primary_key=True),
    Column("entity", String(40), primary_key=True),
    Column("canonical_id", String(200), primary_key=True),
    Column("native_id", String(200), nullable=False),
    Column("answer", Text, nullable=False, server_default="{}"),
)

valid_addresses = Table(
    "valid_addresses",
    metadata,
    Column("service", String(40), primary_key=True),
    Column("address_hash", String(64), primary_key=True),
)

invoices = Table(
    "invoices",
    metadata,
    Column("seq", _Id, primary_key=True, autoincrement=True),
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
    Column("document_id", _Id, ForeignKey("documents.document_id"), primary_key=True),
    Column("used_for", String(8), nullable=False),  # draft, check
)

exceptions = Table(
    "exceptions",
    metadata,
    Column("exception_id", _Id, primary_key=True, autoincrement=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("category", String(40), nullable=False),
    Column("subject_type", String(40), nullable=False),
    Column("subject_id", String(250), nullable=False),
    Column("invoice_id", String(200)),
    Column("legal_entity", String(20)),
    Column("currency", String(3)),
    Column("amount_minor", BigInteger),
    Column("rule_id", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("next_step", Text, nullable=False),
    Column("owner", String(120), nullable=False),
    Column("assignee", String(120)),
    Column("deadline", String(10), nullable=False),
    Column("state", String(12), nullable=False),  # open, reported, resolved, waived
    Column("content_hash", String(64)),  # what a waiver is bound to
    Column("opened_on", String(10), nullable=False),
    Column("closed_on", String(10)),
    Column("closed_by", String(120)),
    Column("resolution", Text),
    Index("ix_exceptions_work", "state", "category"),
    Index("ix_exceptions_subject", "subject_type", "subject_id"),
    Index("ix_exceptions_invoice", "invoice_id"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("approval_id", _Id, primary_key=True, autoincrement=True),
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

intents = Table(
    "intents",
    metadata,
    Column("intent_id", _Id, primary_key=True, autoincrement=True),
    Column("key", String(250), nullable=False, unique=True),
    Column("after_key", String(250)),
    Column("invoice_id", String(200)),
    Column("subject_id", String(200), nullable=False),
    Column("target", String(40), nullable=False),
    Column("entity", String(40), nullable=False),
    Column("external_key", String(200), nullable=False),
    Column("state", String(12), nullable=False),  # pending, sending, confirmed, rejected, uncertain
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", BigInteger, nullable=False, server_default="0"),  # epoch milliseconds
    Column("lease_owner", String(80)),
    Column("lease_until", BigInteger, nullable=False, server_default="0"),  # epoch milliseconds
    Column("payload", Text),
    Column("content_hash", String(64)),
    Column("mapping", String(80)),
    Column("mapping_version", Integer),
    Column("mapping_fingerprint", String(64)),
    Column("native_id", String(200)),
    Column("answer", Text),
    Column("error_code", String(120)),
    Column("error_message", Text),
    Index("ix_intents_work", "target", "state", "intent_id"),
    Index("ix_intents_invoice", "invoice_id"),
    Index("ix_intents_after", "after_key"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", _Id, primary_key=True, autoincrement=True),
    Column("intent_id", _Id, ForeignKey("intents.intent_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("action", String(12), nullable=False),  # write, resolve
    Column("outcome", String(12), nullable=False),
    Column("error_code", String(120)),
    Column("error_message", Text),
    Index("ix_attempts_intent", "intent_id"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", _Id, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(250), nullable=False),
    Column("detail", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_audit_subject", "subject"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("id = 1", name="single"),
)
