"""One page for all explanations: what it shows, and its HTML, which loads nothing from elsewhere and can be kept, mailed and printed."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from billhub.story.fields import worded
from mappings import FieldTrace
from mappings.runtime.records import shown

_FEW = 3
"""Fields from which on an object gets a section of its own."""

_FOLDER = Path(__file__).parent / "templates"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step back to the source: a value and where it was read.

    Attributes:
        document: Name of the document that holds the value; empty where the page is about that document.
        path: The field in it.
        value: What stands there.
        source_path: Where the source has it; empty where no source has.
        received: What stood in the source, as received.
        rule: The mapping's rule as written.
        mapping: Mapping and version.
        origin: File of that version and line in it.
        lookup: Table, its version, level and row that a value was looked up in.
        reason: Why a default or nothing was taken.
    """

    document: str
    path: str
    value: str
    source_path: str = ""
    received: str = ""
    rule: str = ""
    mapping: str = ""
    origin: str = ""
    lookup: str = ""
    reason: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One field.

    Attributes:
        field: Its path.
        value: Its value.
        how: How it came about, in words.
        doubt: What speaks against that; empty where nothing does.
        steps: Where it came from.
    """

    field: str
    value: str
    how: str = ""
    doubt: str = ""
    steps: tuple[Step, ...] = ()


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One document that the page rests on.

    Attributes:
        name: Document and version.
        role: What it was used for.
        record: The record it came from.
        mapping: Mapping, version and fingerprint.
        finding: What was found when the mapping was run again.
        agrees: Whether that was what is kept.
    """

    name: str
    role: str
    record: str
    mapping: str
    finding: str
    agrees: bool


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A path of the source, and what there is to say about it.

    Attributes:
        path: The path.
        text: What is said.
    """

    path: str
    text: str


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One explanation.

    Attributes:
        title: What is explained.
        lead: One sentence about it.
        facts: Names and values.
        warnings: What a reader must know first.
        records: Documents it rests on.
        sections: Fields by section, in order.
        remarks: Further lists of source paths, by heading.
    """

    title: str
    lead: str
    facts: Mapping[str, str]
    warnings: tuple[str, ...]
    records: tuple[Record, ...]
    sections: Mapping[str, tuple[Row, ...]]
    remarks: Mapping[str, tuple[Remark, ...]]


def html(page: Page) -> str:
    """The page as one HTML document; every value is escaped."""
    return _template().render(page=page, style=_style())


def content_security_policy() -> str:
    """What a browser may load for a page: nothing but the style that it carries."""
    digest = b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'self'; base-uri 'none'"


def in_sections(rows: Iterable[Row], first: str) -> dict[str, tuple[Row, ...]]:
    """Rows by the part of the document they belong to: fields of the document itself under `first`, then its larger objects and its items."""
    parts: dict[str, list[Row]] = {}
    for row in rows:
        head, _, rest = row.field.partition(".")
        parts.setdefault(head if rest else "", []).append(row)
    is_small = {head: len(members) < _FEW and not head.endswith("]") for head, members in parts.items()}
    own = [row for head, members in parts.items() for row in members if not head or is_small[head]]
    others = {_title(head): tuple(members) for head, members in parts.items() if head and not is_small[head]}
    return ({first: tuple(own)} if own else {}) | others


def step(trace: FieldTrace | None, *, document: str, path: str, value: object) -> Step:
    """A value with the trace of its mapping, for people; what is long is shortened."""
    if trace is None:
        return Step(document=document, path=path, value=shown(worded(value)))
    return Step(
        document=document,
        path=path,
        value=shown(worded(value)),
        source_path=trace.source_path,
        received="nothing" if trace.value is None and trace.source_path else shown(worded(trace.value)),
        rule=trace.rule,
        mapping=f"{trace.mapping}@{trace.version}",
        origin=trace.origin,
        lookup=looked_up(trace),
        reason=trace.reason or "",
    )


def looked_up(trace: FieldTrace) -> str:
    """The row of a table that a value was looked up in: `countries version 1, default: key=France, value=FR`."""
    if not trace.lookup_row:
        return ""
    row = dict(trace.lookup_row)
    table, version, level = row.pop("table"), row.pop("version"), row.pop("level")
    cells = ", ".join(f"{name}={worded(value)}" for name, value in row.items())
    return f"{table} version {version}, {level}: {cells}"


def _title(head: str) -> str:
    """`lines[0]` as a heading: `Line 1`."""
    name, _, place = head.rstrip("]").partition("[")
    words = f"{name[:1].upper()}{name[1:]}".replace("_", " ")
    return f"{words.removesuffix('s')} {int(place) + 1}" if place else words


@cache
def _style() -> Markup:
    return Markup((_FOLDER / "explanation.css").read_text("utf-8"))  # noqa: S704 - our own file


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("explanation.html")
