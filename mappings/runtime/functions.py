"""What compiled mappings call. Each function takes any JSON value and either answers or raises `Refused`."""

from collections.abc import Mapping, Sequence
from decimal import InvalidOperation
from typing import Any

import msgspec

from canonical_model.money import Money
from mappings.files.tables import Table
from mappings.files.yaml_source import Mark
from mappings.runtime.arithmetic import added, in_words, multiplied, subtracted
from mappings.runtime.readers import text
from mappings.runtime.records import FieldProblem, FieldTrace, shown
from mappings.runtime.refusal import Refused

_LISTED = 30


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a rule when it is compiled.

    Attributes:
        mapping: Name of the mapping.
        field: Path in the target, items as `[]`.
        source_path: Path in the source, items as `[]`; several joined by commas.
        rule: The rule in words.
        mark: File and line of the rule.
        version: Version of that file.
        reason: Why a default, constant or gap is right.
        table: The lookup's table.
    """

    mapping: str
    field: str
    source_path: str
    rule: str
    mark: Mark
    version: int
    reason: str | None = None
    table: Table | None = None


Indexes = tuple[int, ...]


def step(value: Any, key: str) -> Any:
    """One key of an object; nothing of nothing."""
    if type(value) is dict:
        return value.get(key)
    if value is None:
        return None
    raise Refused(f"is not an object, so it has no {key!r}")


def required(value: Any) -> Any:
    """A value that must not be nothing."""
    if value is None:
        raise Refused("is required and missing or blank in the source")
    return value


def is_present(value: Any) -> bool:
    """Whether there is anything: not None, not blank text, not an empty list or object."""
    if type(value) is str:
        return bool(value.strip())
    return value is not None and (bool(value) or not isinstance(value, (list, tuple, dict)))


def is_same(value: Any, constant: Any) -> bool:
    """Whether a value equals a constant; a number that cannot be compared (a signalling NaN) equals none."""
    try:
        return bool(value == constant)
    except InvalidOperation:
        return False


def is_among(value: Any, constants: Sequence[Any]) -> bool:
    """Whether a value equals one of some constants."""
    return any(is_same(value, constant) for constant in constants)


def choose(value: Any, choices: Mapping[str, str]) -> str | None:
    """The answer of an enum."""
    if value is None:
        return None
    if type(value) is str:
        if value in choices:
            return choices[value]
        if not value.strip():
            return None
    raise Refused(f"is not one of {', '.join(map(repr, choices))}; an unknown value is never guessed")


def find(value: Any, column: Mapping[str, Any], table: Table) -> Any:
    """The answer of a lookup table; a key that it does not have is refused."""
    key = text(value)
    if key is None:
        return None
    if key not in column:
        keys = ", ".join(list(column)[:_LISTED]) + (", ..." if len(column) > _LISTED else "")
        raise Refused(f"is not in table {table.name!r} version {table.version}; it has {keys}")
    return column[key]


def scoped(columns: Mapping[str | None, Mapping[str, Any]], legal_entity: Any) -> Mapping[str, Any]:
    """The column as a legal entity sees it; for one without rows of its own, as everybody does."""
    code = _code(legal_entity)
    return columns[code if code in columns else None]


def _code(legal_entity: Any) -> str | None:
    try:
        return text(legal_entity)
    except Refused:
        raise Refused(f"is looked up for a legal entity whose code is {shown(legal_entity)}; a code is text") from None


def as_list(value: Any) -> Sequence[Any]:
    """A list; nothing for None."""
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return value
    raise Refused("must be a list")


def ordered(items: Sequence[Any], steps: tuple[str, ...]) -> list[tuple[int, Any]]:
    """Items with their source positions, by the text of one path."""
    return sorted(enumerate(items), key=lambda pair: _sort_text(pair[1], steps))


def as_object(item: Any) -> dict[str, Any]:
    """An item that must be an object."""
    if type(item) is dict:
        return item
    raise Refused("must be an object")


def money_object(value: Money | None) -> dict[str, Any] | None:
    """Money in its canonical JSON shape."""
    return None if value is None else {"amount": value.amount, "currency": value.currency}


def refuse(errors: list[FieldProblem], info: Info, at: tuple[Indexes, Indexes], value: Any, refused: Refused) -> None:
    """Note a problem; the field stays empty."""
    problem = FieldProblem(
        mapping=info.mapping,
        version=info.version,
        field=_at(info.field, at[0]),
        source_path=_at(info.source_path, at[1]),
        value=shown(value),
        rule=info.rule,
        message=refused.message,
    )
    errors.append(problem)


def show(
    trail: list[FieldTrace], info: Info, at: tuple[Indexes, Indexes], value: Any, outcome: tuple[Any, ...]
) -> None:
    """Note how a field came about; `outcome` is the result, the reason for it, if any, and for a look-up the legal entity, if it has one."""
    trace = FieldTrace(
        field=_at(info.field, at[0]),
        source_path=_at(info.source_path, at[1]),
        value=shown(value) if isinstance(value, list | tuple) else value,
        result=outcome[0],
        rule=info.rule,
        mapping=info.mapping,
        version=info.version,
        origin=str(info.mark),
        lookup_row=_row(info.table, value, *outcome[2:]),
        reason=outcome[1],
    )
    trail.append(trace)


def _row(table: Table | None, value: Any, legal_entity: Any = None) -> dict[str, Any] | None:
    key = str(value) if type(value) in (str, int) else ""
    code = str(legal_entity).strip() if type(legal_entity) in (str, int) else None
    found = table.find(key.strip(), code) if table else None
    if table is None or found is None:
        return None
    level, row = found
    return {"table": table.name, "version": table.version, "level": level, "key": key, **row}


def _at(template: str, indexes: Indexes) -> str:
    """The path, or each of several joined by commas, with the positions of its items."""
    return ", ".join(_placed(path, indexes) for path in template.split(", "))


def _placed(path: str, indexes: Indexes) -> str:
    for index in indexes:
        path = path.replace("[]", f"[{index}]", 1)
    return path


def _sort_text(item: Any, steps: tuple[str, ...]) -> str:
    for key in steps:
        item = item.get(key) if type(item) is dict else None
    return item if type(item) is str else ""


_CALCULATIONS = (added, subtracted, multiplied, in_words)
_FUNCTIONS = (
    *_CALCULATIONS,
    step,
    required,
    is_present,
    is_same,
    is_among,
    choose,
    find,
    scoped,
    as_list,
    ordered,
    as_object,
    money_object,
    refuse,
    show,
)
PROVIDED: Mapping[str, Any] = {function.__name__: function for function in _FUNCTIONS} | {"Refused": Refused}
"""What the generated code may name, beside the transforms and constants of its mapping."""
