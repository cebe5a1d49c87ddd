"""Money: an exact decimal amount with its ISO 4217 currency, and the one place where amounts are rounded.

Rounding is always asked for by name (`Rounding`); a split or a proration always sums to the whole.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import Enum
from fractions import Fraction

import msgspec

from canonical_model.codes import currency_digits, is_currency


class Rounding(Enum):
    """Named rounding policies; the value is the mode of the `decimal` module."""

    HALF_UP = ROUND_HALF_UP
    HALF_EVEN = ROUND_HALF_EVEN


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies were combined."""


class InexactAmountError(ValueError):
    """An amount is not an exact decimal number, or has more decimals than its currency where it must not."""


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount in one currency.

    Sums and products are exact up to the 28 digits of Decimal arithmetic.

    Attributes:
        amount: Finite decimal, never a float; JSON carries it as a string. It may have more decimals than the currency (a unit price).
        currency: ISO 4217 alphabetic code.

    Raises:
        InexactAmountError: The amount is a float, an integer, infinite or not a number.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not (isinstance(self.amount, Decimal) and self.amount.is_finite()):
            raise InexactAmountError(f"{self.amount!r} {self.currency} is not a finite decimal number")

    def __add__(self, other: "Money") -> "Money":
        """Sum of two amounts of the same currency."""
        self._require_same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Difference of two amounts of the same currency."""
        self._require_same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> "Money":
        """The amount with its sign turned."""
        return Money(-self.amount, self.currency)

    def __mul__(self, factor: Decimal | int) -> "Money":
        """The unrounded product with a quantity or a fraction."""
        return Money(self.amount * factor, self.currency)

    def __truediv__(self, divisor: Decimal | int) -> "Money":
        """The unrounded quotient: exact where it has at most 28 digits. Multiply first, divide last."""
        return Money(self.amount / divisor, self.currency)

    def __gt__(self, other: "Money") -> bool:
        """Whether this amount is larger than another of the same currency."""
        self._require_same(other)
        return self.amount > other.amount

    def __str__(self) -> str:
        """The amount with its currency, for people: `129,600.00 USD`; of an unknown currency with the decimals it has."""
        digits = max(currency_digits(self.currency) if is_currency(self.currency) else 0, _decimals(self.amount))
        return f"{self.amount:,.{digits}f} {self.currency}"

    def rounded(self, rounding: Rounding = Rounding.HALF_UP) -> "Money":
        """The amount in the precision of its currency (0, 2, 3 or 4 digits)."""
        quantum = Decimal(1).scaleb(-currency_digits(self.currency))
        return Money(self.amount.quantize(quantum, rounding=rounding.value), self.currency)

    @property
    def is_exact(self) -> bool:
        """Whether the amount needs no more decimals than its currency has."""
        return self._in_minor_units()[1] == 0

    @property
    def minor(self) -> int:
        """Integer minor units, as stored.

        Raises:
            InexactAmountError: The amount has more decimals than the currency.
        """
        minor, rest = self._in_minor_units()
        if rest:
            raise InexactAmountError(
                f"{self.amount} {self.currency} is not a whole number of minor units; round it first"
            )
        return minor

    def _in_minor_units(self) -> tuple[int, int]:
        numerator, denominator = self.amount.as_integer_ratio()  # exact beyond the 28 digits of Decimal arithmetic
        units_per_whole: int = 10 ** currency_digits(self.currency)
        return divmod(numerator * units_per_whole, denominator)

    def _require_same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatchError(f"{self} and {other} are of different currencies")


def from_minor(minor: int, currency: str) -> Money:
    """Money from integer minor units in the currency's own precision."""
    return Money(major(minor, currency), currency)


def major(minor: int, currency: str) -> Decimal:
    """The amount that integer minor units of a currency come to: 12.34 for 1234 cents, 1234 for as many yen."""
    return Decimal(minor).scaleb(-currency_digits(currency))


def zero(currency: str) -> Money:
    """Nothing, in the precision of the currency."""
    return from_minor(0, currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Exact sum of amounts that all have `currency`; zero for none."""
    return sum(amounts, zero(currency))


def allocate(whole: Money, weights: Sequence[int | Decimal]) -> tuple[Money, ...]:
    """Split `whole` in proportion to `weights` so that the parts sum to it exactly.

    By largest remainder: no part is off its exact share by a minor unit or more; of equal remainders the earlier part gets the odd unit.

    Args:
        whole: An amount exact in its currency.
        weights: At least one, none negative, not all zero.

    Raises:
        InexactAmountError: `whole` is not a whole number of minor units.
        ValueError: The weights do not describe a split.
    """
    minor, all_weights = abs(whole.minor), sum(Fraction(weight) for weight in weights)
    if all_weights <= 0 or any(weight < 0 for weight in weights):
        raise ValueError(f"weights {list(weights)} do not describe a split")
    shares = [minor * Fraction(weight) / all_weights for weight in weights]
    parts = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda place: (parts[place] - shares[place], place))
    for place in by_remainder[: minor - sum(parts)]:
        parts[place] += 1
    sign = -1 if whole.amount < 0 else 1
    return tuple(from_minor(sign * part, whole.currency) for part in parts)


def _decimals(amount: Decimal) -> int:
    return max(-int(amount.as_tuple().exponent), 0)
