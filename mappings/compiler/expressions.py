"""What both emitters write alike."""

from decimal import Decimal
from typing import Any, NamedTuple

from mappings.compiler.source_text import SourceText
from mappings.language.checks import leaf_kind
from mappings.language.definition import Arithmetic, Concat, Condition, From, Lookup

CALCULATIONS = {"add": "added", "subtract": "subtracted", "multiply": "multiplied"}
"""Functions of `mappings.runtime.arithmetic` by operation."""


class Tests(NamedTuple):
    """How to ask of a value `{0}` whether it is there, whether it is the constant `{1}`, and whether it is one of the constants `{1}`."""

    present: str
    equals: str
    among: str


def comparison(condition: Condition, value: str, to: SourceText, tests: Tests) -> str:
    """A condition on the value of a variable."""
    if condition.test == "present":
        is_there = tests.present.format(value)
        return is_there if condition.value else f"not ({is_there})"
    if condition.test == "equals":
        return tests.equals.format(value, to.literal(condition.value))
    options = "".join(f"{to.literal(option)}, " for option in condition.value)
    return tests.among.format(value, f"({options})")


def default_of(rule: From | Lookup | Concat | Arithmetic) -> Any:
    """The default of a rule, of the type that the rule gives."""
    value = rule.head.default
    return Decimal(value) if leaf_kind(rule)[0] == "decimal" else value


def start_of(rule: From | Lookup | Concat | Arithmetic, parts: str) -> str:
    """The value that a rule begins with: that of its parts, where it has some."""
    if isinstance(rule, Concat):
        return f"{rule.separator!r}.join({parts}) or None"
    return f"in_words({rule.operation!r}, {parts})" if isinstance(rule, Arithmetic) else "None"
