"""Customer payments: debit a bank account (or undeposited funds), credit receivables."""

from sandbox.netsuite.books import Books
from sandbox.netsuite.money import exact
from sandbox.netsuite.plan import Body, Plan
from sandbox.netsuite.posting import Entry, GlLine
from sandbox.netsuite.records.settlement import applied_rows, applied_state, read_applied, settle
from sandbox.netsuite.records.transaction_header import account_number, check_header
from sandbox.netsuite.reference import RECEIVABLES, UNDEPOSITED_FUNDS
from sandbox.netsuite.refusal import RefusedError, missing


def plan(books: Books, body: Body) -> Plan:
    """Check a payment and apply it to the invoices it names.

    Raises:
        RefusedError: It is not acceptable, or can not be applied as asked.
    """
    header = check_header(books, body, "customer")
    if "payment" not in body:
        raise missing("Payment Amount")
    amount = exact(body["payment"], header.decimals, "payment")
    if amount <= 0:
        raise RefusedError("INVALID_AMT", f"payment: {amount} is not above zero.")
    receivable, receivable_ref = account_number(books, body, "arAcct", RECEIVABLES)
    bank, bank_ref = account_number(books, body, "account", UNDEPOSITED_FUNDS)
    wanted = read_applied(body, header.decimals)
    invoices = settle(books, header, wanted, body.get("_applied", {}))
    fields = header.fields("customer") | applied_state(amount, wanted) | applied_rows(wanted, invoices)
    fields |= {"payment": amount, "total": amount, "arAcct": receivable_ref, "account": bank_ref, "status": "Deposited"}
    lines = [GlLine(bank, amount), GlLine(receivable, -amount)]
    entry = Entry(header.currency, header.subsidiary["internalId"], header.day.isoformat(), lines)
    return Plan(body | fields, entry, invoices)
