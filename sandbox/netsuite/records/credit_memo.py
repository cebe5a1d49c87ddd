"""Credit memos."""

from sandbox.netsuite.books import Books
from sandbox.netsuite.plan import Body, Plan
from sandbox.netsuite.records.sale import check_sale, ledger_entry
from sandbox.netsuite.records.settlement import applied_rows, applied_state, read_applied, settle


def plan(books: Books, body: Body) -> Plan:
    """Check a credit memo and apply it to the invoices it names.

    Raises:
        RefusedError: It is not acceptable (see `sale.check_sale`), or can not be applied as asked.
    """
    sale = check_sale(books, body)
    wanted = read_applied(body, sale.header.decimals)
    applied = applied_state(sale.total, wanted)
    invoices = settle(books, sale.header, wanted, body.get("_applied", {}))
    rest = applied["unapplied"]
    fields = {"amountRemaining": rest, "status": "Open" if rest else "Fully Applied"}
    fields |= applied_rows(wanted, invoices)
    return Plan(body | sale.fields | applied | fields, ledger_entry(sale, -1), invoices)
