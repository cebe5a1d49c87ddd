"""The syntax tree of a SOQL query, before it is held against the schema."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

LiteralKind = Literal["string", "number", "date", "datetime", "boolean", "null"]
Scalar = str | Decimal | bool | None


@dataclass(frozen=True)
class Path:
    """A field, with the relationships that lead to it, e.g. `Order.Contract.AccountId`."""

    names: tuple[str, ...]
    position: int

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True)
class Value:
    """A literal of a condition."""

    kind: LiteralKind
    value: Scalar
    text: str


@dataclass(frozen=True)
class Comparison:
    """`field operator value`; operator is one of = != < <= > >= LIKE."""

    path: Path
    operator: str
    value: Value


@dataclass(frozen=True)
class Membership:
    """`field IN (...)`, or `NOT IN`."""

    path: Path
    values: tuple[Value, ...]
    negated: bool


@dataclass(frozen=True)
class Not:
    """`NOT condition`."""

    condition: "Condition"


@dataclass(frozen=True)
class Combination:
    """Conditions that all (AND) or of which one (OR) must hold."""

    operator: Literal["AND", "OR"]
    conditions: tuple["Condition", ...]


Condition = Comparison | Membership | Not | Combination


@dataclass(frozen=True)
class Ordering:
    """One key of ORDER BY."""

    path: Path
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class Select:
    """A query, or a child sub-query inside one.

    `source` is an object in the outer query and a child relationship in a sub-query.
    `counting` is set for `SELECT COUNT()`, which selects no fields.
    """

    fields: tuple["Path | Select", ...]
    source: str
    position: int
    counting: bool = False
    where: Condition | None = None
    order_by: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0
