"""The part of a direct function that sends a value through its transforms."""

from ast import literal_eval
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from mappings.compiler.reads import Place, Reads
from mappings.compiler.shortcuts import Habits, Shortcut, shortcuts
from mappings.compiler.source_text import SourceText
from mappings.files.tables import Table
from mappings.language.definition import Condition, Path, Use

_ANY = Habits()


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with a value.

    Attributes:
        uses: The transforms.
        place: Where the code stands.
        is_needed: Whether a missing value raises.
        after: The transform that the value has been through before; empty for none.
        has_choices: Whether an enumeration follows.
        habits: What the value mostly looks like.
    """

    uses: tuple[Use, ...]
    place: Place
    is_needed: bool
    after: str = ""
    has_choices: bool = False
    habits: Habits = _ANY


class Refining:
    """Writes transforms.

    Args:
        to: Where the code goes.
        reads: How the record is read.
    """

    def __init__(self, to: SourceText, reads: Reads) -> None:
        self._to, self._reads = to, reads

    def refine(self, work: Work, source: str, name: str) -> None:
        """Code that makes the variable `name` of the value that the expression `source` gives."""
        groups = list(_groups(work))
        raw = self._taken(work, source, name, groups[0][0][1].code if groups else "")
        for group in groups:
            with self.guarded(name if raw == name else "value", is_there=work.is_needed):
                for use, shortcut in group:
                    self._transform(use, shortcut, work, (raw, name))
                    raw = name
            if work.is_needed and _may_vanish(group[-1][1]):
                self.demand(name, is_text=group[-1][1].may_be_blank)

    def demand(self, name: str, *, is_text: bool = False) -> None:
        """Code that raises where a variable holds nothing."""
        self._to.line(f"if not {name}:" if is_text else f"if {name} is None:")
        self._to.line("    raise Unusual")

    @contextmanager
    def guarded(self, name: str, *, is_there: bool) -> Iterator[None]:
        """Code that runs for a value that is there, which it always is where a missing one has raised."""
        if is_there:
            yield
            return
        self._to.line(f"if {name} is not None:")
        with self._to.deeper(), self._reads.branch():
            yield

    def _taken(self, work: Work, source: str, name: str, code: str) -> str:
        """Where the first transform finds the value; it may be in a variable because it is asked for more than once."""
        times = code.count("{r}") if code else 1
        if source == name or (work.is_needed and times == 1 and work.uses):
            return source
        if times == 0 or source.isidentifier() or not work.uses:
            self._to.line(f"{name} = {source}")
            return name
        self._to.line(f"value = {source}" if work.is_needed else f"{name} = value = {source}")
        return "value"

    def _transform(self, use: Use, shortcut: Shortcut, work: Work, variables: tuple[str, str]) -> None:
        raw, name = variables
        argument = self._argument(use, work.place, raw)
        function = f"{use.name}_" if use.name == "and" else use.name
        code = shortcut.code or f"{{v}} = {function}({{r}}{argument and ', {arg}'})"
        if shortcut.may_be_blank and not work.is_needed:
            code = f"{{v}} = ({code.removeprefix('{v} = ')}) or None"
        second = self._to.local(name, "other") if "{w}" in code else ""
        for line in code.format(v=name, r=raw, w=second, arg=argument).splitlines():
            self._to.line(line)

    def _argument(self, use: Use, place: Place, raw: str) -> str:
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
                about = f"table {use.argument.name}, version {use.argument.version}"
                return self._to.constant(use.argument.folded(), (use.argument.name,), about)
            case str() if use.name == "format":
                before, _, after = use.argument.partition("{}")
                return f_string([repr(before), raw, repr(after)])
            case _:
                return repr(use.argument)


def f_string(parts: Sequence[str], separator: str = "") -> str:
    """Variables and literals of texts, joined by a separator, as one literal."""
    texts = (literal_eval(part).translate(_BRACES) if part[0] in "'\"" else f"{{{part}}}" for part in parts)
    return f"f{separator.translate(_BRACES).join(texts)!r}"


_BRACES = str.maketrans({"{": "{{", "}": "}}"})


def _groups(work: Work) -> Iterator[list[tuple[Use, Shortcut]]]:
    """The transforms in runs through which a value that is there stays there, but for the last of each."""
    group = []
    for use, shortcut in shortcuts(work.uses, work.habits, after=work.after, has_choices=work.has_choices):
        group.append((use, shortcut))
        if _may_vanish(shortcut):
            yield group
            group = []
    if group:
        yield group


def _may_vanish(shortcut: Shortcut) -> bool:
    return shortcut.may_be_none or shortcut.may_be_blank
