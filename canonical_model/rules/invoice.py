"""Rules on a taxed invoice: every total exact, every line consistent, every date in order.

Every function here that takes an invoice is one numbered rule; `RULES` has them all. Ids are those of EN 16931 (`BR-..`) and Peppol BIS
Billing 3.0 (`PEPPOL-EN16931-..`) where they have the rule.
"""

from collections.abc import Callable, Iterator
from datetime import date

from canonical_model.codes import is_country, is_currency
from canonical_model.invoices import Invoice, InvoiceLine
from canonical_model.money import Money, from_minor, total
from canonical_model.totals import line_net
from canonical_model.violations import Violation

CATEGORY = "miscalculation"


def check_invoice(invoice: Invoice) -> tuple[Violation, ...]:
    """All violations of one invoice, in order of the rules.

    Where a ground rule is broken (no currency, several currencies, a price for no units) sums mean nothing, and the arithmetic rules
    have nothing to say.

    Args:
        invoice: Taxed, with or without a number.
    """
    grounds = _violations(GROUND_RULES, invoice)
    arithmetic = () if grounds else _violations(ARITHMETIC_RULES, invoice)
    return (*grounds, *_violations(FORM_RULES, invoice), *arithmetic)


def br_16_has_lines(invoice: Invoice) -> Iterator[Violation]:
    """BR-16: an invoice has at least one line."""
    if not invoice.lines:
        yield _violation("BR-16", "lines", "none", "the invoice has no line")


def br_25_lines_are_named(invoice: Invoice) -> Iterator[Violation]:
    """BR-25: each line has the item's name."""
    for index, line in enumerate(invoice.lines):
        if not line.description.strip():
            yield _violation("BR-25", f"lines[{index}].description", "", "the line does not say what was sold")


def br_cl_04_currency(invoice: Invoice) -> Iterator[Violation]:
    """BR-CL-04: the document currency is one of ISO 4217."""
    if not is_currency(invoice.currency):
        yield _violation("BR-CL-04", "currency", invoice.currency, "not a currency of ISO 4217")


def br_cl_14_country(invoice: Invoice) -> Iterator[Violation]:
    """BR-CL-14: countries are those of ISO 3166-1."""
    for path, party in (("seller", invoice.seller), ("buyer", invoice.buyer)):
        if not is_country(party.address.country):
            yield _violation(
                "BR-CL-14", f"{path}.address.country", party.address.country, "not a country of ISO 3166-1"
            )


def br_dec_amounts_are_exact(invoice: Invoice) -> Iterator[Violation]:
    """BR-DEC: stated amounts have no more decimals than their currency."""
    for path, money in _stated_amounts(invoice):
        if not money.is_exact:
            yield _violation("BR-DEC", path, str(money.amount), f"more decimals than {money.currency} has")


def hub_i01_one_currency(invoice: Invoice) -> Iterator[Violation]:
    """HUB-I01: every amount is in the document's currency."""
    for path, money in (*_stated_amounts(invoice), *_line_details(invoice)):
        if money.currency != invoice.currency:
            yield _violation("HUB-I01", path, money.currency, f"the document is in {invoice.currency}")


def r121_base_quantity(invoice: Invoice) -> Iterator[Violation]:
    """PEPPOL-EN16931-R121: a price is for a positive number of units."""
    for index, line in enumerate(invoice.lines):
        if line.price_base_quantity <= 0:
            path, value = f"lines[{index}].price_base_quantity", f"{line.price_base_quantity:f}"
            yield _violation("PEPPOL-EN16931-R121", path, value, "must be above zero")


def hub_i02_line_net(invoice: Invoice) -> Iterator[Violation]:
    """HUB-I02: quantity x price / base quantity - allowances + rounding is the line net, exactly."""
    for index, line in enumerate(invoice.lines):
        expected = line_net(line)
        if line.net.amount != expected.amount:
            yield _violation(
                "HUB-I02", f"lines[{index}].net", str(line.net), f"quantity, price and allowances come to {expected}"
            )


def hub_i03_line_rounding(invoice: Invoice) -> Iterator[Violation]:
    """HUB-I03: the rounding of a line is less than one minor unit."""
    for index, line in enumerate(invoice.lines):
        if not _is_rounding(line):
            yield _violation("HUB-I03", f"lines[{index}].rounding", str(line.rounding), "one minor unit or more")


def hub_i04_unique_line_ids(invoice: Invoice) -> Iterator[Violation]:
    """HUB-I04: line ids are unique."""
    seen: set[str] = set()
    for index, line in enumerate(invoice.lines):
        if line.line_id in seen:
            yield _violation("HUB-I04", f"lines[{index}].line_id", line.line_id, "used twice")
        seen.add(line.line_id)


def br_co_10_net(invoice: Invoice) -> Iterator[Violation]:
    """BR-CO-10: net is the sum of line nets."""
    expected = total((line.net for line in invoice.lines), invoice.currency)
    yield from _differs("BR-CO-10", "totals.net", invoice.totals.net, expected)


def br_co_14_tax(invoice: Invoice) -> Iterator[Violation]:
    """BR-CO-14: tax is the sum of the tax subtotals."""
    expected = total((subtotal.tax for subtotal in invoice.tax_subtotals), invoice.currency)
    yield from _differs("BR-CO-14", "totals.tax", invoice.totals.tax, expected)


def br_co_15_gross(invoice: Invoice) -> Iterator[Violation]:
    """BR-CO-15: gross is net plus tax."""
    yield from _differs("BR-CO-15", "totals.gross", invoice.totals.gross, invoice.totals.net + invoice.totals.tax)


def br_co_16_payable(invoice: Invoice) -> Iterator[Violation]:
    """BR-CO-16: the amount due is the gross amount (nothing is prepaid)."""
    yield from _differs("BR-CO-16", "totals.payable", invoice.totals.payable, invoice.totals.gross)


def br_co_18_taxed(invoice: Invoice) -> Iterator[Violation]:
    """BR-CO-18: there is at least one tax subtotal, and their taxable amounts cover the net."""
    if not invoice.tax_subtotals:
        yield _violation("BR-CO-18", "tax_subtotals", "none", "the invoice was not taxed")
        return
    taxable = total((subtotal.taxable for subtotal in invoice.tax_subtotals), invoice.currency)
    yield from _differs("BR-CO-18", "tax_subtotals", taxable, invoice.totals.net)


def hub_i05_due_date(invoice: Invoice) -> Iterator[Violation]:
    """HUB-I05: the due date is not before the issue date."""
    if invoice.due_date < invoice.issue_date:
        yield _violation("HUB-I05", "due_date", str(invoice.due_date), f"before the issue date {invoice.issue_date}")


def br_29_period(invoice: Invoice) -> Iterator[Violation]:
    """BR-29: the invoicing period does not end before it starts."""
    yield from _in_order("BR-29", "period_end", invoice.period_start, invoice.period_end)


def br_30_line_periods(invoice: Invoice) -> Iterator[Violation]:
    """BR-30: a line's period does not end before it starts."""
    for index, line in enumerate(invoice.lines):
        yield from _in_order("BR-30", f"lines[{index}].period_end", line.period_start, line.period_end)


Rule = Callable[[Invoice], Iterator[Violation]]
GROUND_RULES: tuple[Rule, ...] = (br_cl_04_currency, hub_i01_one_currency, r121_base_quantity)
FORM_RULES: tuple[Rule, ...] = (
    br_16_has_lines,
    br_25_lines_are_named,
    br_cl_14_country,
    hub_i04_unique_line_ids,
    hub_i05_due_date,
    br_29_period,
    br_30_line_periods,
)
ARITHMETIC_RULES: tuple[Rule, ...] = (
    br_dec_amounts_are_exact,
    hub_i02_line_net,
    hub_i03_line_rounding,
    br_co_10_net,
    br_co_14_tax,
    br_co_15_gross,
    br_co_16_payable,
    br_co_18_taxed,
)
RULES: tuple[Rule, ...] = (*GROUND_RULES, *FORM_RULES, *ARITHMETIC_RULES)


def _violations(rules: tuple[Rule, ...], invoice: Invoice) -> tuple[Violation, ...]:
    return tuple(violation for rule in rules for violation in rule(invoice))


def _stated_amounts(invoice: Invoice) -> Iterator[tuple[str, Money]]:
    for index, line in enumerate(invoice.lines):
        yield f"lines[{index}].net", line.net
        for position, allowance in enumerate(line.allowances):
            yield f"lines[{index}].allowances[{position}].amount", allowance.amount
    for name in ("net", "tax", "gross", "payable"):
        yield f"totals.{name}", getattr(invoice.totals, name)
    for index, subtotal in enumerate(invoice.tax_subtotals):
        yield f"tax_subtotals[{index}].taxable", subtotal.taxable
        yield f"tax_subtotals[{index}].tax", subtotal.tax


def _line_details(invoice: Invoice) -> Iterator[tuple[str, Money]]:
    for index, line in enumerate(invoice.lines):
        yield f"lines[{index}].unit_price", line.unit_price
        yield f"lines[{index}].rounding", line.rounding
        for position, tax in enumerate(line.taxes):
            yield f"lines[{index}].taxes[{position}].taxable", tax.taxable
            yield f"lines[{index}].taxes[{position}].tax", tax.tax


def _in_order(rule_id: str, path: str, start: date | None, end: date | None) -> Iterator[Violation]:
    if start and end and end < start:
        yield _violation(rule_id, path, str(end), f"before its start {start}")


def _is_rounding(line: InvoiceLine) -> bool:
    return abs(line.rounding.amount) < from_minor(1, line.rounding.currency).amount


def _differs(rule_id: str, path: str, stated: Money, expected: Money) -> Iterator[Violation]:
    if stated.amount != expected.amount:
        yield _violation(rule_id, path, str(stated), f"should be {expected}")


def _violation(rule_id: str, path: str, value: str, message: str) -> Violation:
    return Violation(rule_id=rule_id, category=CATEGORY, path=path, value=value, message=message)
