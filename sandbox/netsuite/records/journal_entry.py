"""Journal entries."""

from sandbox.netsuite.books import Books, as_date_time
from sandbox.netsuite.money import exact, places
from sandbox.netsuite.plan import Body, Plan
from sandbox.netsuite.posting import ZERO, Entry, GlLine
from sandbox.netsuite.reference import as_ref
from sandbox.netsuite.refusal import RefusedError, missing


def plan(books: Books, body: Body) -> Plan:
    """Check a journal entry.

    Raises:
        RefusedError: The subsidiary or a line is missing, a reference leads nowhere, a line has not
            exactly one side, the sides do not balance, or the day is in a closed period.
    """
    if "subsidiary" not in body:
        raise missing("Subsidiary")
    subsidiary = books.reference.subsidiaries.find(body["subsidiary"])
    currency = books.reference.currencies.find(body.get("currency") or {"externalId": subsidiary["currency"]})
    day = books.open_day(body.get("tranDate"))
    rows = body.get("lineList", {}).get("line")
    if not rows:
        raise RefusedError("USER_ERROR", "You must enter at least one line item for this transaction.")
    decimals = places(currency["symbol"])
    checked = [_check_line(books, row, number, decimals) for number, row in enumerate(rows, 1)]
    lines = [line for line, _ in checked]
    if difference := sum((line.amount for line in lines), ZERO):
        raise RefusedError(
            "USER_ERROR", f"The amounts in a journal entry must balance; debits exceed credits by {difference}."
        )
    fields = {
        "subsidiary": as_ref(subsidiary),
        "currency": as_ref(currency),
        "tranDate": as_date_time(day),
        "approved": True,
        "lineList": {"line": [row for _, row in checked]},
    }
    entry = Entry(currency["symbol"], subsidiary["internalId"], day.isoformat(), lines)
    return Plan(body | fields, entry)


def _check_line(books: Books, row: Body, number: int, decimals: int) -> tuple[GlLine, Body]:
    if "account" not in row:
        raise missing(f"Account (line {number})")
    account = books.reference.accounts.find(row["account"])
    debit, credit = (exact(row.get(side, ZERO), decimals, f"{side} of line {number}") for side in ("debit", "credit"))
    if (debit == 0) == (credit == 0):
        raise RefusedError("JE_LINE_MISSING_REQD_DATA", f"Line {number} must have either a debit or a credit.")
    fields = {"account": as_ref(account), "line": number}
    if "entity" in row:
        fields["entity"] = as_ref(books.resolve("customer", row["entity"], "entity"), "entityId")
    return GlLine(account["externalId"], debit - credit), row | fields
