"""SOQL tokens to a syntax tree, by recursive descent.

    select    := SELECT items FROM name [WHERE any] [ORDER BY key, ...] [LIMIT n] [OFFSET n]
    items     := COUNT() | item, ...          item := path | ( select )
    any       := all OR all ...               all  := one AND one ...
    one       := NOT one | ( any ) | path operator value | path [NOT] IN ( value, ... )

Source: SOQL and SOSL Reference v60.0, "SOQL SELECT Syntax" and "Condition Expression Syntax".
AND and OR must not be mixed without parentheses there, and are not here.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Literal, TypeVar

from sandbox.salesforce.soql.errors import malformed
from sandbox.salesforce.soql.lexer import Token, string_value, tokens
from sandbox.salesforce.soql.syntax import (
    Combination,
    Comparison,
    Condition,
    Membership,
    Not,
    Ordering,
    Path,
    Select,
    Value,
)

T = TypeVar("T")

_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=", "LIKE")
_KEYWORD_VALUES: dict[str, Value] = {
    "NULL": Value("null", None, "null"),
    "TRUE": Value("boolean", True, "true"),
    "FALSE": Value("boolean", False, "false"),
}


def parse(soql: str) -> Select:
    """Read a query.

    Raises:
        PlacedError: `MALFORMED_QUERY`, at the first token that does not fit.
    """
    parser = _Parser(soql)
    query = parser.select()
    parser.expect_end()
    return query


class _Parser:
    """The tokens of one query and the place reached in them."""

    def __init__(self, soql: str) -> None:
        self._tokens = list(tokens(soql))
        self._next = 0

    def select(self) -> Select:
        self._expect("SELECT")
        counting = self._count()
        fields = () if counting else self._list(self._item)
        self._expect("FROM")
        source = self._name()
        return Select(
            fields=fields,
            source=source.text,
            position=source.position,
            counting=counting,
            where=self._any() if self._accept("WHERE") else None,
            order_by=self._order_by(),
            limit=self._integer() if self._accept("LIMIT") else None,
            offset=self._integer() if self._accept("OFFSET") else 0,
        )

    def expect_end(self) -> None:
        if self._peek().kind != "end":
            raise self._unexpected()

    def _count(self) -> bool:
        if not (self._peek().is_word("COUNT") and self._tokens[self._next + 1].is_word("(")):
            return False
        self._next += 2
        self._expect(")")
        return True

    def _item(self) -> Path | Select:
        if self._accept("("):
            child = self.select()
            self._expect(")")
            return child
        return self._path()

    def _path(self) -> Path:
        token = self._name()
        return Path(tuple(token.text.split(".")), token.position)

    def _any(self) -> Condition:
        first = self._one()
        operator = self._peek()
        if not operator.is_word("AND", "OR"):
            return first
        return self._combination(first, "AND" if operator.is_word("AND") else "OR")

    def _combination(self, first: Condition, operator: Literal["AND", "OR"]) -> Condition:
        conditions = [first]
        while self._accept(operator):
            conditions.append(self._one())
        if self._peek().is_word("AND", "OR"):
            raise self._unexpected()
        return Combination(operator, tuple(conditions))

    def _one(self) -> Condition:
        if self._accept("NOT"):
            return Not(self._one())
        if self._accept("("):
            inner = self._any()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        path = self._path()
        if self._peek().is_word("IN", "NOT"):
            return self._membership(path)
        operator = self._peek()
        if not operator.is_word(*_COMPARISONS):
            raise self._unexpected()
        self._next += 1
        name = operator.text.upper()
        return Comparison(path, "!=" if name == "<>" else name, self._value())

    def _membership(self, path: Path) -> Condition:
        negated = self._accept("NOT")
        self._expect("IN")
        self._expect("(")
        values = self._list(self._value)
        self._expect(")")
        return Membership(path, values, negated)

    def _value(self) -> Value:
        token = self._take()
        if token.kind == "string":
            return Value("string", string_value(token.text), token.text)
        if token.kind == "number":
            return Value("number", Decimal(token.text), token.text)
        if token.kind in ("date", "datetime"):
            # A "+" that a client forgot to encode arrives as a space.
            return Value(token.kind, token.text.replace(" ", "+"), token.text)
        if token.text.upper() in _KEYWORD_VALUES:
            return _KEYWORD_VALUES[token.text.upper()]
        raise malformed(f"unexpected token: '{token.text}'", token.position)

    def _order_by(self) -> tuple[Ordering, ...]:
        if not self._accept("ORDER"):
            return ()
        self._expect("BY")
        return self._list(self._ordering)

    def _ordering(self) -> Ordering:
        path = self._path()
        descending = self._accept("DESC")
        if not descending:
            self._accept("ASC")
        return Ordering(path, descending, self._nulls_last())

    def _nulls_last(self) -> bool:
        if not self._accept("NULLS"):
            return False
        if self._accept("LAST"):
            return True
        self._expect("FIRST")
        return False

    def _integer(self) -> int:
        token = self._take()
        if not token.text.isdecimal():
            raise malformed(f"unexpected token: '{token.text}'", token.position)
        return int(token.text)

    def _list(self, read: Callable[[], T]) -> tuple[T, ...]:
        items = [read()]
        while self._accept(","):
            items.append(read())
        return tuple(items)

    def _name(self) -> Token:
        token = self._take()
        if token.kind != "name":
            raise malformed(f"unexpected token: '{token.text}'", token.position)
        return token

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _accept(self, word: str) -> bool:
        found = self._peek().is_word(word)
        self._next += found
        return found

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise malformed(f"expecting {word.lower()}, found '{self._peek().text}'", self._peek().position)

    def _unexpected(self) -> Exception:
        token = self._peek()
        return malformed(f"unexpected token: '{token.text}'", token.position)
