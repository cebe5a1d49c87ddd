"""Transforms written out as statements for the values that are ordinary, instead of a call each.

A shortcut makes the variable `{v}` from `{r}`, which is the same or, at the start of a rule, the raw value. `{arg}` stands for the
transform's argument, `{w}` for a second variable. It raises for anything unusual, and for whatever it takes it gives exactly what the
transform gives.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from canonical_model.codes import currencies
from mappings.compiler.habits import Habits
from mappings.language.definition import Use
from mappings.runtime.transforms import TRANSFORMS


class Shortcut(msgspec.Struct, frozen=True):
    """A transform, or two in one, as Python.

    Attributes:
        code: Its statements; none for a transform that is called as it is.
        may_be_none: Whether a value that is there may become None.
        may_be_blank: Whether it may become blank text, which counts as None.
        takes: How many transforms it stands for.
    """

    code: str
    may_be_none: bool = False
    may_be_blank: bool = False
    takes: int = 1

    @property
    def may_vanish(self) -> bool:
        """Whether a value that is there may come to nothing."""
        return self.may_be_none or self.may_be_blank


_RAISE = ":\n    raise Unusual"
_TYPE = "type({r}) is str"
_STORABLE = "{r}.isascii() and '\\0' not in {r}"
_TEXT = {
    "": f"{{r}}.strip() if {_TYPE} and {_STORABLE} else text({{r}})",
    "text": f"{{r}}.strip() if {_STORABLE} else text({{r}})",
    "integer": "str({r}) if type({r}) is int and -LIMIT < {r} < LIMIT else text({r})",
}
_CODE = {**_TEXT, "": f"{{r}}.strip() if {_TYPE} else text({{r}})", "text": "{r}.strip()"}
_DECIMAL = "{v} = exact({r}) if type({r}) is Decimal else decimal({r})"
_NUMBER = {
    "": f"{{v}} = exact({{r}}) if {_TYPE} and {{r}} and {{r}}.isascii() or type({{r}}) is Decimal else decimal({{r}})",
    "text": "{v} = exact({r}) if {r} and {r}.isascii() else decimal({r})",
    "integer": "{v} = decimal({r})",
}
_FINITE = f"\nif not {{v}}.is_finite(){_RAISE}"
_SINGLE_LINE = Shortcut("if not {v}.isprintable():\n    {v} = one_line({v})")
_CALL = Shortcut("", may_be_none=True)

_SHORTCUTS: Mapping[str, Shortcut] = {
    "integer": Shortcut("{v} = {r} if type({r}) is int and -LIMIT < {r} < LIMIT else integer({r})", may_be_none=True),
    "boolean": Shortcut("{v} = {r} if type({r}) is bool else boolean({r})", may_be_none=True),
    "date": Shortcut("{v} = days[{r}]", may_be_none=True),
    "date_of_unix_time": Shortcut(
        "{v} = datetime.fromtimestamp({r}, UTC).date() if type({r}) is int else date_of_unix_time({r})",
        may_be_none=True,
    ),
    "iso_date": Shortcut("{v} = iso_days[{r}]", may_be_none=True),
    "sum_of": Shortcut("{v} = money_sum({r}, {arg})"),
    "upper": Shortcut("{v} = {r}.upper()"),
    "lower": Shortcut("{v} = {r}.lower()"),
    "format": Shortcut("{v} = {arg}"),
    "truncate": Shortcut("{v} = {r}[:{arg}].rstrip()"),
    "at_most": Shortcut(f"if len({{v}}) > {{arg}}{_RAISE}"),
    "country_code": Shortcut(f"if {{v}} not in countries{_RAISE}"),
    "currency_code": Shortcut(f"if {{v}} not in currencies{_RAISE}"),
    "money": Shortcut("{v} = Money({r}, {arg})"),
    "major_units": Shortcut(
        f"{{w}} = {{arg}}.upper()\nif {{w}} not in currencies{_RAISE}\n{{v}} = major({{r}}, {{w}})"
    ),
    "amount": Shortcut("{v} = {r}.amount"),
    "minor_units": Shortcut("{v} = {r}.minor"),
    "money_text": Shortcut("{v} = str({r})"),
    "plain_number": Shortcut("{v} = format({r}, 'f')"),
    "negate": Shortcut("{v} = -{r}"),
    "negate_when": Shortcut("if {arg}:\n    {v} = -{v}"),
    "absolute": Shortcut("{v} = abs({r})"),
    "nonzero": Shortcut("{v} = {r} or None", may_be_none=True),
    "and": Shortcut(f"{{w}} = {{arg}}\nif type({{w}}) is not bool{_RAISE}\n{{v}} = {{r}} and {{w}}"),
    "percent_to_fraction": Shortcut("{v} = {r}.scaleb(-2)"),
}
_WRITTEN = {"text", "decimal", "read_money", *_SHORTCUTS}
_FALLBACKS = ("text", "decimal", "integer", "boolean", "date_of_unix_time", "one_line")


def shortcuts(uses: Sequence[Use], habits: Habits, *, after: str, has_choices: bool) -> Iterator[tuple[Use, Shortcut]]:
    """The transforms of a rule in order, each with its shortcut.

    Args:
        uses: The transforms.
        habits: What values mostly look like.
        after: The transform that the value has been through before; empty for none.
        has_choices: Whether an enumeration follows.
    """
    place = 0
    while place < len(uses):
        use, names = uses[place], [each.name for each in uses[place:]]
        found = _shortcut(names, habits, has_choices)
        if (found is _SINGLE_LINE and after != "text") or not _is_sound_currency(use):
            found = _CALL
        yield use, found
        place += found.takes
        after = use.name


def called(uses: Iterable[Use]) -> Mapping[str, Callable[..., Any]]:
    """The functions that direct code may call for these transforms, by their names in code."""
    names = {use.name for use in uses if use.name not in _WRITTEN or not _is_sound_currency(use)}
    return {f"{name}_" if name == "and" else name: TRANSFORMS[name].function for name in {*names, *_FALLBACKS}}


def _shortcut(names: Sequence[str], habits: Habits, has_choices: bool) -> Shortcut:
    number = _DECIMAL if habits.decimals else _NUMBER[habits.kind]
    match names:
        case ["text", *others]:
            code = (_CODE if _is_code(others, has_choices) else _TEXT)[habits.kind]
            return Shortcut(f"{{v}} = {code}", may_be_blank=True)
        case ["decimal", *others]:
            return _decimal(number, is_needed=habits.is_needed, becomes_money="money" in others)
        case ["read_money", "amount", *_]:
            read = f"if {{r}}['currency'] not in currencies{_RAISE}\n{{v}} = {{r}}['amount']\n"
            return Shortcut(f"{read}{number.replace('{r}', '{v}')}{_FINITE}", takes=2)
        case ["read_money", *_]:
            read = f"{{w}} = {{r}}['currency']\nif {{w}} not in currencies{_RAISE}\n{{v}} = {{r}}['amount']\n"
            return Shortcut(f"{read}{number.replace('{r}', '{v}')}\n{{v}} = Money({{v}}, {{w}})")
        case ["one_line", *_]:
            return _SINGLE_LINE
        case _:
            return _SHORTCUTS.get(names[0], _CALL)


def _decimal(number: str, *, is_needed: bool, becomes_money: bool) -> Shortcut:
    """A number; that it is finite, `Money` looks at itself, and both that and `is_finite` raise for None."""
    if is_needed:
        return Shortcut(number if becomes_money else number + _FINITE)
    finite = f"\nif {{v}} is not None and not {{v}}.is_finite(){_RAISE}"
    return Shortcut(number if becomes_money else number + finite, may_be_none=True)


def _is_code(names: Sequence[str], has_choices: bool) -> bool:
    """Whether a text is held against a list of codes in the end, so that it need not be looked at for odd characters."""
    rest = [name for name in names if name not in ("upper", "lower")]
    return rest[0] in ("country_code", "currency_code") if rest else has_choices


def _is_sound_currency(use: Use) -> bool:
    return use.name != "money" or not isinstance(use.argument, str) or use.argument in currencies()
