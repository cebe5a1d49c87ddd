"""An invoice to be, and the two hashes that identify it: of what is decided about it, and of what it bills."""

from decimal import Decimal

import msgspec

from canonical_model.encoding import content_hash
from canonical_model.invoices import Invoice


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice to be, with where it comes from.

    Attributes:
        invoice: Untaxed, without number.
        source_entity: `contract` or `order`.
        source_id: Which one.
        source_version: Version of the canonical document.
        raw_amount: Net before any rounding.
        made_from: The store's numbers of the document versions that its fields come from.
    """

    invoice: Invoice
    source_entity: str
    source_id: str
    source_version: int
    raw_amount: Decimal
    made_from: tuple[int, ...]


def approval_content(invoice: Invoice) -> str:
    """Hash of what is decided about an invoice: everything but the number and dates it gets on release, and the tax engine's own reference."""
    fixed = invoice.tax_point_date
    changes = {"number": None, "issue_date": fixed, "due_date": fixed, "tax_reference": None}
    return content_hash(msgspec.structs.replace(invoice, **changes))


def fingerprint(invoice: Invoice) -> str:
    """Equal for two invoices that bill the same buyer the same things for the same period under the same order reference."""
    lines = sorted((line.product_code, format(line.quantity, "f"), str(line.net)) for line in invoice.lines)
    period = (invoice.period_start, invoice.period_end, invoice.tax_point_date)
    return content_hash(
        [invoice.document_type, invoice.legal_entity, invoice.buyer.party_id, invoice.purchase_order, *period, lines]
    )
