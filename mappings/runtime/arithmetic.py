"""Sums, differences and products of a rule's parts: exact or refused, money through the money module only."""

from collections.abc import Callable, Sequence
from decimal import Context, Decimal, Inexact, localcontext
from functools import reduce
from operator import add, mul, sub
from typing import Any

from canonical_model.money import CurrencyMismatchError, Money
from mappings.runtime.refusal import Refused

Number = Decimal | int | Money

_EXACT = Context(prec=28, traps=[Inexact])
_SIGNS = {"add": "+", "subtract": "-", "multiply": "x"}


def added(parts: Sequence[Number | None]) -> Number | None:
    """The sum of what is there; nothing of nothing."""
    there = [part for part in parts if part is not None]
    return _exactly(add, there) if there else None


def subtracted(parts: Sequence[Number | None]) -> Number | None:
    """The first part without the others."""
    first, *others = parts
    there = [part for part in others if part is not None]
    if first is None and there:
        raise Refused("has nothing to subtract from")
    return None if first is None else _exactly(sub, [first, *there])


def multiplied(parts: Sequence[Number | None]) -> Number | None:
    """The product; nothing when a factor is missing."""
    there = [part for part in parts if part is not None]
    if len(there) < len(parts):
        return None
    return _exactly(
        mul, sorted(there, key=lambda part: not isinstance(part, Money))
    )  # money knows how to be multiplied


def in_words(operation: str, parts: Sequence[Number | None]) -> str:
    """The calculation as people write it."""
    return f" {_SIGNS[operation]} ".join("nothing" if part is None else str(part) for part in parts)


def _exactly(operation: Callable[[Any, Any], Any], parts: Sequence[Number]) -> Number:
    with localcontext(_EXACT):
        try:
            result: Number = reduce(operation, (Decimal(part) if type(part) is int else part for part in parts))
        except Inexact:
            raise Refused("has a result of more than 28 digits, which cannot be held exactly") from None
        except CurrencyMismatchError as error:
            raise Refused(str(error)) from None
    return result
