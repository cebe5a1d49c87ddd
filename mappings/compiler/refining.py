"""The part of a direct function that sends a value through its transforms."""

from ast import literal_eval
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from mappings.compiler.habits import Habits
from mappings.compiler.reads import Place, Reads
from mappings.compiler.shortcuts import Shortcut, shortcuts
from mappings.compiler.source_text import SourceText
from mappings.files.tables import Table
from mappings.language.definition import Condition, Path, Use

_BRACES = str.maketrans({"{": "{{", "}": "}}"})


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with a value.

    Attributes:
        uses: The transforms.
        place: Where the code stands.
        habits: What the value mostly looks like; one that is needed and missing raises.
        after: The transform that the value has been through before; empty for none.
        has_choices: Whether an enumeration follows.
    """

    uses: tuple[Use, ...]
    place: Place
    habits: Habits
    after: str = ""
    has_choices: bool = False


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
        is_needed = work.habits.is_needed
        raw = self._taken(work, source, name, groups[0][0][1].code if groups else "")
        for group in groups:
            with self.guarded(raw, is_there=is_needed):
                for use, shortcut in group:
                    self._transform(use, shortcut, work, (raw, name))
                    raw = name
            if is_needed and group[-1][1].may_vanish:
                self._to.raise_if(f"not {name}" if group[-1][1].may_be_blank else f"{name} is None")

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
        """Where the first transform finds the value: in the expression itself, or in a variable when it is asked for more than once."""
        times = code.count("{r}") if code else 1
        if source == name or (work.habits.is_needed and times == 1 and work.uses):
            return source
        if times == 0 or source.isidentifier() or not work.uses:
            self._to.line(f"{name} = {source}")
            return name
        self._to.line(f"value = {source}" if work.habits.is_needed else f"{name} = value = {source}")
        return "value"

    def _transform(self, use: Use, shortcut: Shortcut, work: Work, variables: tuple[str, str]) -> None:
        raw, name = variables
        argument = self._argument(use, work.place, raw)
        function = f"{use.name}_" if use.name == "and" else use.name
        code = shortcut.code or f"{{v}} = {function}({{r}}{argument and ', {arg}'})"
        if shortcut.may_be_blank and not work.habits.is_needed:
            code = f"{{v}} = ({code.removeprefix('{v} = ')}) or None"
        second = self._to.local(name, "other") if "{w}" in code else ""
        for line in code.format(v=name, r=raw, w=second, arg=argument).splitlines():
            self._to.line(line)

    def _argument(self, use: Use, place: Place, raw: str) -> str:
        match use.argument:
            case None:
                return ""
            case Path():
                read = self._reads.currency if use.name == "money" else self._reads.value
                return read(use.argument, place)
            case Condition():
                return self._reads.condition(use.argument, place)
            case Table(name=name, version=version):
                return self._to.constant(use.argument.folded(), (name,), f"table {name}, version {version}")
            case _:
                return _constant(use, raw)


def f_string(parts: Sequence[str], separator: str = "") -> str:
    """Variables and literals of texts, joined by a separator, as one literal."""
    texts = (literal_eval(part).translate(_BRACES) if part[0] in "'\"" else f"{{{part}}}" for part in parts)
    return f"f{separator.translate(_BRACES).join(texts)!r}"


def _constant(use: Use, raw: str) -> str:
    if use.name != "format":
        return repr(use.argument)
    before, _, after = str(use.argument).partition("{}")
    return f_string([repr(before), raw, repr(after)])


def _groups(work: Work) -> Iterator[list[tuple[Use, Shortcut]]]:
    """The transforms in runs through which a value that is there stays there, but for the last of each."""
    group = []
    for use, shortcut in shortcuts(work.uses, work.habits, after=work.after, has_choices=work.has_choices):
        group.append((use, shortcut))
        if shortcut.may_vanish:
            yield group
            group = []
    if group:
        yield group
