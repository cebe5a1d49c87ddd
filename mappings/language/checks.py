"""Types and totality: what a mapping must satisfy beyond its schema before it is compiled."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from mappings.files.faults import Fault
from mappings.language.canonical import ENTITIES, Shape, fields_of, path_fault
from mappings.language.definition import (
    Absent,
    Arithmetic,
    Concat,
    Const,
    Definition,
    Each,
    From,
    Head,
    Index,
    Leaf,
    ListOf,
    Lookup,
    Object,
    Rule,
    Use,
    When,
)
from mappings.runtime.transforms import TRANSFORMS

_CONSTANTS = {str: "text", int: "integer", bool: "boolean", Decimal: "decimal"}


def check(definition: Definition) -> Iterator[Fault]:
    """All type faults, and paths that the canonical source does not have."""
    shape = Shape(kind="object", struct=ENTITIES[definition.entity]) if definition.inbound else None
    yield from _object(definition.root, shape)
    if not definition.inbound:
        yield from _source_paths(definition)


def _source_paths(definition: Definition) -> Iterator[Fault]:
    for path, mark in (definition.ignored_marks | definition.paths).items():
        entity, *steps = path.split(".")
        if entity == definition.entity:
            fault = path_fault(entity, tuple(steps)) if steps else None
        else:
            known = (definition.entity, *definition.inputs)
            fault = None if entity in known else f"does not begin with one of {', '.join(known)}"
        if fault:
            yield Fault(mark, path, f"source path {path!r}: {fault}")


def _rule(rule: Rule, shape: Shape | None) -> Iterator[Fault]:
    match rule:
        case Absent():
            yield from _absent(rule, shape)
        case When():
            yield from _rule(rule.then, shape)
            yield from _rule(rule.otherwise, shape)
        case Object():
            yield from _object(rule, shape)
        case Each():
            yield from _wants(rule.head, "list", shape)
            yield from _object(rule.body, _item(shape))
        case ListOf():
            yield from _wants(rule.head, "list", shape)
            for part in rule.parts:
                yield from _rule(part, shape if isinstance(part, Each) else _item(shape))
        case _:
            yield from _leaf(rule, shape)


def _object(rule: Object, shape: Shape | None) -> Iterator[Fault]:
    if shape and shape.kind == "list":
        yield from _wants(rule.head, "object", shape)
        return
    known = fields_of(shape.struct) if shape and shape.struct else {}
    for name, inner in rule.fields.items():
        yield from _rule(inner, known.get(name))


def _absent(rule: Absent, shape: Shape | None) -> Iterator[Fault]:
    if shape and not shape.may_be_empty:
        yield _fault(rule.head, "cannot be absent: the canonical document needs a value" + _by_default(shape))


def _leaf(rule: Leaf, shape: Shape | None) -> Iterator[Fault]:
    kind, faults = leaf_kind(rule)
    yield from faults
    head = rule.head
    if not faults:
        yield from _wants(head, kind, shape)
    if shape is None and kind in ("date", "money"):
        yield _fault(head, f"a payload cannot hold a {kind}; end with a transform that gives text or a number")
    if isinstance(rule, Const):
        yield from _constant(head, rule.value, shape)
        return
    if head.default is not None:
        yield from _constant(head, head.default, shape)
    elif shape and not head.required and not shape.may_be_empty and not isinstance(rule, Index):
        yield _fault(
            head, "may be empty here but not in the canonical document; say default and reason" + _by_default(shape)
        )


def _by_default(shape: Shape) -> str:
    return "" if shape.required else f" (the model's own default, {shape.default}, would be a silent one)"


def _constant(head: Head, value: Any, shape: Shape | None) -> Iterator[Fault]:
    if shape and shape.choices and value not in shape.choices:
        yield _fault(head, f"{value!r} is not one of {', '.join(shape.choices)}")


def leaf_kind(rule: Leaf) -> tuple[str, list[Fault]]:
    """The type of what a leaf gives, and what is wrong with the way to it."""
    match rule:
        case Const():
            return _CONSTANTS[type(rule.value)], []
        case Index():
            return "integer", []
        case Concat():
            faults = [fault for part in rule.parts for fault in _part(part)]
            kind, more = _refined("text", rule.uses, rule.head)
            return kind, faults + more
        case Arithmetic():
            return _arithmetic(rule)
        case Lookup():
            return _chosen(rule, *_refined(_column_kind(rule), rule.uses, rule.head))
        case From():
            return _chosen(rule, *_refined("json", rule.uses, rule.head))


def _chosen(rule: From | Lookup, kind: str, faults: list[Fault]) -> tuple[str, list[Fault]]:
    """The type after the enum, if there is one; by then it must be known, and the default must be of it."""
    if faults:
        return kind, faults
    if rule.choices is not None and kind not in ("json", "text"):
        return "text", [_fault(rule.head, f"map works on text, not on {kind}")]
    kind = "text" if rule.choices is not None else kind
    if kind == "json":
        return kind, [_fault(rule.head, "needs a transform or map that says its type")]
    return kind, [*_default(rule.head, kind)]


def _default(head: Head, kind: str) -> Iterator[Fault]:
    given = None if head.default is None else _CONSTANTS[type(head.default)]
    if given not in (None, kind) and (kind, given) != ("decimal", "integer"):
        yield _fault(head, f"has {given} as its default, but gives {kind}")


def _arithmetic(rule: Arithmetic) -> tuple[str, list[Fault]]:
    """The type of a sum, difference or product, refined."""
    kinds, faults = set[str](), list[Fault]()
    for part in rule.parts:
        for kind, more in _operand(part):
            kinds.add("decimal" if kind == "integer" else kind)
            faults += more
    result = _combined(rule, kinds) if not faults else "decimal"
    if result is None:
        return "decimal", [_fault(rule.head, f"{_WANTED[rule.operation]}, not {' and '.join(sorted(kinds))}")]
    kind, more = _refined(result, rule.uses, rule.head)
    return kind, faults + more


_WANTED = {
    "add": "adds decimals, or money",
    "subtract": "subtracts decimals, or money",
    "multiply": "multiplies decimals, or one money by decimals",
}


def _operand(part: Rule) -> Iterator[tuple[str, list[Fault]]]:
    if isinstance(part, When):
        yield from _operand(part.then)
        yield from _operand(part.otherwise)
    elif isinstance(part, Object | Each | ListOf | Absent):
        yield "decimal", [_fault(part.head, "arithmetic works on numbers and money")]
    else:
        yield leaf_kind(part)


def _combined(rule: Arithmetic, kinds: set[str]) -> str | None:
    if kinds in ({"decimal"}, {"money"}) and (rule.operation != "multiply" or kinds == {"decimal"}):
        return kinds.pop()
    moneys = [part for part in rule.parts if any(kind == "money" for kind, _ in _operand(part))]
    return "money" if rule.operation == "multiply" and kinds == {"decimal", "money"} and len(moneys) == 1 else None


def _part(part: Rule) -> Iterator[Fault]:
    if isinstance(part, When):
        yield from _part(part.then)
        yield from _part(part.otherwise)
    elif isinstance(part, Object | Each | ListOf):
        yield _fault(part.head, "concat joins texts, not objects or lists")
    elif not isinstance(part, Absent):
        kind, faults = leaf_kind(part)
        yield from faults
        if kind != "text" and not faults:
            yield _fault(part.head, f"concat joins texts, not {kind}; end with a transform that gives text")


def _column_kind(rule: Lookup) -> str:
    kinds = {type(row.get(rule.column)) for _, row in rule.table.all_rows()} - {type(None)}
    return _CONSTANTS[kinds.pop()] if len(kinds) == 1 else "text"


def _refined(kind: str, uses: tuple[Use, ...], head: Head) -> tuple[str, list[Fault]]:
    for use in uses:
        gives = TRANSFORMS[use.name].gives
        if kind not in gives:
            wanted = " or ".join("a raw value" if name == "json" else name for name in gives)
            given = "a raw value" if kind == "json" else kind
            return kind, [_fault(head, f"transform {use.name!r} takes {wanted}, not {given}")]
        kind = gives[kind]
    return kind, []


def _wants(head: Head, kind: str, shape: Shape | None) -> Iterator[Fault]:
    widened = shape and shape.kind == "decimal" and kind == "integer"
    if shape and kind != shape.kind and not widened:
        yield _fault(head, f"gives {kind}; the canonical document wants {shape.kind}")


def _item(shape: Shape | None) -> Shape | None:
    return Shape(kind="object", struct=shape.struct) if shape and shape.struct else None


def _fault(head: Head, message: str) -> Fault:
    return Fault(head.mark, head.field or "record", message)
