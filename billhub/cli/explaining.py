"""Explanations on the command line: which fields, as table, JSON or HTML."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol, TypeVar

import typer

from billhub.cli.exits import CommandError
from billhub.cli.output import complain, heading, say, show_facts, show_table

if TYPE_CHECKING:
    from billhub.explanation import MappingExplanation, Page
    from billhub.explanation.page import Row, Step
    from billhub.story import InvoiceExplanation

FieldPath = Annotated[
    str | None,
    typer.Option(
        "--field",
        metavar="PATH",
        help="Only this field and what is inside it, for example lines[0].net; * stands for anything.",
        show_default=False,
    ),
]
HtmlFile = Annotated[
    str | None,
    typer.Option(
        "--html", metavar="FILE", help="Write a self-contained page; - for standard output.", show_default=False
    ),
]


class HasField(Protocol):
    """Whatever explains one field."""

    @property
    def field(self) -> str:
        """Its path."""
        ...


Explained = TypeVar("Explained", bound=HasField)


def only(fields: Sequence[Explained], wanted: str | None) -> tuple[Explained, ...]:
    """The fields that a person asked for, all without a wish.

    Args:
        fields: All of them.
        wanted: A path, in which `*` stands for anything; what is inside it counts too.

    Raises:
        CommandError: No field has such a path.
    """
    if wanted is None:
        return tuple(fields)
    pattern = re.compile(re.escape(wanted).replace(r"\*", ".*") + r"(?:[.\[].*)?")
    found = tuple(each for each in fields if pattern.fullmatch(each.field))
    if not found:
        known = ", ".join(dict.fromkeys(re.sub(r"\[\d+\]", "[*]", each.field) for each in fields))
        raise CommandError(f"there is no field {wanted!r}; there are {known}")
    return found


def write_page(page: "Page", target: str) -> None:
    """Write an explanation as HTML into a file, or to standard output for `-`."""
    from billhub.explanation import html  # noqa: PLC0415 - templates load slowly

    text = html(page)
    if target == "-":
        sys.stdout.write(text)
        return
    Path(target).write_text(text, "utf-8")
    complain(f"wrote {target}", style="green")


def tell_invoice(explanation: "InvoiceExplanation") -> None:
    """An invoice's fields as tables, after the documents they rest on; what cannot be confirmed goes to standard error."""
    from billhub.explanation import invoice_page  # noqa: PLC0415 - templates load slowly

    page = invoice_page(explanation)
    say(page.title, style="bold")
    show_facts(page.facts)
    for warning in page.warnings:
        complain(warning)
    heading("Made from")
    rows = [(each.name, each.role, each.record, each.mapping, each.finding) for each in page.records]
    show_table(("Document", "Used for", "Record as received", "Mapping of then", "Run again"), rows)
    for title, section in page.sections.items():
        heading(title)
        show_table(("Field", "Value", "How it came about"), [_cells(row) for row in section])


def tell_record(explanation: "MappingExplanation") -> None:
    """A record's fields as a table, then what the mapping leaves aside; problems go to standard error."""
    from billhub.explanation import mapping_page  # noqa: PLC0415 - templates load slowly

    page = mapping_page(explanation)
    say(f"{page.title}, fingerprint {page.facts['Fingerprint']}: {explanation.record}", style="bold")
    rows = [_traced(row, row.steps[0]) for section in page.sections.values() for row in section]
    show_table(("Field", "Value", "Source", "As received", "Rule", "Where", "Reason"), rows)
    for title, remarks in page.remarks.items():
        if remarks:
            heading(title)
            show_table(("Source path", "Reason"), [(each.path, each.text) for each in remarks])
    for problem in page.warnings:
        complain(problem)


def _cells(row: "Row") -> tuple[str, str, str]:
    doubt = [f"NOT CONFIRMED: {row.doubt}"] if row.doubt else []
    return row.field, row.value, "\n".join([row.how, *doubt, *(f"  {_told(step)}" for step in row.steps)])


def _told(step: "Step") -> str:
    parts = [f"{step.document} {step.path} = {step.value}"]
    if step.source_path:
        parts.append(f"read from {step.source_path}: {step.received}")
    if step.rule:
        parts.append(f"rule {step.rule}, {step.mapping}, {step.origin}")
    if step.lookup:
        parts.append(f"looked up in {step.lookup}")
    return "; ".join([*parts, *([f"reason: {step.reason}"] if step.reason else [])])


def _traced(row: "Row", step: "Step") -> tuple[str, ...]:
    because = "; ".join(each for each in (step.reason, step.lookup) if each)
    return (
        row.field,
        row.value,
        step.source_path,
        step.received if step.source_path else "",
        step.rule,
        step.origin,
        because,
    )
