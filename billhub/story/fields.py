"""The fields of a document as plain values, each under its path: `lines[0].net`, `buyer.address.city`."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from canonical_model.money import Money

_INDEX = re.compile(r"\[(\d+)\]")
_STEP = re.compile(r"[^.\[\]]+")
_MONEY = {"amount", "currency"}


def leaves(document: msgspec.Struct) -> dict[str, Any]:
    """All fields that hold a value of their own, by path, in the order of the type; an amount with its currency is one, and so is an empty list."""
    return dict(_leaves(msgspec.to_builtins(document, builtin_types=(Decimal, date)), ""))


def pattern_of(path: str) -> str:
    """The path without positions: `lines[].net`."""
    return _INDEX.sub("[]", path)


def positions(path: str) -> tuple[int, ...]:
    """The positions in a path, outermost first."""
    return tuple(int(each) for each in _INDEX.findall(path))


def at(plain: Any, path: str) -> Any:
    """What stands at a path of plain JSON; None where nothing does."""
    for step in _STEP.findall(path):
        if isinstance(plain, list):
            plain = plain[int(step)] if int(step) < len(plain) else None
        else:
            plain = plain.get(step) if isinstance(plain, dict) else None
    return plain


def worded(value: Any) -> str:
    """A value for people: an amount with its currency, a number as it is, nothing as a dash."""
    if isinstance(value, dict) and value.keys() == _MONEY:
        return str(Money(Decimal(value["amount"]), value["currency"]))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return "–" if value in (None, "", [], ()) else str(value)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value.keys() != _MONEY:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value
