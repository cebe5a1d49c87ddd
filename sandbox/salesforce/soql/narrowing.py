"""Conditions that an index answers, so that a query need not read every record."""

from dataclasses import dataclass

from sandbox.salesforce.schema import Field, ObjectType
from sandbox.salesforce.soql.syntax import Combination, Comparison, Condition, Membership, Value


@dataclass(frozen=True)
class Narrowing:
    """All matching records have one of these values in this field (an id, a reference, an external id)."""

    field: Field
    values: tuple[str, ...]


def narrowing_of(condition: Condition | None, target: ObjectType) -> Narrowing | None:
    """Return the first part of a condition that an index answers, or None."""
    if isinstance(condition, Combination) and condition.operator == "AND":
        parts = (narrowing_of(part, target) for part in condition.conditions)
        return next((part for part in parts if part), None)
    if isinstance(condition, Comparison) and condition.operator == "=":
        return _narrowing(condition.path.names, (condition.value,), target)
    if isinstance(condition, Membership) and not condition.negated:
        return _narrowing(condition.path.names, condition.values, target)
    return None


def _narrowing(names: tuple[str, ...], values: tuple[Value, ...], target: ObjectType) -> Narrowing | None:
    spec = target.field(names[0]) if len(names) == 1 else None
    if spec is None or any(value.kind != "string" for value in values):
        return None
    # A reference has no index of its own: worth it for one value, not for many.
    indexed = spec.type == "id" or spec.external_id or (spec.type == "reference" and len(values) == 1)
    return Narrowing(spec, tuple(str(value.value) for value in values)) if indexed else None
