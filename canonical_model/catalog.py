"""The catalogue of canonical documents: their names, types and identities."""

import msgspec

from canonical_model.contracts import Contract, ErpContract, PriceBookEntry
from canonical_model.invoices import Invoice
from canonical_model.journal import JournalEntry
from canonical_model.orders import Order
from canonical_model.parties import Contact, Customer, CustomerRecord
from canonical_model.payments import Payment
from canonical_model.products import Product
from canonical_model.sales import Opportunity, SalesOrder
from canonical_model.tax import TaxQuote

DOCUMENTS: dict[str, type[msgspec.Struct]] = {
    "customer": Customer,
    "contact": Contact,
    "customer_record": CustomerRecord,
    "product": Product,
    "price_book_entry": PriceBookEntry,
    "opportunity": Opportunity,
    "sales_order": SalesOrder,
    "contract": Contract,
    "erp_contract": ErpContract,
    "order": Order,
    "invoice": Invoice,
    "journal_entry": JournalEntry,
    "tax_quote": TaxQuote,
    "payment": Payment,
}

_IDENTITY: dict[type[msgspec.Struct], str] = {
    Customer: "customer_id",
    Contact: "contact_id",
    CustomerRecord: "record_id",
    Product: "product_code",
    PriceBookEntry: "entry_id",
    Opportunity: "opportunity_id",
    SalesOrder: "order_id",
    Contract: "contract_id",
    ErpContract: "contract_id",
    Order: "order_id",
    Invoice: "invoice_id",
    JournalEntry: "entry_id",
    TaxQuote: "document_id",
    Payment: "payment_id",
}


def identity(document: msgspec.Struct) -> str:
    """The canonical identifier of a document."""
    return str(getattr(document, _IDENTITY[type(document)]))
