"""Answers that do not add up, planted by the seed for chosen customers."""

from dataclasses import replace
from pathlib import Path

from sandbox.avatax.calculation import TaxedDocument, unit_of
from sandbox.storage import Storage, read_seed

KIND = "Misbehaviour"
KINDS = ("total_off", "line_off")
UNITS_OFF = 37
"""How wrong: 0.37 in a currency with two decimals, 37 in one with none."""


def load(storage: Storage, seed: Path) -> None:
    """Take the seeded misbehaviour into an empty storage, where it may be mended later.

    Raises:
        ValueError: The seed names an unknown kind.
    """
    with storage.transaction():
        for row in read_seed(seed, "avatax", KIND):
            if row["kind"] not in KINDS:
                raise ValueError(f"{KIND} {row['kind']!r} of {row['customer_code']} is none of {KINDS}")
            storage.insert(KIND, row["customer_code"], dict(row))


def spoil(taxed: TaxedDocument, storage: Storage) -> TaxedDocument:
    """Make a total differ from the sum of its lines, or a line from the sum of its details."""
    planted = storage.get(KIND, taxed.document.customer)
    kind = planted["kind"] if planted else None
    wrong = UNITS_OFF * unit_of(taxed.document.currency)
    if kind == "total_off":
        return replace(taxed, tax=taxed.tax + wrong)
    if kind == "line_off":
        first, *others = taxed.lines
        return replace(taxed, tax=taxed.tax + wrong, lines=(replace(first, tax=first.tax + wrong), *others))
    return taxed
