"""The catalogue of canonical documents: their names, types and identities."""

import msgspec

from canonical_model.contracts import Contract, ErpContract, PriceBookEntry
from canonical_model.invoices import Invoice
from canonical_model.journal import JournalEntry
from canonical_model.orders import Order
from canonical_model.parties import Customer
from canonical_model.tax import TaxQuote

DOCUMENTS: dict[str, type[msgspec.Struct]] = {
    "customer": Customer,
    "price_book_entry": PriceBookEntry,
    "contract": Contract,
    "erp_contract": ErpContract,
    "order": Order,
    "invoice": Invoice,
    "journal_entry": JournalEntry,
    "tax_quote": TaxQuote,
}

_IDENTITY: dict[type[msgspec.Struct], str] = {
    Customer: "customer_id",
    PriceBookEntry: "entry_id",
    Contract: "contract_id",
    ErpContract: "contract_id",
    Order: "order_id",
    Invoice: "invoice_id",
    JournalEntry: "entry_id",
    TaxQuote: "document_id",
}


def identity(document: msgspec.Struct) -> str:
    """The canonical identifier of a document."""
    return str(getattr(document, _IDENTITY[type(document)]))
