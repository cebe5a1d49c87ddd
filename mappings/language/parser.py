"""From a schema-checked mapping file to typed rules; all faults of the file are gathered in one go."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from mappings.files.tables import Table
from mappings.files.yaml_source import Mark
from mappings.language.canonical import Shape, entity_shape, fields_of
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
    ListOf,
    Lookup,
    Object,
    Rule,
    When,
)
from mappings.language.reading import Reading, Spot

UNDECIDED = "TODO"
"""How a text begins that is still to be written: an owner, a version, a reason."""

_REFINED = frozenset(["transform", "map", "default", "reason", "required"])
_MODIFIERS: Mapping[str, frozenset[str]] = {
    "from": _REFINED,
    "lookup": _REFINED,
    "const": frozenset(["reason"]),
    "index": frozenset(),
    "absent": frozenset(),
    "concat": frozenset(["separator", "transform", "required"]),
    "add": frozenset(["transform", "required"]),
    "subtract": frozenset(["transform", "required"]),
    "multiply": frozenset(["transform", "required"]),
    "todo": frozenset(),
    "when": frozenset(["then", "otherwise"]),
    "each": frozenset(["fields", "sort", "refuse", "required"]),
    "list": frozenset(["required"]),
    "fields": frozenset(["required"]),
}
"""What may stand beside each kind of rule; `fields` comes last because `each` has them too."""


def parse(reading: Reading) -> Definition:
    """The whole mapping; its faults are left in `reading`."""
    data: dict[str, Any] = reading.source.data
    inbound = data["direction"] == "inbound"
    entity = (data["target"] if inbound else data["source"])["entity"]
    spot = Spot(field="", place=(), shape=entity_shape(entity) if inbound else None)
    root = _object(data, spot, reading)
    for name, path in data.get("overlays", {}).items():
        reading.path(path, Spot(field="overlays", place=("overlays", name)))
    _refuse_undecided(data, reading)
    ignored, marks = _ignored(data.get("ignore", ()), reading)
    return Definition(
        name=data["mapping"],
        version=data["version"],
        inbound=inbound,
        entity=entity,
        root=root,
        paths=reading.paths,
        ignored=ignored,
        ignored_marks=marks,
        inputs=tuple(data["source"].get("inputs", ())),
        system=data["source"]["system"],
        schema=data["source"]["schema"]["name"],
        schema_version=data["source"]["schema"]["version"],
        owner=data["owner"],
    )


def _refuse_undecided(data: Mapping[str, Any], reading: Reading) -> None:
    """Facts of the header that are still to be written are faults."""
    for place, text in ((("owner",), data["owner"]), (("source", "schema"), data["source"]["schema"]["version"])):
        if text.startswith(UNDECIDED):
            reading.fault(Spot(field=".".join(place), place=place), f"still to be decided: {text}")


def _ignored(items: Sequence[Mapping[str, Any]], reading: Reading) -> tuple[dict[str, str], dict[str, Mark]]:
    """Paths left aside with the reason, and where each stands; a reason that is still to be written is a fault."""
    reasons: dict[str, str] = {}
    marks: dict[str, Mark] = {}
    for index, item in enumerate(items):
        place = ("ignore", index)
        if item["reason"].startswith(UNDECIDED):
            reading.fault(
                Spot(field="ignore", place=place), f"{', '.join(item['paths'])}: still to be decided: {item['reason']}"
            )
        mark = reading.source.mark(place)
        for path in item["paths"]:
            if path in marks and marks[path].file == mark.file:
                reading.fault(Spot(field=path, place=place), f"is ignored twice, first in line {marks[path].line}")
            reasons[path], marks[path] = item["reason"], mark
    return reasons, marks


def _rule(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    kind = next((kind for kind in _MODIFIERS if kind in data), None)
    if kind is None:
        reading.fault(spot, f"a rule needs one of {', '.join(_MODIFIERS)}")
        return Absent(_head({}, spot, reading))
    stray = set(data) - _MODIFIERS[kind] - {kind}
    if stray:
        reading.fault(spot, f"{', '.join(sorted(stray))} cannot stand beside {kind}")
    return _KINDS[kind](data, spot, reading)


def _head(data: dict[str, Any], spot: Spot, reading: Reading) -> Head:
    if "default" in data and data.get("required"):
        reading.fault(spot, "a rule with a default cannot be required")
    if str(data.get("reason", "")).startswith(UNDECIDED):
        reading.fault(spot, f"the reason is still to be written: {data['reason']}")
    by_target = spot.shape.required if spot.shape else True
    mark = reading.source.mark(spot.place)
    return Head(
        field=spot.field,
        mark=mark,
        version=reading.version(mark),
        required="default" not in data and bool(data.get("required", by_target)),
        default=data.get("default"),
        reason=data.get("reason"),
    )


def _from(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    path = reading.path(data["from"], spot)
    return From(_head(data, spot, reading), path, reading.uses(data, spot), reading.choices(data, spot))


def _lookup(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    lookup = data["lookup"]
    table, column = reading.table(lookup["table"], spot.inside("lookup")), lookup["column"]
    if table and column not in table.columns:
        message = f"table {lookup['table']!r} has no column {column!r}; it has {', '.join(table.columns)}"
        reading.fault(spot.inside("lookup"), message)
    keys = lookup["key"] if isinstance(lookup["key"], list) else [lookup["key"]]
    return Lookup(
        _head(data, spot, reading),
        table or Table(name=lookup["table"], version=0, rows={}),
        column,
        tuple(reading.path(key, spot.inside("lookup")) for key in keys),
        reading.uses(data, spot),
        reading.choices(data, spot),
        reading.path(lookup["for"], spot.inside("lookup")) if "for" in lookup else None,
    )


def _const(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    return Const(_head(data, spot, reading), data["const"])


def _index(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    if not spot.prefix:
        reading.fault(spot, "index has a meaning only inside each")
    return Index(_head(data, spot, reading))


def _absent(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    return Absent(_head({"reason": data["absent"]}, spot, reading))


def _concat(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    parts = tuple(_rule(part, spot.inside("concat", index), reading) for index, part in enumerate(data["concat"]))
    return Concat(_head(data, spot, reading), parts, data.get("separator", ""), reading.uses(data, spot))


def _arithmetic(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    operation: Literal["add", "subtract", "multiply"] = next(
        name for name in ("add", "subtract", "multiply") if name in data
    )
    parts = tuple(_rule(part, spot.inside(operation, index), reading) for index, part in enumerate(data[operation]))
    return Arithmetic(_head(data, spot, reading), operation, parts, reading.uses(data, spot))


def _todo(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    reading.fault(spot, f"is still to be decided: {data['todo']}")
    return Absent(_head({"reason": data["todo"]}, spot, reading))


def _when(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    condition = reading.condition(data["when"], spot.inside("when"))
    then = _rule(data["then"], spot.branch("then"), reading)
    otherwise = _rule(data["otherwise"], spot.branch("otherwise"), reading)
    return When(_head({}, spot, reading), condition, then, otherwise)


def _object(data: dict[str, Any], spot: Spot, reading: Reading) -> Object:
    known = _struct_fields(spot.shape)
    fields = {}
    for name, rule in data["fields"].items():
        field = f"{spot.field}.{name}" if spot.field else name
        inner = Spot(field=field, place=(*spot.place, "fields", name), prefix=spot.prefix, shape=known.get(name))
        if spot.shape and name not in known:
            reading.fault(inner, f"the canonical document has no such field; it has {', '.join(known)}")
        fields[name] = _rule(rule, inner, reading)
    for name in known.keys() - fields.keys():
        field = f"{spot.field}.{name}" if spot.field else name
        inner = Spot(field=field, place=(*spot.place, "fields"))
        way = (
            "set it, or say `absent: reason`"
            if known[name].may_be_empty
            else "the canonical document needs it, so set it"
        )
        reading.fault(inner, f"is not mapped; {way}")
    refusals = tuple(
        (reading.condition(item["when"], spot.inside("refuse", index)), str(item["reason"]))
        for index, item in enumerate(data.get("refuse", ()))
    )
    return Object(_head(data, spot, reading), fields, refusals)


def _each(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    path = reading.path(data["each"], spot.inside("each"))
    item = _item_shape(spot.shape)
    body = Spot(field=f"{spot.field}[]", place=spot.place, prefix=f"{path.full}[].", shape=item)
    if "sort" in data:
        reading.path(data["sort"], body)
    inner: dict[str, Any] = {key: data[key] for key in ("fields", "refuse") if key in data}
    return Each(_head(data, spot, reading), path, _object(inner, body, reading), data.get("sort"))


def _list(data: dict[str, Any], spot: Spot, reading: Reading) -> Rule:
    parts = []
    for index, part in enumerate(data["list"]):
        is_each = "each" in part
        field, shape = (spot.field, spot.shape) if is_each else (f"{spot.field}[]", _item_shape(spot.shape))
        inner = Spot(field=field, place=(*spot.place, "list", index), prefix=spot.prefix, shape=shape)
        parts.append(_rule(part, inner, reading))
    return ListOf(_head(data, spot, reading), tuple(parts))


def _item_shape(shape: Shape | None) -> Shape | None:
    return Shape(kind="object", struct=shape.struct) if shape and shape.struct else None


def _struct_fields(shape: Shape | None) -> Mapping[str, Shape]:
    return fields_of(shape.struct) if shape and shape.struct else {}


_KINDS: Mapping[str, Callable[[dict[str, Any], Spot, Reading], Rule]] = {
    "from": _from,
    "lookup": _lookup,
    "const": _const,
    "index": _index,
    "absent": _absent,
    "concat": _concat,
    "add": _arithmetic,
    "subtract": _arithmetic,
    "multiply": _arithmetic,
    "todo": _todo,
    "when": _when,
    "each": _each,
    "list": _list,
    "fields": _object,
}
