"""The mappings as a careful engineer writes them by hand: the rivals of the compiled ones.

Each function does the same job on the same record: the same trimming, exact numbers, enumerations, look-ups and required values, and for a
sound record the same document. For any other record it raises at the first thing that is wrong, but for what only the mappings look at:
numbers that are not finite or have very many digits, and halves of surrogate pairs. They use none of the mappings' own code.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bench.handwritten import (
    avatax,
    mail,
    netsuite,
    netsuite_read,
    online_retail,
    salesforce,
    salesforce_sales,
    stripe,
    tax_table,
)

FUNCTIONS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "avatax/tax_quote": avatax.tax_quote,
    "avatax/transaction": avatax.transaction,
    "email/message": mail.message,
    "netsuite/credit_note": netsuite.credit_note,
    "netsuite/customer": netsuite.customer,
    "netsuite/invoice": netsuite.invoice,
    "netsuite/journal_entry": netsuite.journal_entry,
    "netsuite/customer_record": netsuite_read.customer_record,
    "netsuite/payment": netsuite_read.payment,
    "netsuite/sales_order": netsuite_read.sales_order,
    "online_retail/order": online_retail.order,
    "salesforce/account": salesforce.account,
    "salesforce/contract": salesforce.contract,
    "salesforce/contract_status": salesforce.contract_status,
    "salesforce/contact": salesforce.contact,
    "salesforce/opportunity": salesforce_sales.opportunity,
    "salesforce/price_book_entry": salesforce_sales.price_book_entry,
    "salesforce/product": salesforce_sales.product,
    "salesforce/sales_order": salesforce_sales.sales_order,
    "stripe/customer_record": stripe.customer_record,
    "stripe/invoice": stripe.invoice,
    "stripe/payment": stripe.payment,
    "tax_table/tax_quote": tax_table.tax_quote,
    "tax_table/transaction": tax_table.transaction,
}
"""By name of the mapping."""
