"""Gathers rows into orders: one per invoice number, complete with its last row, wherever in the file that stands."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.contract import ControlTotals, RawRecord
from connectors.online_retail.client import COLUMNS, Row, rows

_HEADER = ("InvoiceDate", "CustomerID", "Country")
_DAY = 10  # characters of YYYY-MM-DD


def orders(path: Path) -> Iterator[RawRecord]:
    """The orders of a file, in the order in which their last rows stand there.

    The file is read twice, because an invoice number may come back later in the file. Only rows of orders still open are held in memory.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    missing = Counter(row.invoice_number for row in rows(path))
    held: dict[str, list[Row]] = {}
    for row in rows(path):
        number = row.invoice_number
        held.setdefault(number, []).append(row)
        missing[number] -= 1
        if not missing[number]:
            yield _order(number, held.pop(number))


def _order(number: str, lines: Sequence[Row]) -> RawRecord:
    headers = [_header(row) for row in lines if len(row.fields) == len(COLUMNS)]
    header = headers[0] if headers else dict.fromkeys(_HEADER)
    conflicts = _conflicts(headers)
    body = {"InvoiceNo": number, **header, "Lines": [_line(index, row) for index, row in enumerate(lines, start=1)]}
    return RawRecord(
        external_id=number,
        version="",
        body=body | ({"HeaderConflicts": conflicts} if conflicts else {}),
        control=_control(lines),
    )


def _header(row: Row) -> dict[str, str | None]:
    values = dict(zip(COLUMNS, row.fields, strict=True))
    customer = values["CustomerID"].removesuffix(".0")
    return {"InvoiceDate": values["InvoiceDate"], "CustomerID": customer or None, "Country": values["Country"]}


def _conflicts(headers: Sequence[dict[str, str | None]]) -> dict[str, list[str | None]]:
    """Values that differ from the first row's, by column; of the date only the day counts."""
    conflicts: dict[str, list[str | None]] = {}
    for name in _HEADER:
        others = dict.fromkeys(
            header[name] for header in headers if _compared(name, header) != _compared(name, headers[0])
        )
        if others:
            conflicts[name] = list(others)
    return conflicts


def _compared(name: str, header: dict[str, str | None]) -> str | None:
    value = header[name]
    return value[:_DAY] if name == "InvoiceDate" and value else value


def _line(index: int, row: Row) -> dict[str, Any]:
    line: dict[str, Any] = {"LineNo": index, "Row": row.number}
    if len(row.fields) == len(COLUMNS):
        values = dict(zip(COLUMNS, row.fields, strict=True))
        line |= {name: values[name] for name in ("StockCode", "Description", "Quantity", "UnitPrice")}
    if row.unreadable:
        line |= {"Unreadable": row.unreadable, "Raw": row.text}
    return line


def _control(lines: Sequence[Row]) -> ControlTotals:
    amount = sum((_amount(row) for row in lines if not row.unreadable), Decimal(0))
    return ControlTotals(lines=len(lines), amount=format(amount, "f"), currency="GBP", legal_entity="UK")


def _amount(row: Row) -> Decimal:
    values = dict(zip(COLUMNS, row.fields, strict=True))
    return Decimal(values["Quantity"]) * Decimal(values["UnitPrice"])
