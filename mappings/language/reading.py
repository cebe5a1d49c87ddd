"""The small parts of rules: paths, conditions, transforms. Faults and source paths are gathered on the way."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from mappings.files.bundles import Bundle
from mappings.files.faults import Fault
from mappings.files.tables import Table, examined
from mappings.files.yaml_source import Mark, Place, Source
from mappings.language.canonical import Shape
from mappings.language.definition import Condition, Path, Use
from mappings.runtime.refiners import ROUNDINGS
from mappings.runtime.transforms import TRANSFORMS

_STEP = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where in a mapping file the parser stands.

    Attributes:
        field: Path in the target, items as `[]`.
        place: Keys and indexes in the YAML.
        prefix: Full source path of the nearest `each` item with a trailing dot; empty at the record.
        shape: What the canonical struct wants here; None where the target is a payload.
    """

    field: str
    place: Place
    prefix: str = ""
    shape: Shape | None = None

    def inside(self, *keys: str | int) -> "Spot":
        """The same target, deeper in the YAML; what stands there is not the field itself."""
        return msgspec.structs.replace(self, place=(*self.place, *keys), shape=None)

    def branch(self, key: str) -> "Spot":
        """The same target and shape, deeper in the YAML."""
        return msgspec.structs.replace(self, place=(*self.place, key))


class Reading:
    """One pass over one mapping, with or without overlays on it.

    Args:
        source: The mapping, overlays laid on.
        bundle: Where its tables are.
        versions: Version of each file that rules come from.
    """

    def __init__(self, source: Source, bundle: Bundle, versions: Mapping[str, int]) -> None:
        self.source = source
        self.faults: list[Fault] = []
        self.paths: dict[str, Mark] = {}
        self._bundle, self._versions = bundle, versions
        self._tables: dict[str, Table | None] = {}

    def fault(self, spot: Spot, message: str) -> None:
        """Note one fault."""
        self.faults.append(Fault(self.source.mark(spot.place), spot.field or "file", message))

    def version(self, mark: Mark) -> int:
        """Version of the file that a rule stands in."""
        return self._versions[mark.file]

    def path(self, text: str, spot: Spot) -> Path:
        """A path, noted as used."""
        at_root = text.startswith("$.")
        steps = tuple(text.removeprefix("$.").split("."))
        if not all(_STEP.fullmatch(step) for step in steps):
            self.fault(spot, f"path {text!r} is not keys joined by dots")
        full = ("" if at_root else spot.prefix) + ".".join(steps)
        self.paths.setdefault(full, self.source.mark(spot.place))
        return Path(text=text, steps=steps, at_root=at_root or not spot.prefix, full=full)

    def condition(self, data: dict[str, Any], spot: Spot) -> Condition:
        """A comparison."""
        (test,) = set(data) - {"path"}
        return Condition(path=self.path(data["path"], spot), test=test, value=data[test])

    def uses(self, data: dict[str, Any], spot: Spot) -> tuple[Use, ...]:
        """The transforms of a rule, in order."""
        written = data.get("transform", [])
        items = written if isinstance(written, list) else [written]
        return tuple(use for item in items if (use := self._use(item, spot.inside("transform"))))

    def choices(self, data: dict[str, Any], spot: Spot) -> dict[str, str] | None:
        """The enum of a rule; its results must be among the struct's own."""
        choices: dict[str, str] | None = data.get("map")
        allowed = spot.shape.choices if spot.shape else ()
        for value in (choices or {}).values():
            if allowed and value not in allowed:
                self.fault(spot.inside("map"), f"{value!r} is not one of {', '.join(allowed)}")
        return choices

    def table(self, name: str, spot: Spot) -> Table | None:
        """A lookup table; None, with a fault noted, when it cannot be read."""
        if name not in self._tables:
            self._tables[name] = self._read_table(name, spot)
        return self._tables[name]

    def _read_table(self, name: str, spot: Spot) -> Table | None:
        text = self._bundle.table(name)
        if text is None:
            self.fault(spot, f"there is no table {name!r}; write mappings/tables/{name}.yaml")
            return None
        table, faults = examined(name, text)
        self.faults += faults
        return table

    def _use(self, item: Any, spot: Spot) -> Use | None:
        name, argument = (item, None) if isinstance(item, str) else next(iter(item.items()))
        known = TRANSFORMS.get(name)
        if known is None:
            self.fault(spot, f"there is no transform {name!r}; there are {', '.join(sorted(TRANSFORMS))}")
            return None
        if not _FITS[known.argument](argument):
            self.fault(spot, f"transform {name!r} takes {_WANTED[known.argument]}")
            return None
        return Use(name=name, argument=self._argument(known.argument, argument, spot))

    def _argument(self, kind: str, argument: Any, spot: Spot) -> Any:
        if kind == "path":
            return self.path(argument, spot)
        if kind == "condition":
            return self.condition(argument, spot)
        if kind == "table":
            return self._aliases(argument, spot)
        if kind == "currency":
            return self.path(argument["currency"], spot) if "currency" in argument else argument["code"]
        return argument

    def _aliases(self, name: str, spot: Spot) -> Table | None:
        """A table whose first column is text, found by keys in any case."""
        table, seen = self.table(name, spot), dict[str, str]()
        for key, row in table.all_rows() if table else ():
            value = next(iter(row.values()))
            if not isinstance(value, str | None):
                self.fault(spot, f"row {key!r} of table {name!r} gives {value!r}, which is no text")
            if seen.setdefault(key.casefold(), key) != key:
                self.fault(
                    spot, f"rows {seen[key.casefold()]!r} and {key!r} of table {name!r} are the same in small letters"
                )
        return table


def _is_condition(argument: Any) -> bool:
    if not isinstance(argument, dict) or len(argument) != 2 or not _is_path(argument.get("path")):
        return False
    ((test, value),) = ((key, value) for key, value in argument.items() if key != "path")
    if test == "in":
        return isinstance(value, list) and bool(value) and all(map(_is_constant, value))
    return isinstance(value, bool) if test == "present" else test == "equals" and _is_constant(value)


def _is_constant(value: Any) -> bool:
    return isinstance(value, str | int | Decimal)


def _is_path(argument: Any) -> bool:
    return isinstance(argument, str) and bool(argument)


def _is_currency(argument: Any) -> bool:
    return (
        isinstance(argument, dict)
        and set(argument) in ({"currency"}, {"code"})
        and all(map(_is_path, argument.values()))
    )


_FITS = {
    "none": lambda argument: argument is None,
    "path": _is_path,
    "table": _is_path,
    "rounding": lambda argument: isinstance(argument, str) and argument in ROUNDINGS,
    "condition": _is_condition,
    "length": lambda argument: type(argument) is int and argument > 0,
    "pattern": lambda argument: isinstance(argument, str) and argument.count("{}") == 1,
    "field": lambda argument: isinstance(argument, str) and bool(_STEP.fullmatch(argument)),
    "currency": _is_currency,
}
_WANTED = {
    "none": "no argument",
    "path": "a path",
    "table": "the name of a table",
    "rounding": f"one of {', '.join(ROUNDINGS)}",
    "condition": "a condition: path and one of equals, in, present",
    "length": "a number of characters",
    "pattern": "a text with one {} in it",
    "field": "the name of a money field of the items",
    "currency": "either currency: a path, or code: an ISO 4217 code",
}
