"""Totals: recomputed from the lines, never trusted."""

from decimal import Decimal

import msgspec

from canonical_model.invoices import Invoice, InvoiceLine, TaxSubtotal, Totals
from canonical_model.money import Money, total
from canonical_model.tax import TaxCategory, TaxQuote, TaxQuoteLine

EXEMPTION_REASONS: dict[str, str] = {
    "E": "Exempt from tax",
    "AE": "Reverse charge",
    "K": "Intra-community supply, Article 138 of Directive 2006/112/EC",
    "G": "Export outside the EU, Article 146 of Directive 2006/112/EC",
    "O": "Not subject to tax",
}


def line_net(line: InvoiceLine) -> Money:
    """What a line must come to: quantity x price / base quantity - allowances + rounding, unrounded.

    Raises:
        decimal.DivisionByZero: The price is for no units at all.
    """
    goods = line.unit_price * line.quantity / line.price_base_quantity
    allowed = total((allowance.amount for allowance in line.allowances), line.net.currency)
    return goods - allowed + line.rounding


def net_totals(lines: tuple[InvoiceLine, ...], currency: str) -> Totals:
    """Totals of a document that is not taxed yet."""
    net, nothing = total((line.net for line in lines), currency), total((), currency)
    return Totals(net=net, tax=nothing, gross=net, payable=net)


def with_tax(invoice: Invoice, quote: TaxQuote) -> Invoice:
    """The invoice with the engine's answer put on its lines and the totals recomputed from them.

    Args:
        invoice: A draft.
        quote: An answer that adds up; every line of the invoice has its answer.

    Raises:
        KeyError: The answer misses a line.
    """
    answers = {answer.line_id: answer for answer in quote.lines}
    lines = tuple(_taxed(line, answers[line.line_id]) for line in invoice.lines)
    subtotals = _subtotals(lines, {line_id: answer.tax for line_id, answer in answers.items()}, invoice.currency)
    net = total((line.net for line in lines), invoice.currency)
    tax = total((subtotal.tax for subtotal in subtotals), invoice.currency)
    return msgspec.structs.replace(
        invoice,
        lines=lines,
        tax_subtotals=subtotals,
        totals=Totals(net=net, tax=tax, gross=net + tax, payable=net + tax),
        tax_reference=quote.reference,
    )


def _taxed(line: InvoiceLine, answer: TaxQuoteLine) -> InvoiceLine:
    rate = sum((each.rate for each in answer.jurisdictions), Decimal(0)) * 100
    category: TaxCategory = answer.category or ("S" if rate else "Z")
    return msgspec.structs.replace(line, tax_category=category, tax_rate=rate, taxes=answer.jurisdictions)


def _subtotals(lines: tuple[InvoiceLine, ...], taxes: dict[str, Money], currency: str) -> tuple[TaxSubtotal, ...]:
    groups: dict[tuple[TaxCategory, Decimal], list[InvoiceLine]] = {}
    for line in lines:
        groups.setdefault((line.tax_category or "Z", line.tax_rate or Decimal(0)), []).append(line)
    return tuple(
        TaxSubtotal(
            category=category,
            rate=rate,
            taxable=total((line.net for line in members), currency),
            tax=total((taxes[line.line_id] for line in members), currency),
            exemption_reason=EXEMPTION_REASONS.get(category),
        )
        for (category, rate), members in sorted(groups.items())
    )
