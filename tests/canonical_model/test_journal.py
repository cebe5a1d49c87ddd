"""A journal entry is balanced when its debits equal its credits, to the minor unit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from canonical_model.journal import JournalLine
from canonical_model.money import Money, from_minor, zero


def sides(debit: int, credit: int, currency: str = "USD") -> JournalLine:
    return JournalLine(
        account="2400", debit=from_minor(debit, currency), credit=from_minor(credit, currency), memo="Side"
    )


def test_the_worked_example_is_balanced(entry):
    assert entry.is_balanced


@given(st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=9), st.integers(-5, 5))
def test_balanced_to_the_minor_unit(entry, debits, off):
    credit = sum(debits) + off
    lines = (*(sides(debit, 0) for debit in debits), sides(0, credit))
    assert replace(entry, lines=lines).is_balanced == (off == 0)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (sides(0, 0), sides(0, 0)),
        (sides(-1, 0), sides(0, -1)),
        (sides(1, 0), sides(1, 0)),
        (sides(1, 0), sides(0, 1, "EUR")),
        (sides(1, 0, "EUR"), sides(0, 1, "EUR")),
        (sides(1, 0), sides(0, 1), sides(0, 0, "JPY")),
    ],
)
def test_not_balanced(entry, lines):
    assert not replace(entry, lines=lines).is_balanced


def test_a_fraction_of_a_minor_unit_counts(entry):
    half = JournalLine(account="1", debit=Money(Decimal("0.004"), "USD"), credit=zero("USD"), memo="Too little")
    assert not replace(entry, lines=(*entry.lines, half)).is_balanced
