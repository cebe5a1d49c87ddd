"""The part of a direct function that makes one value: read, look up, join or calculate, refine, and stand in for what is missing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

import msgspec

from mappings.compiler.reads import Place, Reads
from mappings.compiler.shortcuts import Shortcut, shortcuts
from mappings.compiler.source_text import SourceText
from mappings.files.tables import Table
from mappings.language.canonical import Shape
from mappings.language.checks import leaf_kind
from mappings.language.definition import Arithmetic, Concat, Condition, From, Lookup, Path, Rule, Use
from mappings.runtime.transforms import TRANSFORMS

Refined = From | Lookup | Concat | Arithmetic


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule came to.

    Attributes:
        text: Expression for it.
        there: Condition under which there is anything; empty where there always is.
    """

    text: str
    there: str = ""


ABSENT = Made(text="None", there="False")


class Leaves:
    """Writes the leaves of one mapping.

    Args:
        to: Where the code goes.
        reads: How the record is read.
        make: Writes a rule that is a part of another.
        numbers_are_text: Whether numbers mostly come as text, not as Decimal.
    """

    def __init__(
        self, to: SourceText, reads: Reads, make: Callable[[Rule, Place, str], Made], *, numbers_are_text: bool
    ) -> None:
        self._to, self._reads, self._make, self._numbers_are_text = to, reads, make, numbers_are_text

    def leaf(self, rule: Refined, place: Place, name: str, shape: Shape | None) -> Made:
        """Code that leaves the value in the variable `name`; it raises where the careful function would see a problem."""
        is_needed = rule.head.required
        self._start(rule, place, name)
        if is_needed and not isinstance(rule, From):
            self._demand(name)
        for group in self._groups(rule):
            with self._guarded(name, is_needed):
                for use, shortcut in group:
                    self._transform(use, shortcut, name, place)
            if is_needed and group[-1][1].may_be_none:
                self._demand(name)
        self._choose(rule, name)
        return self._fitted(rule, name, shape)

    def _start(self, rule: Refined, place: Place, name: str) -> None:
        match rule:
            case From():
                self._to.line(f"{name} = {self._reads.value(rule.path, place, needed=rule.head.required)}")
            case Lookup():
                self._look_up(rule, place, name)
            case Concat():
                self._join(rule, place, name)
            case Arithmetic():
                parts = ", ".join(self._part(part, place).text for part in rule.parts)
                self._to.line(f"{name} = {_CALCULATIONS[rule.operation]}([{parts}])")

    def _look_up(self, rule: Lookup, place: Place, name: str) -> None:
        first, *others = rule.keys
        self._to.line(f"{name} = {self._reads.value(first, place, needed=rule.head.required and not others)}")
        for key in others:
            self._to.line(f"if not is_present({name}):")
            with self._to.deeper(), self._reads.branch():
                self._to.line(f"{name} = {self._reads.value(key, place)}")
        column, table = self._column(rule, place), self._to.name("T", rule.table)
        self._to.line(f"{name} = {column}[{name}] if {name} in {column} else find({name}, {column}, {table})")

    def _column(self, rule: Lookup, place: Place) -> str:
        table, steps = rule.table, (rule.table.name, rule.column)
        about = f"column {rule.column} of table {table.name}, version {table.version}"
        if rule.scope is None:
            return self._to.constant(table.column(rule.column), steps, about)
        levels = {code: table.column(rule.column, code) for code in (None, *table.legal_entities)}
        columns, column = self._to.constant(levels, steps, f"{about}, by legal entity"), self._to.local(rule.column)
        self._to.line(f"{column} = scoped({columns}, {self._reads.value(rule.scope, place)})")
        return column

    def _join(self, rule: Concat, place: Place, name: str) -> None:
        parts = [made for part in rule.parts if (made := self._part(part, place)) is not ABSENT]
        if not any(part.there for part in parts):
            texts = "".join(f"{part.text}, " for part in parts)
            self._to.line(f"{name} = {rule.separator!r}.join(({texts})) or None")
            return
        self._to.line(f"{name} = []")
        for part in parts:
            if part.there:
                self._to.line(f"if {part.there}:")
            self._to.line(f"{'    ' if part.there else ''}{name}.append({part.text})")
        self._to.line(f"{name} = {rule.separator!r}.join({name}) or None")

    def _part(self, rule: Rule, place: Place) -> Made:
        steps = rule.path.steps if isinstance(rule, From) else ("part",)
        return self._make(rule, place, self._to.local(*steps))

    def _groups(self, rule: Refined) -> Iterator[list[tuple[Use, Shortcut]]]:
        """The transforms in runs through which a value that is there stays there, but for the last of each."""
        has_choices = isinstance(rule, From | Lookup) and rule.choices is not None
        group = []
        for use, shortcut in shortcuts(rule.uses, has_choices=has_choices, numbers_are_text=self._numbers_are_text):
            group.append((use, shortcut))
            if shortcut.may_be_none:
                yield group
                group = []
        if group:
            yield group

    def _transform(self, use: Use, shortcut: Shortcut, name: str, place: Place) -> None:
        argument = self._argument(use, name, place)
        if not shortcut.code:
            function = f"{use.name}_" if use.name == "and" else use.name
            self._to.names[function] = TRANSFORMS[use.name].function
            self._to.line(f"{name} = {function}({name}{argument and f', {argument}'})")
            return
        second = self._to.local(name, "currency") if "{w}" in shortcut.code else ""
        for line in shortcut.code.format(v=name, w=second, arg=argument).splitlines():
            self._to.line(line)

    def _argument(self, use: Use, name: str, place: Place) -> str:
        match use.argument:
            case None:
                return ""
            case Path() if use.name == "money":
                return self._reads.currency(use.argument, place)
            case Path():
                return self._reads.value(use.argument, place)
            case Condition():
                return self._reads.condition(use.argument, place)
            case Table():
                table = use.argument
                return self._to.constant(table.folded(), (table.name,), f"table {table.name}, version {table.version}")
            case str() if use.name == "format":
                return _around(name, use.argument)
            case _:
                return repr(use.argument)

    def _choose(self, rule: Refined, name: str) -> None:
        if not isinstance(rule, From | Lookup) or rule.choices is None:
            return
        choices = self._to.constant(rule.choices, (*_steps(rule.head.field), "choices")[-2:])
        if rule.head.required:
            self._to.line(f"{name} = {choices}[{name}]")
        else:
            self._to.line(f"{name} = {choices}[{name}] if {name} in {choices} else choose({name}, {choices})")

    def _fitted(self, rule: Refined, name: str, shape: Shape | None) -> Made:
        """The value as the canonical struct takes it; only here, because its constructor does not look."""
        there = "" if rule.head.required else f"{name} is not None"
        is_free = isinstance(rule, Concat | Arithmetic) or rule.choices is None
        if shape and shape.choices and is_free:
            self._to.line(f"if {there + ' and ' if there else ''}{name} not in {shape.choices!r}:")
            self._to.line("    raise Unusual")
        kind = leaf_kind(rule)[0]
        if rule.head.default is not None:
            default = rule.head.default
            self._to.line(f"if {name} is None:")
            self._to.line(f"    {name} = {self._to.literal(Decimal(default) if kind == 'decimal' else default)}")
            there = ""
        if shape and shape.kind == "decimal" and kind == "integer":
            with self._guarded(name, not there):
                self._to.line(f"{name} = Decimal({name})")
        return Made(text=name, there=there)

    def _demand(self, name: str) -> None:
        self._to.line(f"if {name} is None:")
        self._to.line("    raise Unusual")

    @contextmanager
    def _guarded(self, name: str, is_there: bool) -> Iterator[None]:
        """Code that only runs for a value that is there, which it always is where a missing one has raised."""
        if is_there:
            yield
            return
        self._to.line(f"if {name} is not None:")
        with self._to.deeper(), self._reads.branch():
            yield


_CALCULATIONS = {"add": "added", "subtract": "subtracted", "multiply": "multiplied"}


def _around(name: str, pattern: str) -> str:
    before, _, after = pattern.partition("{}")
    return " + ".join([*([repr(before)] if before else []), name, *([repr(after)] if after else [])])


def _steps(field: str) -> Sequence[str]:
    return tuple(field.replace("[]", "").split("."))
