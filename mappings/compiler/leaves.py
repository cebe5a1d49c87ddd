"""The part of a direct function that makes one value: read, look up, join or calculate, refine, and stand in for what is missing."""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from mappings.compiler import walking
from mappings.compiler.reads import PRESENT, Place, Reads
from mappings.compiler.refining import Refining, Work, f_string
from mappings.compiler.shortcuts import Habits
from mappings.compiler.source_text import SourceText
from mappings.language.canonical import Shape, shape_at
from mappings.language.checks import leaf_kind
from mappings.language.definition import Arithmetic, Concat, From, Lookup, Object, Path, Rule

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
        canonical: The canonical entity that is read, if it is one.
    """

    def __init__(
        self, to: SourceText, reads: Reads, make: Callable[[Rule, Place, str], Made], *, canonical: str | None
    ) -> None:
        self._to, self._reads, self._make, self._canonical = to, reads, make, canonical
        self._refining = Refining(to, reads)
        self._shared: dict[int, walking.Shared] = {}

    def share(self, body: Object) -> None:
        """Note what rules of an object have in common, so that it is done once."""
        self._shared |= walking.shared_transforms(body)

    def leaf(self, rule: Refined, place: Place, name: str, shape: Shape | None) -> Made:
        """Code that leaves the value in the variable `name`; it raises where the careful function would see a problem."""
        if isinstance(rule, From):
            made = self._from(rule, place, name)
            if made.text != name and not _has_more(rule, shape):
                return made
            if made.text != name:
                self._to.line(f"{name} = {made.text}")
        else:
            self._combined(rule, place, name)
        if isinstance(rule, From | Lookup) and rule.choices is not None:
            self._choose(rule, name)
        return self._fitted(rule, name, shape)

    def _from(self, rule: From, place: Place, name: str) -> Made:
        shared = self._shared.get(id(rule))
        source = self._reads.value(rule.path, place, needed=rule.head.required)
        work = Work(
            uses=rule.uses,
            place=place,
            is_needed=rule.head.required,
            has_choices=rule.choices is not None,
            habits=self._habits(rule.path, is_needed=rule.head.required),
        )
        if shared:
            source = self._begun(rule, place, shared)
            rest = rule.uses[shared.count :]
            work = msgspec.structs.replace(work, uses=rest, after=rule.uses[shared.count - 1].name)
            if not rest:
                return Made(text=source, there="" if shared.is_needed else f"{source} is not None")
        self._refining.refine(work, source, name)
        return Made(text=name)

    def _begun(self, rule: From, place: Place, shared: walking.Shared) -> str:
        """The variable that holds the value after the transforms that it shares with other rules."""
        names = tuple(repr(use) for use in rule.uses[: shared.count])
        known = self._reads.known("begun", rule.path, place, *names)
        if known:
            return known
        name = self._reads.know("begun", rule.path, place, *names)
        source = self._reads.value(rule.path, place, needed=shared.is_needed)
        uses, habits = rule.uses[: shared.count], self._habits(rule.path, is_needed=shared.is_needed)
        self._refining.refine(Work(uses=uses, place=place, is_needed=shared.is_needed, habits=habits), source, name)
        return name

    def _combined(self, rule: Lookup | Concat | Arithmetic, place: Place, name: str) -> None:
        match rule:
            case Lookup():
                self._look_up(rule, place, name)
            case Concat():
                self._join(rule, place, name)
            case Arithmetic():
                parts = ", ".join(self._part(part, place).text for part in rule.parts)
                self._to.line(f"{name} = {_CALCULATIONS[rule.operation]}([{parts}])")
        if rule.head.required:
            self._refining.demand(name)
        self._refining.refine(Work(uses=rule.uses, place=place, is_needed=rule.head.required), name, name)

    def _look_up(self, rule: Lookup, place: Place, name: str) -> None:
        first, *others = rule.keys
        self._to.line(f"{name} = {self._reads.value(first, place, needed=rule.head.required and not others)}")
        for key in others:
            self._to.line(f"if not ({PRESENT.format(name)}):")
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
            self._to.line(f"{name} = {f_string([part.text for part in parts], rule.separator)} or None")
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

    def _choose(self, rule: From | Lookup, name: str) -> None:
        choices = self._to.constant(rule.choices or {}, (*rule.head.field.replace("[]", "").split("."), "choices")[-2:])
        if rule.head.required:
            self._to.line(f"{name} = {choices}[{name}]")
        else:
            self._to.line(f"{name} = {choices}[{name}] if {name} in {choices} else choose({name}, {choices})")

    def _fitted(self, rule: Refined, name: str, shape: Shape | None) -> Made:
        """The value as the canonical struct takes it; looked at here, because its constructor does not look."""
        there = "" if rule.head.required else f"{name} is not None"
        if _is_free(rule, shape):
            self._to.line(f"if {there + ' and ' if there else ''}{name} not in {shape.choices!r}:")
            self._to.line("    raise Unusual")
        if rule.head.default is not None:
            default = Decimal(rule.head.default) if leaf_kind(rule)[0] == "decimal" else rule.head.default
            self._to.line(f"if {name} is None:")
            self._to.line(f"    {name} = {self._to.literal(default)}")
            there = ""
        if _is_widened(rule, shape):
            with self._refining.guarded(name, is_there=not there):
                self._to.line(f"{name} = Decimal({name})")
        return Made(text=name, there=there)

    def _habits(self, path: Path, *, is_needed: bool) -> Habits:
        entity, *steps = path.full.split(".")
        shape = shape_at(entity, tuple(steps)) if entity == self._canonical else None
        is_text = bool(shape and shape.kind == "text")
        return Habits(is_text=is_text, decimals=self._canonical is not None, is_needed=is_needed)


_CALCULATIONS = {"add": "added", "subtract": "subtracted", "multiply": "multiplied"}


def _has_more(rule: From, shape: Shape | None) -> bool:
    """Whether something is left to be done after the transforms."""
    is_done = rule.choices is None and rule.head.default is None
    return not is_done or _is_free(rule, shape) or _is_widened(rule, shape)


def _is_free(rule: Refined, shape: Shape | None) -> bool:
    """Whether the struct takes only some texts, and the rule may give any."""
    return bool(shape and shape.choices) and (isinstance(rule, Concat | Arithmetic) or rule.choices is None)


def _is_widened(rule: Refined, shape: Shape | None) -> bool:
    return bool(shape and shape.kind == "decimal") and leaf_kind(rule)[0] == "integer"
