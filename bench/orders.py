"""The same synthetic orders for every contender: about 2 kB each, no dirt, always the same for the same number."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connectors.contract import ControlTotals, RawRecord

LINES = 14


def raw_orders(number: int) -> Iterator[RawRecord]:
    """Orders in the shape of the retail source."""
    for index in range(number):
        body = _body(index)
        amount = sum(Decimal(line["Quantity"]) * Decimal(line["UnitPrice"]) for line in body["Lines"])
        control = ControlTotals(lines=LINES, amount=str(amount), currency="GBP", legal_entity="UK")
        yield RawRecord(external_id=body["InvoiceNo"], version="", body=body, control=control)


def _body(index: int) -> dict[str, Any]:
    lines = [
        {
            "LineNo": place + 1,
            "Row": index * LINES + place,
            "StockCode": f"P{(index + place) % 997:05d}",
            "Description": "WHITE HANGING HEART T-LIGHT HOLDER",
            "Quantity": str(1 + (index + place) % 24),
            "UnitPrice": f"{1 + (index * 7 + place) % 30}.{(index + place) % 100:02d}",
        }
        for place in range(LINES)
    ]
    return {
        "InvoiceNo": str(600_000 + index),
        "InvoiceDate": "2011-02-01 08:26:00",
        "CustomerID": str(12_000 + index % 4_000),
        "Country": "United Kingdom",
        "Lines": lines,
    }
