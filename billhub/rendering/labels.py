"""The words printed on an invoice, read from `labels.yaml`."""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from canonical_model.invoices import DocumentType
from canonical_model.tax import TaxCategory

Language = Literal["en", "de"]


class TotalLabels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words of the totals."""

    net: str
    tax: str
    gross: str
    prepaid: str


class Labels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All words of one language.

    Attributes:
        titles: Name of the document, by type (UNCL 1001); `number` and `payable` are by type too.
        line_columns: Headings of description, quantity, price, tax and net.
        tax_columns: Headings of category, rate, taxable amount and tax.
        categories: What is said of a tax category (UNCL 5305).
        units: Name of a unit (UN/ECE Recommendation 20) by plural form (CLDR).
    """

    titles: dict[DocumentType, str]
    number: dict[DocumentType, str]
    draft: str
    buyer: str
    issue_date: str
    due_date: str
    service_period: str
    supply_date: str
    purchase_order: str
    contract: str
    order: str
    customer: str
    tax_id: str
    payment: str
    payment_terms: str
    payment_reference: str
    page: str
    of: str
    per: str
    rounding: str
    line_columns: tuple[str, str, str, str, str]
    tax_columns: tuple[str, str, str, str]
    totals: TotalLabels
    payable: dict[DocumentType, str]
    categories: dict[TaxCategory, str]
    units: dict[str, dict[str, str]]


@cache
def labels(language: Language) -> Labels:
    """The words of a language."""
    text = files(__package__).joinpath("labels.yaml").read_bytes()
    return msgspec.yaml.decode(text, type=dict[Language, Labels])[language]
