"""Rules on drafts that come from a contract: its buyer, prices, terms, and what the ERP knows of it."""

from collections.abc import Callable, Iterator

from billhub.checks.facts import Facts
from canonical_model.addresses import address_defects
from canonical_model.contracts import Contract, ContractLine
from canonical_model.schedule import annual_value
from canonical_model.tax_ids import is_valid_tax_id
from canonical_model.violations import Violation

LONGEST_PAYMENT_TERMS = 3650
"""Days."""


def hub_c10_customer_known(facts: Facts) -> Iterator[Violation]:
    """HUB-C10: the buyer is in the master data."""
    if facts.customer is None:
        message = "the contract's customer was never synced"
        yield _violation("HUB-C10", "unknown_customer", "buyer.party_id", facts.invoice.buyer.party_id, message)


def hub_c11_buyer_active(facts: Facts) -> Iterator[Violation]:
    """HUB-C11: the buyer is active."""
    if facts.customer is not None and facts.customer.status != "active":
        message = f"customer {facts.customer.customer_id} is inactive"
        yield _violation("HUB-C11", "buyer_inactive", "customer.status", facts.customer.status, message)


def hub_c12_tax_id(facts: Facts) -> Iterator[Violation]:
    """HUB-C12: a buyer has a valid tax registration where its country needs one."""
    customer, policy = facts.customer, facts.policy
    if customer is None or not policy.needs_tax_id(customer.address.country, facts.invoice.tax_point_date):
        return
    country, tax_id = customer.address.country, customer.tax_id or ""
    if not tax_id:
        message = f"a buyer in {country} needs a tax registration and customer {customer.customer_id} has none"
        yield _violation("HUB-C12", "missing_tax_id", "customer.tax_id", "", message)
    elif not is_valid_tax_id(tax_id, country):
        message = f"form or check digit is not that of a registration in {country}"
        yield _violation("HUB-C12", "missing_tax_id", "customer.tax_id", tax_id, message)


def hub_c13_address(facts: Facts) -> Iterator[Violation]:
    """HUB-C13, HUB-C14: the billing address has the form its country prescribes, and exists."""
    if facts.customer is None:
        return
    address = facts.customer.address
    for name, defect in address_defects(address).items():
        value = str(getattr(address, name) or "")
        message = f"{name} of the billing address: {defect} for an address in {address.country or 'no country'}"
        yield _violation("HUB-C13", "invalid_address", f"customer.address.{name}", value, message)
    if facts.address is not None and not facts.address.valid:
        value = ", ".join(
            filter(None, (address.line1, address.postal_code, address.city, address.region, address.country))
        )
        message = facts.address.message or "unknown"
        yield _violation(
            "HUB-C14", "invalid_address", "customer.address", value, f"the address service says: {message}"
        )


def hub_c15_currency(facts: Facts) -> Iterator[Violation]:
    """HUB-C15: the contract is in the currency of its legal entity's price book."""
    contract = _contract(facts)
    entity = facts.policy.entities[contract.legal_entity]
    if contract.currency != entity.currency:
        message = f"the price book {entity.price_book} of {contract.legal_entity} is in {entity.currency}"
        yield _violation("HUB-C15", "currency_mismatch", "contract.currency", contract.currency, message)


def hub_c16_price(facts: Facts) -> Iterator[Violation]:
    """HUB-C16: each price is that of the price book; discounts are given as discounts."""
    contract = _contract(facts)
    if contract.currency != facts.policy.entities[contract.legal_entity].currency:
        return  # nothing to compare with; HUB-C15 says so
    for index, line in enumerate(contract.lines):
        yield from _price_of(facts, index, line)


def hub_c17_discount(facts: Facts) -> Iterator[Violation]:
    """HUB-C17: no discount above the policy's limit."""
    discount, limit = _contract(facts).discount_percent, facts.policy.discount_limit_percent
    if discount > limit:
        message = f"the policy allows up to {limit} %"
        yield _violation("HUB-C17", "discount_above_policy", "contract.discount_percent", f"{discount} %", message)


def hub_c18_purchase_order(facts: Facts) -> Iterator[Violation]:
    """HUB-C18: an invoice carries a purchase order where the customer demands one."""
    if facts.customer is not None and facts.customer.purchase_order_required and not facts.invoice.purchase_order:
        message = f"customer {facts.customer.customer_id} accepts no invoice without a purchase order number"
        yield _violation("HUB-C18", "missing_purchase_order", "purchase_order", "", message)


def hub_c19_amendments(facts: Facts) -> Iterator[Violation]:
    """HUB-C19: no change order that is already in effect waits for its approval."""
    for amendment in _contract(facts).amendments:
        in_effect = amendment.effective_date <= max(facts.invoice.tax_point_date, facts.invoice.issue_date)
        if in_effect and amendment.status in {"draft", "submitted"}:
            message = (
                f"amendment {amendment.amendment_id} took effect on {amendment.effective_date} and is not approved"
            )
            path = f"contract.amendments[{amendment.amendment_id}].status"
            yield _violation("HUB-C19", "unapproved_amendment", path, amendment.status, message)


def hub_c20_erp_knows_contract(facts: Facts) -> Iterator[Violation]:
    """HUB-C20, HUB-C21, HUB-C22: the ERP knows the contract, and knows it with the same customer and value."""
    contract, erp = _contract(facts), facts.erp_contract
    if erp is None:
        message = f"the ERP has no sales order for contract {contract.contract_id}"
        yield _violation("HUB-C20", "contract_unknown_in_erp", "contract.contract_id", contract.contract_id, message)
        return
    if isinstance(erp, str):
        message = f"the ERP's sales order cannot be read: {erp}"
        yield _violation("HUB-C22", "mapping_defect", "contract.contract_id", contract.contract_id, message)
        return
    if erp.customer_id != contract.customer_id:
        message = f"the ERP has the contract under customer {erp.customer_id}"
        yield _violation("HUB-C21", "contract_differs_in_erp", "contract.customer_id", contract.customer_id, message)
    value = annual_value(contract)
    if (erp.annual_value.amount, erp.annual_value.currency) != (value.amount, value.currency):
        message = f"the ERP's sales order says {erp.annual_value} a year"
        yield _violation("HUB-C21", "contract_differs_in_erp", "contract.annual_value", str(value), message)


def hub_c23_payment_terms(facts: Facts) -> Iterator[Violation]:
    """HUB-C23: payment terms are ones that can be agreed."""
    days = facts.customer.payment_terms_days if facts.customer is not None else 0
    if not 0 <= days <= LONGEST_PAYMENT_TERMS:
        message = f"payment terms are 0 to {LONGEST_PAYMENT_TERMS} days"
        yield _violation("HUB-C23", "implausible_value", "customer.payment_terms_days", str(days), message)


CONTRACT_RULES: tuple[Callable[[Facts], Iterator[Violation]], ...] = (
    hub_c10_customer_known,
    hub_c11_buyer_active,
    hub_c12_tax_id,
    hub_c13_address,
    hub_c15_currency,
    hub_c16_price,
    hub_c17_discount,
    hub_c18_purchase_order,
    hub_c19_amendments,
    hub_c20_erp_knows_contract,
    hub_c23_payment_terms,
)


def _contract(facts: Facts) -> Contract:
    if facts.contract is None:
        raise TypeError("contract rules are for drafts that come from a contract")
    return facts.contract


def _price_of(facts: Facts, index: int, line: ContractLine) -> Iterator[Violation]:
    entry, path = facts.prices.get(line.product_code), f"contract.lines[{index}].unit_price"
    book = facts.policy.entities[_contract(facts).legal_entity].price_book
    if entry is None or not entry.active:
        message = f"product {line.product_code} is not in {book}"
        yield _violation("HUB-C16", "price_mismatch", path, str(line.unit_price), message)
    elif entry.unit_price.amount != line.unit_price.amount:
        message = f"{book} has {line.product_code} at {entry.unit_price}"
        yield _violation("HUB-C16", "price_mismatch", path, str(line.unit_price), message)


def _violation(rule_id: str, category: str, path: str, value: str, message: str) -> Violation:
    return Violation(rule_id=rule_id, category=category, path=path, value=value, message=message)
