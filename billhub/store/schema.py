"""The tables. Amounts are integer minor units in the currency's own precision; documents are JSON text; instants are ISO 8601 text in UTC."""

from billhub.store.tables.ground import metadata
from billhub.store.tables.incoming import (
    cursors,
    described_fields,
    documents,
    drift,
    drift_records,
    landed,
    mapping_activations,
    mapping_versions,
)
from billhub.store.tables.invoicing import approvals, invoice_sources, invoices, number_sequences, valid_addresses
from billhub.store.tables.outgoing import attempts, bindings, intents
from billhub.store.tables.watching import audit, audit_head, exceptions, runs

__all__ = [
    "metadata",
    "runs",
    "cursors",
    "landed",
    "documents",
    "mapping_versions",
    "mapping_activations",
    "drift",
    "drift_records",
    "described_fields",
    "bindings",
    "valid_addresses",
    "invoices",
    "invoice_sources",
    "exceptions",
    "approvals",
    "number_sequences",
    "intents",
    "attempts",
    "audit",
    "audit_head",
]
