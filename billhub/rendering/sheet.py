"""The sheet: an invoice as the texts that are printed, in the order in which they are printed."""

import re
import unicodedata
from typing import Any

import msgspec

from billhub.rendering.labels import Labels
from billhub.rendering.taxes import TaxRow, tax_rows
from billhub.rendering.wording import Wording, wording_of
from canonical_model.invoices import CREDIT_NOTE, Invoice, InvoiceLine
from canonical_model.money import Money
from canonical_model.parties import Address, Party

Pair = tuple[str, str]
"""A label and what it says."""

_LETTER_COUNTRIES = frozenset({"US", "CA", "MX"})
_CITY_BEFORE_POSTAL_CODE = frozenset({"US", "CA", "AU", "GB", "IE", "JP", "IN"})


class PartyBlock(msgspec.Struct, frozen=True):
    """A party as printed: its name and the lines below."""

    name: str
    lines: tuple[str, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the invoice as printed.

    Attributes:
        description: What was sold.
        details: Product code and, where it is not the document's, the period.
        quantity: With its unit.
        price: Of one unit, or of the units it is for.
        notes: Allowances and the rounding: text and signed amount.
        rate: Of all taxes together; empty until taxed.
        net: After all notes.
    """

    description: str
    details: tuple[str, ...]
    quantity: str
    price: str
    notes: tuple[Pair, ...]
    rate: str
    net: str


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """All texts of a document.

    Attributes:
        paper: Typst's name of the paper size.
        date: Year, month and day of issue, for the metadata of the file.
        facts: Number, dates and references.
        payable: Label and amount of the one number that matters.
        payment: How and when to pay; empty on a credit note.
    """

    language: str
    paper: str
    date: tuple[int, int, int]
    title: str
    number: str
    labels: Labels
    seller: PartyBlock
    buyer: PartyBlock
    facts: tuple[Pair, ...]
    currency: str
    rows: tuple[Row, ...]
    taxes: tuple[TaxRow, ...]
    totals: tuple[Pair, ...]
    payable: Pair
    payment: tuple[Pair, ...]


def sheet_of(invoice: Invoice) -> Sheet:
    """The texts of an invoice or credit note; a draft says that it is one where the number would be."""
    invoice = _printable(invoice)
    wording = wording_of(invoice)
    words, issued = wording.labels, invoice.issue_date
    return Sheet(
        language=wording.language,
        paper="us-letter" if invoice.seller.address.country in _LETTER_COUNTRIES else "a4",
        date=(issued.year, issued.month, issued.day),
        title=words.titles[invoice.document_type],
        number=invoice.number or words.draft,
        labels=words,
        seller=_party(invoice.seller, wording),
        buyer=_party(invoice.buyer, wording),
        facts=_facts(invoice, wording),
        currency=invoice.currency,
        rows=tuple(_row(invoice, line, wording) for line in invoice.lines),
        taxes=tax_rows(invoice, wording),
        totals=_totals(invoice, wording),
        payable=(words.payable[invoice.document_type], wording.money(invoice.totals.payable)),
        payment=_payment(invoice, wording),
    )


def _facts(invoice: Invoice, wording: Wording) -> tuple[Pair, ...]:
    words = wording.labels
    due = None if invoice.document_type == CREDIT_NOTE else wording.day(invoice.due_date)
    return _present(
        (words.number[invoice.document_type], invoice.number or words.draft),
        (words.issue_date, wording.day(invoice.issue_date)),
        (words.due_date, due),
        _supplied(invoice, wording),
        (words.purchase_order, invoice.purchase_order),
        (words.contract, invoice.contract_id),
        (words.order, invoice.order_id),
        (words.customer, invoice.buyer.party_id),
    )


def _supplied(invoice: Invoice, wording: Wording) -> Pair:
    if invoice.period_start and invoice.period_end:
        return wording.labels.service_period, wording.period(invoice.period_start, invoice.period_end)
    return wording.labels.supply_date, wording.day(invoice.tax_point_date)


def _party(party: Party, wording: Wording) -> PartyBlock:
    address = party.address
    tax_id = f"{wording.labels.tax_id} {party.tax_id}" if party.tax_id else None
    lines = (address.line1, _city(address), wording.country(address.country), tax_id, party.email)
    return PartyBlock(name=party.name, lines=tuple(line for line in lines if line))


def _city(address: Address) -> str:
    if address.country not in _CITY_BEFORE_POSTAL_CODE:
        return " ".join(part for part in (address.postal_code, address.city) if part)
    place = ", ".join(part for part in (address.city, address.region) if part)
    return " ".join(part for part in (place, address.postal_code) if part)


def _row(invoice: Invoice, line: InvoiceLine, wording: Wording) -> Row:
    return Row(
        description=line.description,
        details=_details(invoice, line, wording),
        quantity=f"{wording.quantity(line.quantity)} {wording.unit(line.unit, line.quantity)}",
        price=_price(line, wording),
        notes=_notes(line, wording),
        rate="" if line.tax_rate is None else wording.percent(line.tax_rate),
        net=wording.amount(line.net),
    )


def _details(invoice: Invoice, line: InvoiceLine, wording: Wording) -> tuple[str, ...]:
    first, last = line.period_start, line.period_end
    is_own = (first, last) != (invoice.period_start, invoice.period_end)
    period = wording.period(first, last) if first and last and is_own else None
    return tuple(detail for detail in (line.product_code, period) if detail)


def _price(line: InvoiceLine, wording: Wording) -> str:
    price, base = wording.price(line.unit_price), line.price_base_quantity
    return price if base == 1 else f"{price} {wording.labels.per} {wording.count(base)}"


def _notes(line: InvoiceLine, wording: Wording) -> tuple[Pair, ...]:
    allowances = tuple(
        (_joined(each.reason, each.percent and wording.percent(each.percent)), wording.amount(-each.amount))
        for each in line.allowances
    )
    rounding = ((wording.labels.rounding, wording.amount(line.rounding)),) if line.rounding.amount else ()
    return allowances + rounding


def _totals(invoice: Invoice, wording: Wording) -> tuple[Pair, ...]:
    totals, words = invoice.totals, wording.labels.totals
    prepaid: Money = totals.payable - totals.gross
    return _present(
        (words.net, wording.amount(totals.net)),
        (words.tax, wording.amount(totals.tax)),
        (words.gross, wording.amount(totals.gross)),
        (words.prepaid, wording.amount(prepaid) if prepaid.amount else None),
    )


def _payment(invoice: Invoice, wording: Wording) -> tuple[Pair, ...]:
    if invoice.document_type == CREDIT_NOTE:
        return ()
    words = wording.labels
    return _present((words.payment_terms, invoice.payment_terms), (words.payment_reference, invoice.number))


def _present(*pairs: tuple[str, str | None]) -> tuple[Pair, ...]:
    return tuple((label, text) for label, text in pairs if text)


def _joined(*texts: object) -> str:
    return " ".join(str(text) for text in texts if text)


def _printable(invoice: Invoice) -> Invoice:
    """The same invoice with white space collapsed and without characters that print as nothing or turn the direction of writing."""
    return msgspec.convert(_cleaned(msgspec.to_builtins(invoice)), Invoice)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        text = re.sub(r"\s+", " ", value).strip()
        return "".join(character for character in text if unicodedata.category(character) not in {"Cc", "Cf", "Cs"})
    if isinstance(value, dict):
        return {key: _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
