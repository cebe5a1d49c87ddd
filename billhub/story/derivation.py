"""How each field of an invoice comes about: one table by pattern of the field, for contracts, orders and what both have in common.

A source is written `document.path`. In its path `[i]` is the line itself, `[q]` the tax engine's answer for the line, `[k]` the same jurisdiction,
`[j]` every jurisdiction of the line, `[g]` every line of the same tax category and rate. Words in braces are filled in by `story.circumstances`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import msgspec

_NAMED = re.compile(r"\[([a-z])\]")


class Derivation(msgspec.Struct, frozen=True, kw_only=True):
    """How one field comes about.

    Attributes:
        words: The rule, for people.
        sources: Fields of the documents it rests on.
        own: Patterns of fields of the invoice itself that it is computed from.
        is_copy: Whether it has exactly the value of its one source.
        is_given: Whether it was decided outside the documents, so that no document can confirm it.
    """

    words: str
    sources: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    is_copy: bool = False
    is_given: bool = False


def derivations(source_entity: str) -> Mapping[str, Derivation]:
    """The table for invoices made from a `contract` or an `order`, by pattern of the field."""
    return {**_COMMON, **_TAX, **(_CONTRACT if source_entity == "contract" else _ORDER)}


def expanded(source: str, places: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, str]]:
    """Document and path of each field that a source stands for.

    Args:
        source: For example `contract.lines[i].unit_price`.
        places: Positions by letter; a letter without positions leads nowhere.
    """
    document, _, path = source.partition(".")
    letters = _NAMED.findall(path)
    template = _NAMED.sub("[{}]", path)
    for numbers in product(*(places.get(letter, ()) for letter in letters)):
        yield document, template.format(*numbers)


def _copied(source: str, words: str) -> Derivation:
    return Derivation(words=words, sources=(source,), is_copy=True)


def _seller(field: str) -> Derivation:
    return Derivation(words=f"the company's policy, entities.{{entity}}.{field}{{policy}}", is_given=True)


def _fixed(words: str) -> Derivation:
    return Derivation(words=words)


_COMMON = {
    "number": Derivation(words="{numbering}", is_given=True),
    "seller.party_id": Derivation(words="the legal entity that sells", own=("legal_entity",)),
    "seller.name": _seller("name"),
    "seller.address.country": _seller("address.country"),
    "seller.address.line1": _seller("address.line1"),
    "seller.address.city": _seller("address.city"),
    "seller.address.region": _seller("address.region"),
    "seller.address.postal_code": _seller("address.postal_code"),
    "seller.tax_id": _seller("tax_id"),
    "seller.email": _seller("email"),
    "totals.net": Derivation(words="sum of the net of all lines ({line_count})", own=("lines[].net",)),
    "totals.tax": Derivation(words="sum of the tax of all categories and rates", own=("tax_subtotals[].tax",)),
    "totals.gross": Derivation(words="net plus tax", own=("totals.net", "totals.tax")),
    "totals.payable": Derivation(words="net plus tax; nothing has been paid in advance", own=("totals.gross",)),
}

_QUOTED = "tax_quote.lines[q].jurisdictions[k]"

_GROUPED = ("lines[].tax_category", "lines[].tax_rate")

_TAX = {
    "tax_reference": _copied("tax_quote.reference", "the tax engine's identifier of its answer"),
    "lines[].tax_category": Derivation(
        words="as the tax engine states it; where it states none, S (standard) if a rate is due and Z (zero) if not",
        sources=("tax_quote.lines[q].category", "tax_quote.lines[q].jurisdictions[j].rate"),
    ),
    "lines[].tax_rate": Derivation(
        words="sum of the rates of all jurisdictions, in percent",
        sources=("tax_quote.lines[q].jurisdictions[j].rate",),
    ),
    "lines[].taxes": Derivation(words="the tax engine names no jurisdiction that taxes this line"),
    "lines[].taxes[].jurisdiction": _copied(f"{_QUOTED}.jurisdiction", "from the tax engine's answer for this line"),
    "lines[].taxes[].kind": _copied(f"{_QUOTED}.kind", "from the tax engine's answer for this line"),
    "lines[].taxes[].name": _copied(f"{_QUOTED}.name", "from the tax engine's answer for this line"),
    "lines[].taxes[].rate": _copied(f"{_QUOTED}.rate", "from the tax engine's answer for this line; a fraction"),
    "lines[].taxes[].taxable": _copied(f"{_QUOTED}.taxable", "from the tax engine's answer for this line"),
    "lines[].taxes[].tax": _copied(f"{_QUOTED}.tax", "from the tax engine's answer for this line"),
    "tax_subtotals": Derivation(words="no tax has been decided yet"),
    "tax_subtotals[].category": Derivation(words="tax category of these lines", own=_GROUPED),
    "tax_subtotals[].rate": Derivation(words="tax rate of these lines, in percent", own=_GROUPED),
    "tax_subtotals[].taxable": Derivation(
        words="sum of the net of the lines of this category and rate ({member_count})", own=("lines[].net", *_GROUPED)
    ),
    "tax_subtotals[].tax": Derivation(
        words="sum of the tax on the lines of this category and rate ({member_count}), as the tax engine answered",
        sources=("tax_quote.lines[g].tax",),
        own=_GROUPED,
    ),
    "tax_subtotals[].exemption_reason": Derivation(
        words="the reason that belongs to the tax category; none where tax is due", own=("tax_subtotals[].category",)
    ),
}

_FROM = ("contract.start_date", "contract.billing_frequency")
_UNTIL = (*_FROM, "contract.term_months")
_PRICED = (
    "contract.lines[i].unit_price",
    "contract.lines[i].quantity",
    "contract.discount_percent",
    "contract.billing_frequency",
    "contract.term_months",
)
_FIRST_DAY = "first day of period {period_number} of {period_count} ({frequency})"
_LAST_DAY = "last day of period {period_number} of {period_count} ({frequency})"
_OF_BUYER = "the buyer's master data"
_OF_LINE = "the line of the contract"

_CONTRACT = {
    "invoice_id": Derivation(
        words="contract number and first day of the period", sources=("contract.contract_id", *_FROM)
    ),
    "document_type": _fixed("380, commercial invoice (UNCL 1001): a period of a contract is always invoiced"),
    "legal_entity": _copied("contract.legal_entity", "the legal entity that signed the contract"),
    "buyer.party_id": Derivation(
        words="the customer of the contract", sources=("contract.customer_id", "customer.customer_id")
    ),
    "buyer.name": _copied("customer.name", _OF_BUYER),
    "buyer.address.country": _copied("customer.address.country", _OF_BUYER),
    "buyer.address.line1": _copied("customer.address.line1", _OF_BUYER),
    "buyer.address.city": _copied("customer.address.city", _OF_BUYER),
    "buyer.address.region": _copied("customer.address.region", _OF_BUYER),
    "buyer.address.postal_code": _copied("customer.address.postal_code", _OF_BUYER),
    "buyer.tax_id": _copied("customer.tax_id", _OF_BUYER),
    "buyer.email": _copied("customer.billing_email", _OF_BUYER),
    "currency": _copied("contract.currency", "the currency of the contract"),
    "issue_date": Derivation(words="{issuing}", is_given=True),
    "due_date": Derivation(
        words="issue date plus the buyer's payment terms of {terms}",
        sources=("customer.payment_terms_days",),
        own=("issue_date",),
    ),
    "tax_point_date": Derivation(
        words="day from which period {period_number} of {period_count} may be billed: {timing}",
        sources=(*_UNTIL, "contract.billing_timing"),
    ),
    "purchase_order": _copied("contract.purchase_order", "the buyer's order reference on the contract"),
    "contract_id": _copied("contract.contract_id", "the contract that is billed"),
    "order_id": _fixed("none: what is billed is a contract, not an order"),
    "period_start": Derivation(words=_FIRST_DAY, sources=_FROM),
    "period_end": Derivation(words=_LAST_DAY, sources=_UNTIL),
    "payment_terms": Derivation(words="the buyer's payment terms, in words", sources=("customer.payment_terms_days",)),
    "billing_timing": _copied("contract.billing_timing", "as the contract agrees"),
    "lines[].line_id": _copied("contract.lines[i].line_id", _OF_LINE),
    "lines[].product_code": _copied("contract.lines[i].product_code", _OF_LINE),
    "lines[].description": _copied("contract.lines[i].description", _OF_LINE),
    "lines[].quantity": _copied("contract.lines[i].quantity", _OF_LINE),
    "lines[].unit": _copied("contract.lines[i].unit", _OF_LINE),
    "lines[].tax_code": _copied("contract.lines[i].tax_code", _OF_LINE),
    "lines[].unit_price": Derivation(
        words="price of all units of the line for the period: its net{plus_discount}",
        sources=_PRICED,
        own=("lines[].net", "lines[].allowances[].amount"),
    ),
    "lines[].price_base_quantity": _copied("contract.lines[i].quantity", "the price stands for all units of the line"),
    "lines[].net": Derivation(
        words="period {period_number} of {period_count}: {year_net} for contract year {year}{less_discount}, {split}",
        sources=_PRICED,
    ),
    "lines[].allowances": Derivation(
        words="no discount falls on this line in the period", sources=("contract.discount_percent",)
    ),
    "lines[].allowances[].amount": Derivation(
        words="{discount} % of the price: {year_discount} for contract year {year}, {split}",
        sources=_PRICED,
    ),
    "lines[].allowances[].reason": _fixed("the hub's words for a discount of the contract"),
    "lines[].allowances[].percent": _copied("contract.discount_percent", "the discount of the contract"),
    "lines[].rounding": _fixed("nothing: the parts of a contract year are whole minor units and sum exactly to it"),
    "lines[].period_start": Derivation(words=_FIRST_DAY, sources=_FROM),
    "lines[].period_end": Derivation(words=_LAST_DAY, sources=_UNTIL),
}

_TERMS = "the hub's terms for orders: 30 days"
_NOT_ORDERED = "none: an order priced elsewhere does not say it"

_ORDER = {
    "invoice_id": Derivation(words="the order's number, marked as an order", sources=("order.order_id",)),
    "document_type": Derivation(
        words="380, commercial invoice, for an order; 381, credit note, for a cancellation (UNCL 1001)",
        sources=("order.kind",),
    ),
    "legal_entity": _copied("order.legal_entity", "the legal entity that sold"),
    "buyer.party_id": Derivation(words="the customer of the order", sources=("order.customer_id",)),
    "buyer.name": Derivation(words="the customer's number: orders come without names", sources=("order.customer_id",)),
    "buyer.address.country": Derivation(words="the buyer's country on the order", sources=("order.buyer_country",)),
    "buyer.address.line1": _fixed(_NOT_ORDERED),
    "buyer.address.city": _fixed(_NOT_ORDERED),
    "buyer.address.region": _fixed(_NOT_ORDERED),
    "buyer.address.postal_code": _fixed(_NOT_ORDERED),
    "buyer.tax_id": _fixed(_NOT_ORDERED),
    "buyer.email": _fixed(_NOT_ORDERED),
    "currency": _copied("order.currency", "the currency of the order"),
    "issue_date": _copied("order.order_date", "the day of the order"),
    "due_date": Derivation(words=_TERMS, own=("issue_date",)),
    "tax_point_date": _copied("order.order_date", "the day of supply"),
    "purchase_order": _fixed(_NOT_ORDERED),
    "contract_id": _fixed("none: what is billed is an order, not a contract"),
    "order_id": _copied("order.order_id", "the order that is billed"),
    "period_start": _fixed("none: an order is billed once"),
    "period_end": _fixed("none: an order is billed once"),
    "payment_terms": _fixed(_TERMS),
    "billing_timing": _fixed("none: an order is billed once"),
    "lines[].line_id": _copied("order.lines[i].line_id", "the line of the order"),
    "lines[].product_code": _copied("order.lines[i].product_code", "the line of the order"),
    "lines[].description": Derivation(
        words="the description of the line; its product code where it has none",
        sources=("order.lines[i].description", "order.lines[i].product_code"),
    ),
    "lines[].quantity": Derivation(
        words="the quantity ordered; a cancellation's is negative and turned round for the credit note",
        sources=("order.lines[i].quantity", "order.kind"),
    ),
    "lines[].unit": _fixed("C62, piece (UN/ECE Recommendation 20): orders name no unit"),
    "lines[].unit_price": _copied("order.lines[i].unit_price", "the line of the order"),
    "lines[].price_base_quantity": _fixed("the price is for one unit"),
    "lines[].net": Derivation(
        words="quantity times price, rounded half up to the currency's minor unit",
        sources=("order.lines[i].quantity", "order.lines[i].unit_price"),
        own=("lines[].quantity", "lines[].unit_price"),
    ),
    "lines[].allowances": _fixed("none: the prices of an order are final"),
    "lines[].rounding": Derivation(
        words="what was added to quantity times price to reach a whole minor unit",
        sources=("order.lines[i].quantity", "order.lines[i].unit_price"),
        own=("lines[].net", "lines[].quantity"),
    ),
    "lines[].tax_code": _fixed(_NOT_ORDERED),
    "lines[].period_start": _fixed("none: an order is billed once"),
    "lines[].period_end": _fixed("none: an order is billed once"),
}
