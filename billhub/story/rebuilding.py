"""An invoice computed anew from the documents it was made from, to confirm what its explanation says."""

import msgspec

from billhub.billing import contracts, orders
from billhub.story.circumstances import Case
from canonical_model.invoices import Invoice
from canonical_model.totals import with_tax


def rebuilt(case: Case) -> Invoice | None:
    """The invoice as the hub would make it today from the same documents; None where they do not say enough.

    Seller, number and, for a contract, the day of issue are decided outside the documents and taken from the invoice itself.
    """
    draft = _draft(case)
    if draft is None:
        return None
    if case.quote is not None:
        answered = {line.line_id for line in case.quote.lines}
        if any(line.line_id not in answered for line in draft.lines):
            return None
        draft = with_tax(draft, case.quote)
    return msgspec.structs.replace(draft, number=case.invoice.number)


def _draft(case: Case) -> Invoice | None:
    invoice = case.invoice
    if case.order is not None:
        return orders.invoice_for(case.order, seller=invoice.seller)
    if case.contract is None or case.period is None:
        return None
    return contracts.invoice_for(
        case.contract, case.period, case.customer, seller=invoice.seller, issued=invoice.issue_date
    )
