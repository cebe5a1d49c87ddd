"""SOQL text to tokens.

Literals: SOQL and SOSL Reference v60.0, "Date Formats and Date Literals in WHERE" and "Quoted
String Escape Sequences".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sandbox.salesforce.soql.errors import malformed

TokenKind = Literal["datetime", "date", "number", "name", "string", "operator", "end"]

_TOKEN = re.compile(
    r"""
      (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+\- ]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<operator><=|>=|!=|<>|[=<>(),])
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_LIKE_WILDCARDS = "_%"


@dataclass(frozen=True)
class Token:
    """A word of a query and where it begins."""

    kind: TokenKind
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        """Say whether this is one of the keywords or signs, in any case."""
        return self.kind in ("name", "operator") and self.text.upper() in words


def tokens(soql: str) -> Iterator[Token]:
    """Split a query into tokens; the last one is of kind `end`.

    Raises:
        PlacedError: A character that cannot begin a token.
    """
    position = _after_space(soql, 0)
    while position < len(soql):
        match = _TOKEN.match(soql, position)
        if match is None:
            raise malformed(f"unexpected token: '{soql[position]}'", position)
        yield _token(match)
        position = _after_space(soql, match.end())
    yield Token("end", "<EOF>", len(soql))


def string_value(text: str) -> str:
    r"""Return what a quoted string stands for.

    `\_` and `\%` stay as they are: only LIKE gives them a meaning.

    Args:
        text: The string with its quotes.
    """
    return _ESCAPE.sub(_unescape, text[1:-1])


def _unescape(match: re.Match[str]) -> str:
    letter = match[1]
    return match[0] if letter in _LIKE_WILDCARDS else _ESCAPES.get(letter.lower(), letter)


def _token(match: re.Match[str]) -> Token:
    kind: TokenKind = match.lastgroup  # type: ignore[assignment]  # the groups are named after the kinds
    return Token(kind, match[0], match.start())


def _after_space(soql: str, position: int) -> int:
    space = _SPACE.match(soql, position)
    return space.end() if space else position
