"""What commands write: tables and lines for people on standard output, JSON for scripts, errors and progress on standard error."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from canonical_model.encoding import encode

LONGEST = 100
"""Characters shown of one value of an audit entry."""

PIPED_WIDTH = 200
"""Columns where no terminal says how wide it is."""


def screen(*, errors: bool = False) -> Console:
    """A console on standard output or standard error as they are now."""
    file = sys.stderr if errors else sys.stdout
    return Console(
        file=file, width=None if file.isatty() else PIPED_WIDTH, highlight=False, soft_wrap=not file.isatty()
    )


def say(text: str, *, style: str | None = None) -> None:
    """One line for people."""
    screen().print(escape(text), style=style)


def complain(text: str, *, style: str = "bold red") -> None:
    """One line on standard error."""
    screen(errors=True).print(escape(text), style=style)


def show_json(value: object) -> None:
    """A document, row or list as JSON on one line, keys sorted, amounts as strings."""
    sys.stdout.write(encode(value).decode() + "\n")


def show_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None, right: Sequence[str] = ()
) -> None:
    """A table; None is shown as nothing.

    Args:
        columns: Headings.
        rows: Cells in the order of the columns; a text that begins with `[` and a style is shown as it is, not styled.
        title: Above the table.
        right: Headings of the columns that are aligned to the right.
    """
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    screen().print(table)


def show_facts(facts: Mapping[str, Any]) -> None:
    """Names and values, one a line; those without a value are left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value not in (None, ""):
            table.add_row(escape(name), escape(str(value)))
    screen().print(table)


def heading(text: str) -> None:
    """A line that begins a part."""
    console = screen()
    console.print()
    console.print(escape(text), style="bold underline")


def counted(counts: Mapping[str, int]) -> str:
    """Counts for people: `3 mapped, 1 excepted`, without what is zero."""
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count) or "nothing to do"


def facts(detail: Mapping[str, Any]) -> str:
    """The detail of an audit entry on one line; long values are cut."""
    return ", ".join(f"{name}={_short(value)}" for name, value in detail.items() if value is not None)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
