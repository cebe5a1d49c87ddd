"""Telling the story: everything the store knows of one invoice, gathered and put in order."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from billhub import audit
from billhub.hub import Hub
from billhub.posting import deferral, posting
from billhub.store import display, documents, intents, invoices
from billhub.store.schema import invoices as invoice_table
from billhub.story.checklist import checklist
from billhub.story.lineage import rows_of
from billhub.story.values import InvoiceStory, Posting, Schedule, SchedulePeriod, SourceRecord, UnknownInvoiceError
from canonical_model.contracts import Contract
from canonical_model.encoding import decode
from canonical_model.invoices import Invoice
from canonical_model.money import total
from canonical_model.schedule import annual_value, billing_periods, contract_value, instalments
from canonical_model.tax import JurisdictionTax


def story(connection: Connection, hub: Hub, name: str) -> InvoiceStory:
    """The story of the invoice with this number or canonical identifier.

    Raises:
        UnknownInvoiceError: There is none.
    """
    row = invoices.find(connection, name)
    if row is None:
        raise UnknownInvoiceError(f"there is no invoice {name!r}; see billhub invoice list")
    invoice = decode(row["body"], Invoice)
    source = documents.provenance(connection, row["source_entity"], row["source_id"])
    used = next((each for each in source if each["version"] == row["source_version"]), None)
    contract = decode(used["body"], Contract) if used and row["source_entity"] == "contract" else None
    found = display.exceptions_of_invoice(connection, invoice.invoice_id)
    deliveries = display.deliveries(connection, intents.of_invoice(connection, invoice.invoice_id))
    trail = audit.trail(
        connection,
        [invoice.invoice_id, *(each.key for each in deliveries), *(str(each.exception_id) for each in found)],
    )
    return InvoiceStory(
        invoice=invoice,
        **{name: row[name] for name in ("state", "source_entity", "source_id", "source_version", "created_by")},
        **{name: row[name] for name in ("released_on", "content_hash")},
        tax_engine=hub.policy.entities[invoice.legal_entity].tax_engine,
        schedule=_schedule(connection, contract, invoice.invoice_id) if contract else None,
        sources=tuple(_sources(connection, hub, row)),
        checks=tuple(checklist(row["state"], row["source_entity"], found)),
        exceptions=tuple(found),
        taxes=_taxes(invoice),
        approvals=tuple(display.approval_list(connection, invoice_id=invoice.invoice_id)),
        postings=_postings(hub, invoice) if row["state"] in invoices.RELEASED_STATES else (),
        deliveries=tuple(deliveries),
        trail=tuple(trail),
        trail_holds=all(each.holds for each in trail),
    )


def _schedule(connection: Connection, contract: Contract, invoice_id: str) -> Schedule:
    table = invoice_table.c
    query = select(table.period_start, table.invoice_id, table.number, table.state).where(
        table.source_entity == "contract", table.source_id == contract.contract_id
    )
    billed = {row["period_start"]: row for row in connection.execute(query).mappings()}
    periods = tuple(
        SchedulePeriod(
            index=period.index,
            start=period.start,
            end=period.end,
            due_on=period.due_on,
            net=total((part.net for part in instalments(contract, period)), contract.currency),
            **_billed_by(billed.get(period.start.isoformat()), invoice_id),
        )
        for period in billing_periods(contract)
    )
    return Schedule(
        contract_id=contract.contract_id,
        frequency=contract.billing_frequency,
        timing=contract.billing_timing,
        periods=periods,
        year=annual_value(contract),
        whole=contract_value(contract),
    )


def _billed_by(row: Any, invoice_id: str) -> dict[str, Any]:
    if row is None:
        return {}
    shown = {name: row[name] for name in ("invoice_id", "number", "state")}
    return {**shown, "is_this": row["invoice_id"] == invoice_id}


def _sources(connection: Connection, hub: Hub, row: Mapping[str, Any]) -> Iterator[SourceRecord]:
    """What it was made from, then what it was checked against."""
    _, found = rows_of(connection, hub, row)
    kept = [name for name in SourceRecord.__struct_fields__ if not name.startswith("document")]
    for each in found:
        yield SourceRecord(
            document=each["entity"], document_version=each["version"], **{name: each[name] for name in kept}
        )


def _taxes(invoice: Invoice) -> tuple[JurisdictionTax, ...]:
    """The tax of each jurisdiction and rate, all lines together, in the order of the lines."""
    groups: dict[tuple[str, str, str, Decimal], list[JurisdictionTax]] = {}
    for tax in (tax for line in invoice.lines for tax in line.taxes):
        groups.setdefault((tax.jurisdiction, tax.kind, tax.name, tax.rate), []).append(tax)
    return tuple(
        msgspec.structs.replace(
            parts[0],
            taxable=total((part.taxable for part in parts), invoice.currency),
            tax=total((part.tax for part in parts), invoice.currency),
        )
        for parts in groups.values()
    )


def _postings(hub: Hub, invoice: Invoice) -> tuple[Posting, ...]:
    entries = ((posting(invoice, hub.policy), _WHOLE), (deferral(invoice, hub.policy), _PART))
    return tuple(
        Posting(entry=entry, is_balanced=entry.is_balanced, meaning=meaning)
        for entry, meaning in entries
        if entry is not None
    )


_WHOLE = "the whole effect on the ledger"
_PART = "of this, booked by the hub; the rest the ERP posts from the invoice itself"
