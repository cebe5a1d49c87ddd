"""The general ledger: the lines a transaction posts, and the balance of them all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.netsuite.money import minor_units, places
from sandbox.storage import Storage

Body = dict[str, Any]

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class GlLine:
    """One line: an amount on an account, positive a debit, negative a credit."""

    account: str
    amount: Decimal


@dataclass(frozen=True)
class Entry:
    """The lines of one transaction, in its own currency (ISO 4217) and subsidiary (internal id)."""

    currency: str
    subsidiary: str
    day: str
    lines: Sequence[GlLine]


def post(storage: Storage, body: Body, kind: str, entry: Entry) -> int:
    """Write the ledger lines of a transaction; lines of zero are left out.

    Args:
        storage: Where to write; kind "gl".
        body: The transaction, with its internal id and maybe external id.
        kind: Its record type.
        entry: What to post.

    Returns:
        The number of lines written.

    Raises:
        ValueError: Debits and credits differ; no record that was planned rightly comes to this.
    """
    if sum((line.amount for line in entry.lines), ZERO) != 0:
        raise ValueError(f"{kind} {body['internalId']} does not balance: {entry.lines}")
    lines = [line for line in entry.lines if line.amount]
    head = {"transaction": body.get("externalId"), "internalId": body["internalId"], "type": kind}
    tail = {"currency": entry.currency, "subsidiary": entry.subsidiary, "tranDate": entry.day}
    for number, line in enumerate(lines, 1):
        storage.insert("gl", _line_id(body, number), head | _sides(line, places(entry.currency)) | tail)
    return len(lines)


def _sides(line: GlLine, decimals: int) -> Body:
    debit, credit = max(line.amount, ZERO), max(-line.amount, ZERO)
    return {
        "account": line.account,
        "debit": debit,
        "credit": credit,
        "debitMinor": minor_units(debit, decimals),
        "creditMinor": minor_units(credit, decimals),
    }


def unpost(storage: Storage, body: Body) -> None:
    """Remove the ledger lines of a transaction."""
    for number in range(1, body.get("_glLines", 0) + 1):
        storage.delete("gl", _line_id(body, number))


def _line_id(body: Body, number: int) -> str:
    return f"{body['internalId']}-{number}"


TRIAL_BALANCE = """
SELECT json_extract(body, '$.subsidiary') AS subsidiary, json_extract(body, '$.currency') AS currency,
       json_extract(body, '$.account') AS account,
       SUM(json_extract(body, '$.debitMinor')), SUM(json_extract(body, '$.creditMinor'))
FROM object WHERE kind = 'gl' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def trial_balance(storage: Storage) -> Iterator[Body]:
    """Yield debit, credit and balance (debit less credit) per subsidiary, currency and account.

    The sums are made by SQLite over whole minor units: exact, and no line is held in memory.
    """
    # The storage has no public aggregate, and this one must not walk 250,000 lines in Python.
    for subsidiary, currency, account, debit, credit in storage._rows(TRIAL_BALANCE):
        decimals = places(currency)
        yield {
            "subsidiary": subsidiary,
            "currency": currency,
            "account": account,
            "debit": Decimal(debit).scaleb(-decimals),
            "credit": Decimal(credit).scaleb(-decimals),
            "balance": Decimal(debit - credit).scaleb(-decimals),
        }
