"""Journal entries: what a released document means to the general ledger."""

from datetime import date

import msgspec

from canonical_model.money import Money, total


class JournalLine(msgspec.Struct, frozen=True, kw_only=True):
    """One side of an entry; exactly one of debit and credit is not zero.

    Attributes:
        account: Account number in the seller's chart.
        debit: Not negative.
        credit: Not negative.
        memo: What it stands for.
    """

    account: str
    debit: Money
    credit: Money
    memo: str


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A balanced entry.

    Attributes:
        entry_id: Canonical identifier, `invoice_id` plus its purpose.
        legal_entity: Whose books.
        customer_id: The buyer it concerns.
        posting_date: Day in the books.
        currency: ISO 4217.
        memo: What happened.
        lines: At least two.
    """

    entry_id: str
    legal_entity: str
    customer_id: str
    posting_date: date
    currency: str
    memo: str
    lines: tuple[JournalLine, ...]

    @property
    def is_balanced(self) -> bool:
        """Whether debits equal credits exactly, all in the entry's currency, and are not nothing."""
        if any(side.currency != self.currency for line in self.lines for side in (line.debit, line.credit)):
            return False
        debit = total((line.debit for line in self.lines), self.currency)
        credit = total((line.credit for line in self.lines), self.currency)
        return debit.amount == credit.amount and debit.amount > 0
