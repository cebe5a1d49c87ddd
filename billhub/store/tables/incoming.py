"""Tables of what comes in: records as received, the documents made of them, the mappings that made them, and drift."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from billhub.store.tables.ground import Id, metadata

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
    Column("landed_id", Id, primary_key=True, autoincrement=True),
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
    Column("document_id", Id, primary_key=True, autoincrement=True),
    Column("entity", String(40), nullable=False),
    Column("canonical_id", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("mapping", String(80), nullable=False),
    Column("mapping_version", Integer, nullable=False),
    Column("mapping_fingerprint", String(64), nullable=False),
    Column("landed_id", Id, ForeignKey("landed.landed_id"), nullable=False),
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
    Column("mapping_version_id", Id, primary_key=True, autoincrement=True),
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
    Column("activation_id", Id, primary_key=True, autoincrement=True),
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
    Column("drift_id", Id, primary_key=True, autoincrement=True),
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
    Column("drift_id", Id, ForeignKey("drift.drift_id"), primary_key=True),
    Column("landed_id", Id, ForeignKey("landed.landed_id"), primary_key=True),
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
