"""Exact amounts in a currency's own precision."""

from decimal import ROUND_HALF_UP, Decimal

from sandbox.netsuite.refusal import RefusedError

NO_DECIMALS = frozenset({"CLP", "ISK", "JPY", "KRW", "VND", "XAF", "XOF"})
THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def places(symbol: str) -> int:
    """Return the number of decimals of an ISO 4217 currency."""
    if symbol in NO_DECIMALS:
        return 0
    return 3 if symbol in THREE_DECIMALS else 2


def rounded(amount: Decimal, decimals: int) -> Decimal:
    """Round half up, away from zero, to `decimals`."""
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def finite(value: Decimal | int, field: str) -> Decimal:
    """Return a number as Decimal; whole numbers come back from the storage as int.

    Raises:
        RefusedError: It is infinite or not a number.
    """
    number = Decimal(value)
    if not number.is_finite():
        raise RefusedError("INVALID_AMT", f"{field}: {value} is not a number")
    return number


def exact(value: Decimal | int, decimals: int, field: str) -> Decimal:
    """Return the amount with exactly `decimals` decimals.

    Raises:
        RefusedError: It is not finite or has more decimals than the currency.
    """
    amount = finite(value, field)
    if amount != rounded(amount, decimals):
        raise RefusedError("INVALID_AMT", f"{field}: {amount} is not an amount with {decimals} decimals")
    return rounded(amount, decimals)


def minor_units(amount: Decimal, decimals: int) -> int:
    """Return an exact amount in minor units, e.g. cents."""
    return int(amount.scaleb(decimals))
