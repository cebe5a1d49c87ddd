"""Rules on drafts that come from an order priced elsewhere: is every line a sale, and is it known who bought?

What a finding leads to is the policy's to say (`orders:`): hold, report or reject.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from billhub.checks.facts import Facts
from canonical_model.codes import in_eu_vat_area
from canonical_model.invoices import Invoice, InvoiceLine
from canonical_model.violations import Violation


def hub_o01_a_sale(facts: Facts) -> Iterator[Violation]:
    """HUB-O01: something was sold: at least one line has a price."""
    if all(not line.unit_price.amount for line in facts.invoice.lines):
        yield _violation("HUB-O01", "not_a_sale", "lines", f"{len(facts.invoice.lines)} lines", "no line has a price")


def hub_o02_customer(facts: Facts) -> Iterator[Violation]:
    """HUB-O02: the buyer is named."""
    if not facts.invoice.buyer.party_id:
        yield _violation("HUB-O02", "missing_customer", "buyer.party_id", "", "the order names no customer")


def hub_o03_country(facts: Facts) -> Iterator[Violation]:
    """HUB-O03: the buyer's country is known; without it no tax can be decided."""
    if not facts.invoice.buyer.address.country:
        yield _violation("HUB-O03", "unknown_country", "buyer.address.country", "", "the order names no country")


def hub_o04_prices(facts: Facts) -> Iterator[Violation]:
    """HUB-O04, HUB-O05: each price is above zero."""
    for index, line in enumerate(facts.invoice.lines):
        path, value = f"lines[{index}].unit_price", str(line.unit_price)
        if line.unit_price.amount == 0:
            yield _violation("HUB-O04", "zero_price", path, value, f"{_row(line)} has no price")
        elif line.unit_price.amount < 0:
            yield _violation("HUB-O05", "negative_price", path, value, f"{_row(line)} has a negative price")


def hub_o06_quantities(facts: Facts) -> Iterator[Violation]:
    """HUB-O06: orders sell and cancellations take back: on the document every quantity is above zero."""
    for index, line in enumerate(facts.invoice.lines):
        if line.quantity <= 0:
            value, message = str(line.quantity), f"{_row(line)} goes against the direction of its document"
            yield _violation("HUB-O06", "quantity_sign", f"lines[{index}].quantity", value, message)


def hub_o07_duplicate_lines(facts: Facts) -> Iterator[Violation]:
    """HUB-O07: lines that are equal in everything are suspected duplicates."""
    for (product, quantity, price), times in _repeated(facts.invoice).items():
        value = f"{product}: {quantity} at {price}"
        message = f"stands {times} times, equal in everything"
        yield _violation("HUB-O07", "suspected_duplicate_line", f"lines[{product}]", value, message)


def hub_o08_tax_id(facts: Facts) -> Iterator[Violation]:
    """HUB-O08: an intra-community supply rests on the buyer's registration."""
    invoice = facts.invoice
    home, away, on = invoice.seller.address.country, invoice.buyer.address.country, invoice.tax_point_date
    if away and home != away and in_eu_vat_area(home, on) and in_eu_vat_area(away, on) and not invoice.buyer.tax_id:
        message = f"supply from {home} to {away} without tax and the source carries no registration of the buyer"
        yield _violation("HUB-O08", "tax_id_not_collected", "buyer.tax_id", "", message)


ORDER_RULES: tuple[Callable[[Facts], Iterator[Violation]], ...] = (
    hub_o01_a_sale,
    hub_o02_customer,
    hub_o03_country,
    hub_o04_prices,
    hub_o06_quantities,
    hub_o07_duplicate_lines,
    hub_o08_tax_id,
)


def _repeated(invoice: Invoice) -> dict[tuple[str, str, str], int]:
    seen = Counter((line.product_code, str(line.quantity), str(line.unit_price)) for line in invoice.lines)
    return {line: times for line, times in seen.items() if times > 1}


def _row(line: InvoiceLine) -> str:
    return f"line {line.line_id} ({line.product_code}, {line.description})"


def _violation(rule_id: str, category: str, path: str, value: str, message: str) -> Violation:
    return Violation(rule_id=rule_id, category=category, path=path, value=value, message=message)
