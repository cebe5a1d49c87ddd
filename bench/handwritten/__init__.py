"""The mappings as a careful engineer writes them by hand: the rivals of the compiled ones.

Each function does the same job on the same record: the same trimming, exact numbers, enumerations, look-ups and required values, and for a
sound record the same document. For any other record it raises at the first thing that is wrong. They use none of the mappings' own code.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bench.handwritten import avatax, mail, netsuite, online_retail, salesforce, stripe, tax_table

FUNCTIONS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "avatax/tax_quote": avatax.tax_quote,
    "avatax/transaction": avatax.transaction,
    "email/message": mail.message,
    "netsuite/credit_note": netsuite.credit_note,
    "netsuite/customer": netsuite.customer,
    "netsuite/invoice": netsuite.invoice,
    "netsuite/journal_entry": netsuite.journal_entry,
    "netsuite/sales_order": netsuite.sales_order,
    "online_retail/order": online_retail.order,
    "salesforce/account": salesforce.account,
    "salesforce/contract": salesforce.contract,
    "salesforce/contract_status": salesforce.contract_status,
    "salesforce/price_book_entry": salesforce.price_book_entry,
    "stripe/invoice": stripe.invoice,
    "tax_table/tax_quote": tax_table.tax_quote,
    "tax_table/transaction": tax_table.transaction,
}
"""By name of the mapping."""
