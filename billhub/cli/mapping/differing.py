"""What a mapping gives and what its fixture says, side by side for the one who has to mend either."""

from typing import TYPE_CHECKING, Any

from billhub.cli.output import say
from canonical_model.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mappings.testing.fixtures import Difference

WIDTH = 110
"""Characters shown of one value."""

BEFORE = 30
"""Characters shown before the first that differs, where a value is longer than that."""

_WORDS = {
    "changed": "is not what the fixture says",
    "missing": "is missing",
    "unexpected": "is not in the fixture",
    "refused": "is refused",
    "accepted": "is no longer refused",
}


def tell_differences(differences: "Sequence[Difference]") -> None:
    """All differences of a mapping, by fixture, each with the rule that made the field and where it stands."""
    case = ""
    for each in differences:
        if each.case != case:
            say(f"  {each.case}", style="bold")
        case = each.case
        if each.kind == "incomplete":
            say(f"    {each.actual}", style="red")
        else:
            _tell(each)


def _tell(each: "Difference") -> None:
    what = f"item {each.path}" if each.path.endswith("]") else each.path or "the outcome"
    place = f"{each.origin}: {each.rule}" if each.rule else f"{each.origin} has no rule for it"
    say(f"    {what} {_WORDS[each.kind]} ({place})")
    expected, actual = abbreviated(_text(each.expected), _text(each.actual))
    if each.kind != "unexpected":
        say(f"      expected  {expected}", style="green")
    if each.kind != "missing":
        say(f"      got       {actual}", style="red")


def abbreviated(expected: str, actual: str, *, width: int = WIDTH) -> tuple[str, str]:
    """Two texts cut to the same window around the first character that differs, each with dots where it goes on."""
    same = next((at for at, (left, right) in enumerate(zip(expected, actual, strict=False)) if left != right), 0)
    start = same - BEFORE if same > BEFORE and max(len(expected), len(actual)) > width else 0
    return _window(expected, start, width), _window(actual, start, width)


def _window(text: str, start: int, width: int) -> str:
    end = start + width
    return f"{'...' if start else ''}{text[start:end]}{'...' if len(text) > end else ''}"


def _text(value: Any) -> str:
    """A value as JSON; a problem as a sentence."""
    if isinstance(value, dict) and value.keys() == {"field", "source_path", "value", "rule", "message"}:
        return f"a problem: {value['value']!r} {value['message']}"
    return encode(value).decode()
