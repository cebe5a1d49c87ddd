"""Python source text under construction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any


class SourceText:
    """Lines of one function and the objects they refer to by name.

    Args:
        names: Objects that the lines may use from the start.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = dict(names)
        self._lines: list[str] = []
        self._depth = 0
        self._count = 0

    @property
    def text(self) -> str:
        """All lines so far."""
        return "\n".join(self._lines) + "\n"

    def line(self, text: str) -> None:
        """One line at the present depth."""
        self._lines.append("    " * self._depth + text)

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
        """A name that nothing else has."""
        self._count += 1
        return f"{prefix}_{self._count}"

    def name(self, prefix: str, value: Any) -> str:
        """A fresh name that stands for an object."""
        name = self.fresh(prefix)
        self.names[name] = value
        return name

    def literal(self, value: Any) -> str:
        """A constant as Python text; a Decimal by name."""
        return self.name("D", value) if isinstance(value, Decimal) else repr(value)
