"""The record types that can be written, one module each.

A module turns what was sent, merged over what is stored, into a `Plan`; it reads but writes nothing,
so a refused record leaves no trace.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.netsuite.books import Books
from sandbox.netsuite.plan import Body, Plan
from sandbox.netsuite.records import credit_memo, customer, invoice, journal_entry, payment


@dataclass(frozen=True)
class RecordType:
    """A record type: the kind it is stored as and how a write of it is planned."""

    kind: str
    plan: Callable[[Books, Body], Plan]


WRITABLE = {
    "Customer": RecordType("customer", customer.plan),
    "Invoice": RecordType("invoice", invoice.plan),
    "CreditMemo": RecordType("creditMemo", credit_memo.plan),
    "CustomerPayment": RecordType("customerPayment", payment.plan),
    "JournalEntry": RecordType("journalEntry", journal_entry.plan),
}
"""By the contract's type name."""

TYPE_OF: dict[str, str] = {record.kind: name for name, record in WRITABLE.items()} | {"salesOrder": "SalesOrder"}
"""The contract's type name by record type, for all that can be read."""

KIND_OF: dict[str, str] = {name: kind for kind, name in TYPE_OF.items()}
"""The record type by the contract's type name."""
