"""What both emitters write alike."""

from decimal import Decimal
from typing import Any

from mappings.compiler.source_text import SourceText
from mappings.language.checks import leaf_kind
from mappings.language.definition import Arithmetic, Concat, Condition, From, Lookup

CALCULATIONS = {"add": "added", "subtract": "subtracted", "multiply": "multiplied"}
"""Functions of `mappings.runtime.arithmetic` by operation."""


def comparison(condition: Condition, value: str, to: SourceText, *, present: str = "is_present({0})") -> str:
    """A condition on the value of a variable; `present` says how to ask whether it is there."""
    if condition.test == "present":
        is_there = present.format(value)
        return is_there if condition.value else f"not ({is_there})"
    if condition.test == "equals":
        return f"{value} == {to.literal(condition.value)}"
    return f"{value} in ({''.join(f'{to.literal(option)}, ' for option in condition.value)})"


def default_of(rule: From | Lookup | Concat | Arithmetic) -> Any:
    """The default of a rule, of the type that the rule gives."""
    value = rule.head.default
    return Decimal(value) if leaf_kind(rule)[0] == "decimal" else value
