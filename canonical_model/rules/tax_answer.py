"""Rules on a tax engine's answer: it must add up to the minor unit before it may touch an invoice.

Every function here that takes an invoice and an answer is one numbered rule; `RULES` has them all.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

from canonical_model.invoices import Invoice
from canonical_model.money import Money, from_minor, total
from canonical_model.tax import JurisdictionTax, TaxQuote
from canonical_model.violations import Violation

CATEGORY = "tax_answer_inconsistent"
NOTHING = Decimal(0)


def check_tax_answer(invoice: Invoice, quote: TaxQuote) -> tuple[Violation, ...]:
    """All violations of one answer, in order of the rules.

    Where the ground rule is broken (another currency) sums mean nothing, and the arithmetic rules have nothing to say.

    Args:
        invoice: The draft that was sent to the engine; its currency is one of ISO 4217.
        quote: What came back.
    """
    grounds = _violations(GROUND_RULES, invoice, quote)
    arithmetic = () if grounds else _violations(ARITHMETIC_RULES, invoice, quote)
    return (*grounds, *_violations(FORM_RULES, invoice, quote), *arithmetic)


def hub_t05_currency(invoice: Invoice, quote: TaxQuote) -> Iterator[Violation]:
    """HUB-T05: every amount of the answer is in the invoice's currency."""
    for path, money in _amounts(quote):
        if money.currency != invoice.currency:
            yield _violation("HUB-T05", path, money.currency, f"the invoice is in {invoice.currency}")


def hub_t01_lines_answered(invoice: Invoice, quote: TaxQuote) -> Iterator[Violation]:
    """HUB-T01: exactly the lines asked for were answered, each once."""
    asked, answered = [line.line_id for line in invoice.lines], [line.line_id for line in quote.lines]
    if sorted(asked) != sorted(answered):
        yield _violation("HUB-T01", "lines", ", ".join(answered), f"the lines asked for were {', '.join(asked)}")


def hub_t06_document(invoice: Invoice, quote: TaxQuote) -> Iterator[Violation]:
    """HUB-T06: the answer is about the invoice that was asked about."""
    if quote.document_id not in {invoice.invoice_id, invoice.number}:
        yield _violation(
            "HUB-T06", "document_id", quote.document_id, f"the invoice asked about is {invoice.invoice_id}"
        )


def hub_t07_taxable(invoice: Invoice, quote: TaxQuote) -> Iterator[Violation]:
    """HUB-T07: no more of a line is taxed than it amounts to."""
    nets = {line.line_id: line.net for line in invoice.lines}
    for index, line in enumerate(quote.lines):
        net = nets.get(line.line_id)
        if net is not None and not min(net.amount, NOTHING) <= line.taxable.amount <= max(net.amount, NOTHING):
            yield _violation("HUB-T07", f"lines[{index}].taxable", str(line.taxable), f"the line amounts to {net}")


def hub_t02_total_is_sum(_invoice: Invoice, quote: TaxQuote) -> Iterator[Violation]:
    """HUB-T02: the engine's total is the sum of its lines."""
    expected = total((line.tax for line in quote.lines), quote.total_tax.currency)
    if quote.total_tax.amount != expected.amount:
        yield _violation("HUB-T02", "total_tax", str(quote.total_tax), f"the lines of the answer sum to {expected}")


def hub_t03_lines_are_sums(_invoice: Invoice, quote: TaxQuote) -> Iterator[Violation]:
    """HUB-T03: the tax of a line is the sum of its jurisdictions."""
    for index, line in enumerate(quote.lines):
        expected = total((each.tax for each in line.jurisdictions), line.tax.currency)
        if line.tax.amount != expected.amount:
            yield _violation("HUB-T03", f"lines[{index}].tax", str(line.tax), f"its jurisdictions sum to {expected}")


def hub_t04_rates_hold(_invoice: Invoice, quote: TaxQuote) -> Iterator[Violation]:
    """HUB-T04: the tax of a jurisdiction is its rate of the taxable amount, less than one minor unit off."""
    for index, line in enumerate(quote.lines):
        for position, tax in enumerate(line.jurisdictions):
            yield from _rate_holds(f"lines[{index}].jurisdictions[{position}]", tax)


Rule = Callable[[Invoice, TaxQuote], Iterator[Violation]]
GROUND_RULES: tuple[Rule, ...] = (hub_t05_currency,)
FORM_RULES: tuple[Rule, ...] = (hub_t01_lines_answered, hub_t06_document)
ARITHMETIC_RULES: tuple[Rule, ...] = (hub_t07_taxable, hub_t02_total_is_sum, hub_t03_lines_are_sums, hub_t04_rates_hold)
RULES: tuple[Rule, ...] = (*GROUND_RULES, *FORM_RULES, *ARITHMETIC_RULES)


def _violations(rules: tuple[Rule, ...], invoice: Invoice, quote: TaxQuote) -> tuple[Violation, ...]:
    return tuple(violation for rule in rules for violation in rule(invoice, quote))


def _amounts(quote: TaxQuote) -> Iterator[tuple[str, Money]]:
    yield "total_tax", quote.total_tax
    for index, line in enumerate(quote.lines):
        yield f"lines[{index}].taxable", line.taxable
        yield f"lines[{index}].tax", line.tax
        for position, tax in enumerate(line.jurisdictions):
            yield f"lines[{index}].jurisdictions[{position}].taxable", tax.taxable
            yield f"lines[{index}].jurisdictions[{position}].tax", tax.tax


def _rate_holds(path: str, tax: JurisdictionTax) -> Iterator[Violation]:
    exact = tax.taxable * tax.rate
    if abs((tax.tax - exact).amount) >= from_minor(1, tax.tax.currency).amount:
        yield _violation(
            "HUB-T04", f"{path}.tax", str(tax.tax), f"{tax.taxable} at {tax.rate} comes to {exact.rounded()}"
        )


def _violation(rule_id: str, path: str, value: str, message: str) -> Violation:
    return Violation(rule_id=rule_id, category=CATEGORY, path=path, value=value, message=message)
