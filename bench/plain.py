"""The plain loop: parse, compute, insert in batches. No versions, no checks, no approval, no audit, no intents: the floor, not a rival."""

import json
import sqlite3
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

CENT = Decimal("0.01")


def run(bodies: Sequence[str], file: Path) -> None:
    """Invoice every order with 20 % tax into one SQLite table, 1,000 a transaction, fully durable."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE invoice (number INTEGER, order_id TEXT PRIMARY KEY, net TEXT, tax TEXT, body TEXT)"
    )
    for start in range(0, len(bodies), 1000):
        rows = [_invoice(start + place, body) for place, body in enumerate(bodies[start : start + 1000])]
        with connection:
            connection.executemany("INSERT INTO invoice VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()


def _invoice(number: int, body: str) -> tuple[int, str, str, str, str]:
    order = json.loads(body)
    nets = [
        (Decimal(line["Quantity"]) * Decimal(line["UnitPrice"])).quantize(CENT, ROUND_HALF_UP)
        for line in order["Lines"]
    ]
    taxes = [(net * Decimal("0.20")).quantize(CENT, ROUND_HALF_UP) for net in nets]
    return number, order["InvoiceNo"], str(sum(nets)), str(sum(taxes)), json.dumps(order)
