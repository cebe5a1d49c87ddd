"""Transforms written out as statements for the values that are ordinary, instead of a call each.

A statement changes the variable `{v}` in place; `{arg}` stands for the transform's argument, `{w}` for a second variable. It raises for
anything unusual, and for whatever it takes it gives exactly what the transform gives.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from canonical_model.codes import currencies
from mappings.language.definition import Use
from mappings.runtime.transforms import TRANSFORMS


class Shortcut(msgspec.Struct, frozen=True):
    """A transform, or two in one, as Python.

    Attributes:
        code: Its statements.
        may_be_none: Whether a value that is there may become nothing.
        takes: How many transforms it stands for.
    """

    code: str
    may_be_none: bool = False
    takes: int = 1


_RAISE = ":\n    raise Unusual"
_NUMBERS = {
    True: "{v} = exact({v}) if type({v}) is str and {v}.isascii() and len({v}) < 13 else decimal({v})",
    False: "{v} = exact({v}) if type({v}) is Decimal else decimal({v})",
}
"""By whether numbers mostly come as text, as in JSON, or as Decimal, as in canonical documents."""
_FINITE = f"\nif {{v}} is not None and not {{v}}.is_finite(){_RAISE}"
_CODE = Shortcut("{v} = ({v}.strip() if type({v}) is str else text({v})) or None", may_be_none=True)
_SINGLE_LINE = Shortcut("if not {v}.isprintable():\n    {v} = one_line({v})")

_SHORTCUTS: Mapping[str, Shortcut] = {
    "text": Shortcut(
        "{v} = ({v}.strip() if type({v}) is str and {v}.isascii() and '\\0' not in {v} else text({v})) or None",
        may_be_none=True,
    ),
    "boolean": Shortcut("if type({v}) is not bool:\n    {v} = boolean({v})", may_be_none=True),
    "date": Shortcut("{v} = days[{v}]", may_be_none=True),
    "iso_date": Shortcut("{v} = iso_days[{v}]", may_be_none=True),
    "upper": Shortcut("{v} = {v}.upper()"),
    "lower": Shortcut("{v} = {v}.lower()"),
    "format": Shortcut("{v} = {arg}"),
    "truncate": Shortcut("{v} = {v}[:{arg}].rstrip()"),
    "at_most": Shortcut(f"if len({{v}}) > {{arg}}{_RAISE}"),
    "country_code": Shortcut(f"if {{v}} not in countries{_RAISE}"),
    "currency_code": Shortcut(f"if {{v}} not in currencies{_RAISE}"),
    "money": Shortcut("{v} = Money({v}, {arg})"),
    "amount": Shortcut("{v} = {v}.amount"),
    "minor_units": Shortcut("{v} = {v}.minor"),
    "money_text": Shortcut("{v} = str({v})"),
    "plain_number": Shortcut("{v} = format({v}, 'f')"),
    "negate": Shortcut("{v} = -{v}"),
    "negate_when": Shortcut("if {arg}:\n    {v} = -{v}"),
    "absolute": Shortcut("{v} = abs({v})"),
    "nonzero": Shortcut("{v} = {v} or None", may_be_none=True),
    "percent_to_fraction": Shortcut("{v} = {v}.scaleb(-2)"),
}
_CALLS = Shortcut("", may_be_none=True)


def shortcuts(uses: Sequence[Use], *, has_choices: bool, numbers_are_text: bool) -> Iterator[tuple[Use, Shortcut]]:
    """The transforms of a rule in order, each with its shortcut; one without code is to be called.

    Args:
        uses: The transforms.
        has_choices: Whether an enumeration follows them.
        numbers_are_text: Whether numbers mostly come as text.
    """
    names = [use.name for use in uses]
    place = 0
    while place < len(uses):
        found = _shortcut(names[place:], _NUMBERS[numbers_are_text], has_choices)
        if place and found is _SINGLE_LINE and names[place - 1] != "text":
            found = _CALLS
        if names[place] == "money" and uses[place].argument not in currencies() and isinstance(uses[place].argument, str):
            found = _CALLS
        yield uses[place], found
        place += found.takes


def _shortcut(names: Sequence[str], number: str, has_choices: bool) -> Shortcut:
    match names:
        case ["text", *others] if _is_code(others, has_choices):
            return _CODE
        case ["decimal", *others]:
            return Shortcut(number if "money" in others else number + _FINITE, may_be_none=True)
        case ["read_money", "amount", *_]:
            read = f"if {{v}}['currency'] not in currencies{_RAISE}\n{{v}} = {{v}}['amount']\n"
            return Shortcut(f"{read}{number}\nif not {{v}}.is_finite(){_RAISE}", takes=2)
        case ["read_money", *_]:
            read = f"{{w}} = {{v}}['currency']\nif {{w}} not in currencies{_RAISE}\n{{v}} = {{v}}['amount']\n"
            return Shortcut(f"{read}{number}\n{{v}} = Money({{v}}, {{w}})")
        case ["one_line", *_]:
            return _SINGLE_LINE
        case _:
            return _SHORTCUTS.get(names[0], _CALLS)


def _is_code(names: Sequence[str], has_choices: bool) -> bool:
    """Whether a text is held against a list of codes in the end, so that it need not be looked at for odd characters."""
    rest = [name for name in names if name not in ("upper", "lower")]
    return rest[0] in ("country_code", "currency_code") if rest else has_choices


def called(names: Iterable[str]) -> Mapping[str, Callable[..., Any]]:
    """The transforms among these names that are called as they are, and those that the shortcuts fall back on, by their names in code."""
    chosen = {"text", "decimal", "boolean", "one_line"} | ({*names} - _SHORTCUTS.keys() - {"read_money"})
    return {f"{name}_" if name == "and" else name: TRANSFORMS[name].function for name in chosen}
