"""The tax engine's answer for an invoice, read again by the mapping that read it then."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from billhub.story.explained import Agreement, Origin
from billhub.story.lineage import Rerun, Traced, run_again
from canonical_model.encoding import decode, encode
from canonical_model.invoices import Invoice
from canonical_model.rules import check_tax_answer


def tax_answer(connection: Connection, row: Mapping[str, Any]) -> Traced | None:
    """The answer as a document of its own; None for an invoice that is not taxed, or was taxed before mappings were noted.

    Args:
        connection: Any connection.
        row: The invoice, all columns.
    """
    if row["tax_answer"] is None or row["tax_mapping_fingerprint"] is None:
        return None
    rerun = run_again(connection, row["tax_mapping"], row["tax_mapping_fingerprint"], row["tax_answer"])
    agreement, finding = _compared(row, rerun)
    origin = Origin(
        name=f"tax quote {row['invoice_id']}",
        entity="tax_quote",
        used_for="tax",
        source=row["tax_mapping"].partition("/")[0],
        record="answer",
        external_id=row["invoice_id"],
        source_version="",
        landed_id=None,
        mapping=row["tax_mapping"],
        mapping_version=row["tax_mapping_version"],
        mapping_fingerprint=row["tax_mapping_fingerprint"],
        agreement=agreement,
        finding=finding,
    )
    body = None if rerun.document is None else msgspec.json.decode(encode(rerun.document))
    return Traced(origin=origin, body=body, traces=rerun.traces)


def _compared(row: Mapping[str, Any], rerun: Rerun) -> tuple[Agreement, str]:
    if rerun.document is None:
        return ("differs" if rerun.traces else "unknown"), rerun.finding
    violations = check_tax_answer(decode(row["body"], Invoice), rerun.document)
    if violations:
        return "differs", "; ".join(f"{each.path}: {each.message}" for each in violations)
    return "same", "gives an answer that fits the invoice from the answer as received"
