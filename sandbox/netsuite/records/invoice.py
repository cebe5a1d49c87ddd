"""Invoices."""

from datetime import timedelta

from sandbox.netsuite.books import Books, as_date_time, day_of
from sandbox.netsuite.plan import Body, Plan
from sandbox.netsuite.posting import ZERO
from sandbox.netsuite.records.sale import Sale, check_sale, ledger_entry
from sandbox.netsuite.records.settlement import payment_state
from sandbox.netsuite.reference import as_ref


def plan(books: Books, body: Body) -> Plan:
    """Check an invoice.

    Raises:
        RefusedError: It is not acceptable (see `sale.check_sale`), or would be less than was paid on it.
    """
    sale = check_sale(books, body)
    paid = body.get("amountPaid", ZERO)
    fields = body | sale.fields | _due(books, body, sale) | payment_state(sale.total, paid)
    return Plan(fields, ledger_entry(sale, 1))


def _due(books: Books, body: Body, sale: Sale) -> Body:
    ref = body.get("terms") or sale.header.customer.get("terms")
    terms = books.reference.terms.find(ref) if ref else None
    days = terms["days"] if terms else 0
    day = day_of(body["dueDate"]) if "dueDate" in body else sale.header.day + timedelta(days=days)
    due: Body = {"dueDate": as_date_time(day)}
    return due | {"terms": as_ref(terms)} if terms else due
