"""What every contender does with an order, by hand: map it, check it, and make the row that is kept. Plain Python, nothing of ours."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

CHUNK = 1000
COLUMNS = ("order_id", "kind", "order_date", "customer_id", "country", "net", "body")
COUNTRIES = {"United Kingdom": "GB", "France": "FR", "Germany": "DE", "EIRE": "IE"}


def lines_of(file: str) -> Iterator[bytes]:
    """The records of a file, one JSON text each."""
    with Path(file).open("rb") as lines:
        yield from lines


def row(record: dict[str, Any]) -> dict[str, str]:
    """One order as a row, its lines as JSON text.

    Raises:
        ValueError: It is not sound.
    """
    number = record["InvoiceNo"].strip()
    lines = [_line(line) for line in record["Lines"]]
    if not number or not lines:
        raise ValueError(number)
    kind = "cancellation" if number.startswith("C") else "order"
    head = {
        "order_id": number,
        "kind": kind,
        "order_date": record["InvoiceDate"][:10],
        "customer_id": (record["CustomerID"] or "").strip(),
        "country": COUNTRIES[record["Country"]],
    }
    net = sum(Decimal(line["quantity"]) * Decimal(line["unit_price"]) for line in lines)
    return {**head, "net": str(net), "body": json.dumps({**head, "currency": "GBP", "lines": lines})}


def _line(line: dict[str, Any]) -> dict[str, str]:
    quantity, price = Decimal(line["Quantity"]), Decimal(line["UnitPrice"])
    if not quantity.is_finite() or not price.is_finite():
        raise ValueError(line)
    return {
        "line_id": str(line["LineNo"]),
        "product_code": line["StockCode"].strip(),
        "description": line["Description"].strip(),
        "quantity": str(quantity),
        "unit_price": str(price),
    }
