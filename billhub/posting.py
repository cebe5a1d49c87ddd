"""What a released document means to the general ledger, by the policy's accounts."""

from decimal import Decimal

from billhub.policy import Policy
from canonical_model.invoices import CREDIT_NOTE, Invoice
from canonical_model.journal import JournalEntry, JournalLine
from canonical_model.money import Money, zero


def posting(invoice: Invoice, policy: Policy) -> JournalEntry:
    """The whole effect of a document: receivable against revenue (deferred when billed in advance) and tax; turned round for a credit note."""
    totals = invoice.totals
    deferred = invoice.billing_timing == "in_advance"
    earned = [(account, -net, "Revenue") for account, net in _revenue(invoice, policy).items()]
    sides = [
        (policy.accounts["receivable"], totals.gross, "Receivable"),
        *([(policy.accounts["deferred_revenue"], -totals.net, "Deferred revenue")] if deferred else earned),
        (policy.accounts["tax_payable"], -totals.tax, "Tax payable"),
    ]
    return _entry(invoice, "posting", f"Invoice {invoice.number}", sides)


def deferral(invoice: Invoice, policy: Policy) -> JournalEntry | None:
    """The move from revenue to deferred revenue that the ERP's own posting of an invoice billed in advance still needs, or None.

    The ERP posts an invoice as receivable against revenue and tax; service that was not rendered yet is not revenue yet.
    """
    if invoice.billing_timing != "in_advance" or invoice.totals.net.amount == 0:
        return None
    sides = [
        *((account, net, "Revenue not yet earned") for account, net in _revenue(invoice, policy).items()),
        (policy.accounts["deferred_revenue"], -invoice.totals.net, "Deferred revenue"),
    ]
    return _entry(invoice, "deferral", f"Deferral of invoice {invoice.number}", sides)


def _revenue(invoice: Invoice, policy: Policy) -> dict[str, Money]:
    """Net amounts by revenue account, in order of the lines."""
    usual = policy.accounts["subscription_revenue" if invoice.contract_id else "retail_revenue"]
    nets: dict[str, Money] = {}
    for line in invoice.lines:
        account = policy.revenue_by_product.get(line.product_code, usual)
        nets[account] = nets.get(account, zero(invoice.currency)) + line.net
    return nets


def _entry(invoice: Invoice, purpose: str, memo: str, sides: list[tuple[str, Money, str]]) -> JournalEntry:
    sign = -1 if invoice.document_type == CREDIT_NOTE else 1
    lines = tuple(_line(account, amount * sign, text) for account, amount, text in sides if amount.amount)
    return JournalEntry(
        entry_id=f"{invoice.invoice_id}_{purpose}",
        legal_entity=invoice.legal_entity,
        customer_id=invoice.buyer.party_id,
        posting_date=invoice.issue_date,
        currency=invoice.currency,
        memo=memo,
        lines=lines,
    )


def _line(account: str, signed: Money, memo: str) -> JournalLine:
    nothing = zero(signed.currency)
    debit, credit = (signed, nothing) if signed.amount > Decimal(0) else (nothing, -signed)
    return JournalLine(account=account, debit=debit, credit=credit, memo=memo)
