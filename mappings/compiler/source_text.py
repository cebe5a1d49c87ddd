"""Python source text under construction."""

import builtins
import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain, count
from typing import Any

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_NAME = re.compile(r"\W|^(?=\d)", re.ASCII)
_SHOWN_ROWS = 12


_BUILTINS = {each.__name__: each for each in (abs, bool, dict, enumerate, format, int, len, list, str, tuple, type)}
"""All that generated code may call, beside the names that it is given."""


class SourceText:
    """Lines of one function, `map_record`, and the objects they refer to by name.

    Args:
        names: Objects that the lines may use from the start.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = dict(names)
        self._constants: list[str] = []
        self._lines: list[str] = []
        self._depth = 0
        self._count = 0
        self._taken = {*names, *keyword.kwlist, *dir(builtins), "record", "value", "carefully"}

    @property
    def text(self) -> str:
        """The constants, then all lines so far."""
        head = [*self._constants, "", ""] if self._constants else []
        return "\n".join([*head, *self._lines]) + "\n"

    def function(self, title: str) -> Callable[..., Any]:
        """The function; `title` is how tracebacks name its file."""
        namespace = {"__builtins__": _BUILTINS, **self.names}
        exec(compile(self.text, f"<mapping {title}>", "exec"), namespace)  # noqa: S102 - our own text, made from typed rules
        made: Callable[..., Any] = namespace["map_record"]
        return made

    def line(self, text: str) -> None:
        """One line at the present depth."""
        self._lines.append("    " * self._depth + text)

    def block(self, first: str, lines: Iterable[str], last: str) -> None:
        """Lines of which the inner ones are one level deeper."""
        self.line(first)
        with self.deeper():
            for line in lines:
                self.line(line)
        self.line(last)

    def line_if(self, condition: str, text: str) -> None:
        """One line that runs under a condition; always for an empty one."""
        if condition:
            self.line(f"if {condition}:")
        self.line(f"{'    ' if condition else ''}{text}")

    def raise_if(self, condition: str) -> None:
        """Code that gives up on a record as unusual."""
        self.line(f"if {condition}:")
        self.line("    raise Unusual")

    def comment(self, text: str) -> None:
        """A comment, kept on one line whatever is in it."""
        self.line(f"# {' '.join(text.split())}")

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One level of indentation."""
        self._depth += 1
        yield
        self._depth -= 1

    def fresh(self, prefix: str) -> str:
        """A counted name that nothing else has."""
        self._count += 1
        return self._free(f"{prefix}_{self._count}")

    def local(self, *steps: str) -> str:
        """A name for a variable after the last step of a path, with the step before it where that is taken; nothing else has it."""
        return self._free(python_name(*steps[-1:]), python_name(*steps[-2:]))

    def name(self, prefix: str, value: Any) -> str:
        """A counted name that stands for an object."""
        name = self.fresh(prefix)
        self.names[name] = value
        return name

    def constant(self, value: Mapping[Any, Any], steps: tuple[str, ...], about: str = "") -> str:
        """A name for a mapping of constants: written out above the function when it is short, else described there by `about`.

        It is made of the last of the steps, with the one before it where that name is taken.
        """
        name = self._free(python_name(*steps[-1:]).upper(), python_name(*steps[-2:]).upper())
        if len(value) <= _SHOWN_ROWS and all(type(each) in (str, int, bool, type(None)) for each in value.values()):
            self._constants.append(f"{name} = {dict(value)!r}")
        else:
            self._constants.append(f"# {name}: {' '.join(about.split())}")
            self.names[name] = value
        return name

    def literal(self, value: Any) -> str:
        """A constant as Python text; a Decimal by name."""
        return self.name("D", value) if isinstance(value, Decimal) else repr(value)

    def _free(self, *names: str) -> str:
        """The first of these names that is not taken yet; else the last with a number."""
        numbered = (f"{names[-1]}_{number}" for number in count(2))
        name = next(each for each in chain(names, numbered) if each not in self._taken)
        self._taken.add(name)
        return name


def python_name(*steps: str) -> str:
    """The steps of a path as one Python name in small letters: `purchase_order_no` for `purchaseOrderNo`."""
    words = "_".join(_HUMP.sub("_", step.removesuffix("[]").removesuffix("__c")) for step in steps)
    return _NO_NAME.sub("_", words).lower().rstrip("_") or "value"
