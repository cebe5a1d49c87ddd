"""Rules on a tax engine's answer: it must add up to the minor unit before it may touch an invoice."""

from collections.abc import Iterator

from canonical_model.invoices import Invoice
from canonical_model.money import from_minor, total
from canonical_model.tax import JurisdictionTax, TaxQuote, TaxQuoteLine
from canonical_model.violations import Violation

CATEGORY = "tax_answer_inconsistent"


def check_tax_answer(invoice: Invoice, quote: TaxQuote) -> tuple[Violation, ...]:
    """All violations of one answer.

    Args:
        invoice: The draft that was sent to the engine.
        quote: What came back.
    """
    return (*_lines_answered(invoice, quote), *_total_is_sum(quote), *_lines_add_up(quote))


def _lines_answered(invoice: Invoice, quote: TaxQuote) -> Iterator[Violation]:
    asked, answered = [line.line_id for line in invoice.lines], [line.line_id for line in quote.lines]
    if sorted(asked) != sorted(answered):
        yield _violation("HUB-T01", "lines", ", ".join(answered), f"the lines asked for were {', '.join(asked)}")


def _total_is_sum(quote: TaxQuote) -> Iterator[Violation]:
    expected = total((line.tax for line in quote.lines), quote.total_tax.currency)
    if quote.total_tax.amount != expected.amount:
        yield _violation("HUB-T02", "total_tax", str(quote.total_tax), f"the lines of the answer sum to {expected}")


def _lines_add_up(quote: TaxQuote) -> Iterator[Violation]:
    for index, line in enumerate(quote.lines):
        yield from _line_is_sum(index, line)
        for position, tax in enumerate(line.jurisdictions):
            yield from _rate_holds(f"lines[{index}].jurisdictions[{position}]", tax)


def _line_is_sum(index: int, line: TaxQuoteLine) -> Iterator[Violation]:
    expected = total((each.tax for each in line.jurisdictions), line.tax.currency)
    if line.tax.amount != expected.amount:
        yield _violation("HUB-T03", f"lines[{index}].tax", str(line.tax), f"its jurisdictions sum to {expected}")


def _rate_holds(path: str, tax: JurisdictionTax) -> Iterator[Violation]:
    exact = tax.taxable * tax.rate
    if abs((tax.tax - exact).amount) >= from_minor(1, tax.tax.currency).amount:
        yield _violation(
            "HUB-T04", f"{path}.tax", str(tax.tax), f"{tax.taxable} at {tax.rate} comes to {exact.rounded()}"
        )


def _violation(rule_id: str, path: str, value: str, message: str) -> Violation:
    return Violation(rule_id=rule_id, category=CATEGORY, path=path, value=value, message=message)
