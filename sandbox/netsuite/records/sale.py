"""Sublist lines and totals of invoices and credit memos: computed exactly, checked to the cent.

Tax is legacy tax: `tax1Amt` of a line is its tax, sent by a client that asked a tax engine; with only
`taxRate1` (a percentage) it is computed. Amounts a client sends that the system computes itself
(`grossAmt`, `subTotal`, `taxTotal`, `total`) must be right to the cent, else the record is refused.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.netsuite.books import Books
from sandbox.netsuite.money import exact, finite, rounded
from sandbox.netsuite.plan import Body
from sandbox.netsuite.posting import ZERO, Entry, GlLine
from sandbox.netsuite.records.transaction_header import Header, account_number, check_header
from sandbox.netsuite.reference import RECEIVABLES, TAX_PAYABLE, as_ref
from sandbox.netsuite.refusal import RefusedError, missing

HALF = Decimal("0.5")
ONE = Decimal(1)
TAX_TOLERANCE = 5
"""Minor units by which a line's tax may differ from amount x rate: each tax authority of a rate that
is the sum of several rounds for itself."""


@dataclass(frozen=True)
class Sale:
    """A checked invoice or credit memo; `sales` are the income accounts with their net amounts."""

    header: Header
    fields: Body
    receivable: str
    sales: tuple[GlLine, ...]
    tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class _Line:
    fields: Body
    income: str
    amount: Decimal
    tax: Decimal


def check_sale(books: Books, body: Body) -> Sale:
    """Check header, lines and totals.

    Raises:
        RefusedError: Something is missing, leads nowhere, or does not add up.
    """
    header = check_header(books, body, "entity")
    receivable, account = account_number(books, body, "account", RECEIVABLES)
    rows = body.get("itemList", {}).get("item")
    if not rows:
        raise RefusedError("USER_ERROR", "You must enter at least one line item for this transaction.")
    lines = [_check_line(books, row, number, header.decimals) for number, row in enumerate(rows, 1)]
    net = sum((line.amount for line in lines), ZERO)
    tax = sum((line.tax for line in lines), ZERO)
    totals = {"subTotal": net, "taxTotal": tax, "total": net + tax}
    _check_totals(body, totals, header.decimals)
    fields = header.fields("entity") | totals | _created_from(books, body)
    fields |= {"account": account, "itemList": {"item": [line.fields for line in lines]}}
    sales = tuple(GlLine(line.income, line.amount) for line in lines)
    return Sale(header, fields, receivable, sales, tax, net + tax)


def _created_from(books: Books, body: Body) -> Body:
    if "createdFrom" not in body:
        return {}
    return {"createdFrom": as_ref(books.resolve("salesOrder", body["createdFrom"], "createdfrom"), "tranId")}


def _check_totals(body: Body, totals: dict[str, Decimal], decimals: int) -> None:
    for name, computed in totals.items():
        if name in body and exact(body[name], decimals, name) != computed:
            code = "INVALID_TAX_AMT" if name == "taxTotal" else "TRANS_AMTS_UNBALNCD"
            raise RefusedError(code, f"{name} {body[name]} is not the sum of the lines, {computed}.")
    if totals["total"] < 0:
        raise RefusedError("USER_ERROR", f"The total can not be negative: {totals['total']}.")


def _check_line(books: Books, row: Body, number: int, decimals: int) -> _Line:
    if "item" not in row:
        raise missing(f"Item (line {number})")
    item = books.reference.items.find(row["item"])
    quantity = finite(row.get("quantity", ONE), f"quantity of line {number}")
    amount = _amount(row, number, quantity, decimals)
    tax = _tax(row, number, amount, decimals)
    gross = amount + tax
    if "grossAmt" in row and exact(row["grossAmt"], decimals, f"grossAmt of line {number}") != gross:
        raise RefusedError("TRANS_AMTS_UNBALNCD", f"grossAmt {row['grossAmt']} of line {number} is not {gross}.")
    fields = row | {"item": as_ref(item), "line": number, "amount": amount, "quantity": quantity, "tax1Amt": tax}
    return _Line(fields, item["incomeAccount"], amount, tax)


def _rate(row: Body, number: int) -> Decimal | None:
    text: Any = row.get("rate")
    if text is None or not text.strip():
        return None
    try:
        return finite(Decimal(text), f"rate of line {number}")
    except InvalidOperation as error:
        raise RefusedError("INVALID_AMT", f"rate of line {number}: {text} is not a number") from error


def _amount(row: Body, number: int, quantity: Decimal, decimals: int) -> Decimal:
    rate = _rate(row, number)
    if "amount" not in row:
        if rate is None:
            raise missing(f"Amount (line {number})")
        return rounded(quantity * rate, decimals)
    amount = exact(row["amount"], decimals, f"amount of line {number}")
    if rate is not None:
        _check_product(number, (quantity, rate, amount), decimals)
    return amount


def _check_product(number: int, line: tuple[Decimal, Decimal, Decimal], decimals: int) -> None:
    # An amount may be given with a rate that was rounded for display: what the rate's last digit
    # leaves open, times the quantity, plus the rounding of the amount, is still the same line.
    quantity, rate, amount = line
    exponent = min(int(rate.as_tuple().exponent), 0)
    allowed = abs(quantity) * HALF.scaleb(exponent) + HALF.scaleb(-decimals)
    if abs(quantity * rate - amount) > allowed:
        raise RefusedError("ITEM_QTY_AMT_MISMATCH", f"Line {number}: {quantity} x {rate} is not {amount}.")


def _tax(row: Body, number: int, amount: Decimal, decimals: int) -> Decimal:
    rate = finite(row.get("taxRate1", ZERO), f"taxRate1 of line {number}")
    by_rate = rounded(amount * rate / 100, decimals)
    if "tax1Amt" not in row:
        return by_rate
    tax = exact(row["tax1Amt"], decimals, f"tax1Amt of line {number}")
    if "taxRate1" in row and abs(tax - by_rate) > Decimal(TAX_TOLERANCE).scaleb(-decimals):
        raise RefusedError("INVALID_TAX_AMT", f"Line {number}: tax {tax} is not {rate} % of {amount}.")
    return tax


def ledger_entry(sale: Sale, sign: int) -> Entry:
    """Return the ledger entry of an invoice (`sign` 1) or, the other way round, a credit memo (-1).

    An invoice debits receivables by the total and credits income, line by line, and tax payable.
    """
    income = [GlLine(line.account, -sign * line.amount) for line in sale.sales]
    lines = [GlLine(sale.receivable, sign * sale.total), *income, GlLine(TAX_PAYABLE, -sign * sale.tax)]
    header = sale.header
    return Entry(header.currency, header.subsidiary["internalId"], header.day.isoformat(), lines)
