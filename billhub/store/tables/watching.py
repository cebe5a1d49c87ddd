"""Tables for people: runs, exceptions and the audit."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text

from billhub.store.tables.ground import Id, metadata

runs = Table(
    "runs",
    metadata,
    Column("run_id", Id, primary_key=True, autoincrement=True),
    Column("flow", String(60), nullable=False),
    Column("step", String(60), nullable=False),
    Column("as_of", String(10), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("state", String(12), nullable=False),
    Column("counts", Text, nullable=False, server_default="{}"),
    Column("message", Text),
)


exceptions = Table(
    "exceptions",
    metadata,
    Column("exception_id", Id, primary_key=True, autoincrement=True),
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


audit = Table(
    "audit",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=False),
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
