"""Tables of what is sent to targets, and what they answered."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from billhub.store.tables.ground import Id, metadata

bindings = Table(
    "bindings",
    metadata,
    Column("system", String(40), primary_key=True),
    Column("entity", String(40), primary_key=True),
    Column("canonical_id", String(200), primary_key=True),
    Column("native_id", String(200), nullable=False),
    Column("answer", Text, nullable=False, server_default="{}"),
)


intents = Table(
    "intents",
    metadata,
    Column("intent_id", Id, primary_key=True, autoincrement=True),
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
    Column("attempt_id", Id, primary_key=True, autoincrement=True),
    Column("intent_id", Id, ForeignKey("intents.intent_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("action", String(12), nullable=False),  # write, resolve
    Column("outcome", String(12), nullable=False),
    Column("error_code", String(120)),
    Column("error_message", Text),
    Index("ix_attempts_intent", "intent_id"),
)
