"""The part of a direct function that makes one value: read, look up, join or calculate, refine, and stand in for what is missing."""

from collections.abc import Callable

import msgspec

from mappings.compiler.analysis import Shared, shared_transforms
from mappings.compiler.expressions import CALCULATIONS, default_of
from mappings.compiler.habits import Habits, Habitual
from mappings.compiler.reads import PRESENT, Place, Reads, where
from mappings.compiler.refining import Refining, Work, f_string
from mappings.compiler.source_text import SourceText
from mappings.language.canonical import Shape
from mappings.language.checks import leaf_kind
from mappings.language.definition import Arithmetic, Concat, From, Lookup, Object, Rule
from mappings.language.walking import paths

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
        habits: What values mostly look like.
    """

    def __init__(
        self, to: SourceText, reads: Reads, make: Callable[[Rule, Place, str], Made], habits: Habitual
    ) -> None:
        self._to, self._reads, self._make, self._habits = to, reads, make, habits
        self._refining = Refining(to, reads)
        self._shared: dict[int, Shared] = {}
        self._columns: dict[tuple[str, str, bool], str] = {}

    def share(self, body: Object) -> None:
        """Note what rules of an object have in common, so that it is done once."""
        self._shared |= shared_transforms(body)

    def leaf(self, rule: Refined, place: Place, name: str, shape: Shape | None) -> Made:
        """Code that leaves the value in a variable; it raises where the careful function would see a problem."""
        if not isinstance(rule, From | Lookup):
            self._combined(rule, place, name)
            return self._fitted(rule, name, shape)
        key = ("leaf", *_meaning(rule, place, shape))
        made: Made = self._reads.recall(*key) or self._read(rule, place, name, shape)
        self._reads.remember(*key, value=made)
        return made

    def _read(self, rule: From | Lookup, place: Place, name: str, shape: Shape | None) -> Made:
        if isinstance(rule, Lookup):
            self._combined(rule, place, name)
        elif not self._is_only_chosen(rule):
            made = self._from(rule, place, name)
            if made.text != name and not _has_more(rule, shape):
                return made
            if made.text != name:
                self._to.line(f"{name} = {made.text}")
        if rule.choices is not None:
            self._choose(rule, place, name)
        return self._fitted(rule, name, shape)

    def _from(self, rule: From, place: Place, name: str) -> Made:
        shared = self._shared.get(id(rule))
        habits = self._habits.of(rule.path, is_needed=rule.head.required)
        work = Work(uses=rule.uses, place=place, habits=habits, has_choices=rule.choices is not None)
        if shared is None:
            self._refining.refine(work, self._reads.value(rule.path, place, needed=rule.head.required), name)
            return Made(text=name)
        begun, rest = self._begun(rule, place, shared), rule.uses[shared.length :]
        if not rest:
            return Made(text=begun, there="" if shared.is_needed else f"{begun} is not None")
        work = msgspec.structs.replace(work, uses=rest, after=rule.uses[shared.length - 1].name)
        self._refining.refine(work, begun, name)
        return Made(text=name)

    def _begun(self, rule: From, place: Place, shared: Shared) -> str:
        """The variable that holds the value after the transforms that it shares with other rules."""
        uses = rule.uses[: shared.length]
        key = ("begun", *where(rule.path, place), repr(uses))
        known: str | None = self._reads.recall(*key)
        if known:
            return known
        name, source = self._to.local(*rule.path.steps), self._reads.value(rule.path, place, needed=shared.is_needed)
        habits = self._habits.of(rule.path, is_needed=shared.is_needed)
        self._refining.refine(Work(uses=uses, place=place, habits=habits), source, name)
        self._reads.remember(*key, value=name)
        return name

    def _combined(self, rule: Lookup | Concat | Arithmetic, place: Place, name: str) -> None:
        if self._may_start_with_nothing(rule, place, name) and rule.head.required:
            self._to.raise_if(f"{name} is None")
        habits = Habits(is_needed=rule.head.required)
        self._refining.refine(Work(uses=rule.uses, place=place, habits=habits), name, name)

    def _may_start_with_nothing(self, rule: Lookup | Concat | Arithmetic, place: Place, name: str) -> bool:
        """Code that leaves in a variable what the transforms begin with; whether that may be None."""
        match rule:
            case Lookup():
                self._look_up(rule, place, name)
                return any(row[rule.column] is None for _, row in rule.table.all_rows())
            case Concat():
                return self._join(rule, place, name)
            case Arithmetic():
                parts = ", ".join(self._part(part, place).text for part in rule.parts)
                self._to.line(f"{name} = {CALCULATIONS[rule.operation]}([{parts}])")
                return True

    def _look_up(self, rule: Lookup, place: Place, name: str) -> None:
        (first, *others), column = rule.keys, self._column(rule, place)
        if rule.head.required and not others:
            self._to.line(f"{name} = {column}[{self._reads.value(first, place, needed=True)}]")
            return
        self._to.line(f"{name} = {self._reads.value(first, place)}")
        for key in others:
            self._to.line(f"if {name} not in {column} and not ({PRESENT.format(name)}):")
            with self._to.deeper(), self._reads.branch():
                self._to.line(f"{name} = {self._reads.value(key, place)}")
        if rule.head.required:
            self._to.line(f"{name} = {column}[{name}]")
            return
        table = self._to.name("T", rule.table)
        self._to.line(f"{name} = {column}[{name}] if {name} in {column} else find({name}, {column}, {table})")

    def _column(self, rule: Lookup, place: Place) -> str:
        """The variable that holds a column of the table, as the legal entity sees it where the rule names one."""
        constant = self._columns.get((rule.table.name, rule.column, bool(rule.scope))) or self._named_column(rule)
        if rule.scope is None:
            return constant
        key = ("column", constant, *where(rule.scope, place))
        known: str | None = self._reads.recall(*key)
        if known:
            return known
        name = self._to.local(rule.column)
        self._to.line(f"{name} = scoped({constant}, {self._reads.value(rule.scope, place)})")
        self._reads.remember(*key, value=name)
        return name

    def _named_column(self, rule: Lookup) -> str:
        table, column = rule.table, rule.column
        levels = {code: table.column(column, code) for code in (None, *table.legal_entities)}
        about = f"column {column} of table {table.name}, version {table.version}"
        value = levels if rule.scope else levels[None]
        name = self._to.constant(value, (table.name, column), about + (", by legal entity" if rule.scope else ""))
        self._columns[table.name, column, bool(rule.scope)] = name
        return name

    def _join(self, rule: Concat, place: Place, name: str) -> bool:
        """Code that joins texts; whether they may come to nothing."""
        parts = [made for part in rule.parts if (made := self._part(part, place)) is not ABSENT]
        if not any(part.there for part in parts):
            is_sure = bool(rule.separator) and len(parts) > 1
            joined = f_string([part.text for part in parts], rule.separator)
            self._to.line(f"{name} = {joined}{'' if is_sure else ' or None'}")
            return not is_sure
        self._to.line(f"{name} = []")
        for part in parts:
            self._to.line_if(part.there, f"{name}.append({part.text})")
        self._to.line(f"{name} = {rule.separator!r}.join({name}) or None")
        return True

    def _part(self, rule: Rule, place: Place) -> Made:
        steps = rule.path.steps if isinstance(rule, From) else ("part",)
        return self._make(rule, place, self._to.local(*steps))

    def _choose(self, rule: From | Lookup, place: Place, name: str) -> None:
        steps = rule.path.steps if isinstance(rule, From) else (rule.table.name, rule.column)
        choices = self._to.constant(rule.choices or {}, steps)
        if isinstance(rule, From) and self._is_only_chosen(rule):
            self._to.line(f"{name} = {choices}[{self._reads.value(rule.path, place, needed=True)}]")
        elif rule.head.required:
            self._to.line(f"{name} = {choices}[{name}]")
        else:
            self._to.line(f"{name} = {choices}[{name}] if {name} in {choices} else choose({name}, {choices})")

    def _is_only_chosen(self, rule: From) -> bool:
        """Whether a raw value that must be there goes straight to the enumeration."""
        return rule.choices is not None and rule.head.required and not rule.uses

    def _fitted(self, rule: Refined, name: str, shape: Shape | None) -> Made:
        """The value as the canonical struct takes it; looked at here, because its constructor does not look."""
        there = "" if rule.head.required else f"{name} is not None"
        if shape and _is_free(rule, shape):
            self._to.raise_if(f"{there and f'{there} and '}{name} not in {shape.choices!r}")
        if rule.head.default is not None:
            self._to.line(f"if {name} is None:")
            self._to.line(f"    {name} = {self._to.literal(default_of(rule))}")
            there = ""
        if shape and _is_widened(rule, shape):
            with self._refining.guarded(name, is_there=not there):
                self._to.line(f"{name} = Decimal({name})")
        return Made(text=name, there=there)


def _meaning(rule: From | Lookup, place: Place, shape: Shape | None) -> tuple[str, str]:
    """What a leaf comes to, in words: two that say the same give the same."""
    source = rule.path if isinstance(rule, From) else (rule.table.name, rule.column, rule.keys, rule.scope)
    wanted = (shape.kind, shape.choices) if shape else None
    words = repr((source, rule.uses, rule.choices, rule.head.required, rule.head.default, wanted))
    return "record" if all(path.at_root for path in paths(rule)) else place.item, words


def _has_more(rule: From, shape: Shape | None) -> bool:
    """Whether something is left to be done after the transforms."""
    if rule.choices is not None or rule.head.default is not None:
        return True
    return shape is not None and (_is_free(rule, shape) or _is_widened(rule, shape))


def _is_free(rule: Refined, shape: Shape) -> bool:
    """Whether the struct takes only some texts, and the rule may give others."""
    if not shape.choices or (isinstance(rule, From | Lookup) and rule.choices is not None):
        return False
    if isinstance(rule, Lookup) and not rule.uses:
        return not {row[rule.column] for _, row in rule.table.all_rows()} <= {*shape.choices, None}
    return True


def _is_widened(rule: Refined, shape: Shape) -> bool:
    return shape.kind == "decimal" and leaf_kind(rule)[0] == "integer"
