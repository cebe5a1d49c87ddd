"""What applying and explaining a mapping gives back."""

from typing import Any

import msgspec

_LONGEST_SHOWN = 120


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why one field of a record could not be mapped.

    Attributes:
        mapping: Name of the mapping.
        version: Version of the file that the rule stands in: the mapping's, or that of an overlay.
        field: Path in the target, for example `lines[2].quantity`; empty for the record itself.
        source_path: Path in the source; several joined by commas where the rule reads several; empty where it reads none.
        value: What stands there, as text.
        rule: The rule as written, for example `from, decimal`.
        message: What is wrong and what would be right.
    """

    mapping: str
    version: int
    field: str
    source_path: str
    value: str
    rule: str
    message: str


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one record.

    Attributes:
        document: The canonical struct (inbound) or the vendor's payload (outbound); None when there are problems.
        problems: All problems of the record, in the order of the mapping.
    """

    document: Any
    problems: tuple[FieldProblem, ...] = ()


class FieldTrace(msgspec.Struct, frozen=True, kw_only=True):
    """How one field of the target came about.

    Attributes:
        field: Path in the target, for example `lines[2].quantity`.
        source_path: Where the value was read; empty for constants.
        value: What stood there, as received.
        result: What the field became; the number of items for a list; None for an empty field.
        rule: The rule as written.
        mapping: Name of the mapping.
        version: Version of the file the rule stands in: the mapping's, or that of an overlay.
        origin: That file and the line in it, for example `netsuite/overlays/invoice.uk.yaml:9`.
        lookup_row: The row that answered a lookup, with its key and level and the table's name and version; else None.
        reason: Why a default or constant stands there, why the field is absent, or what was wrong.
    """

    field: str
    source_path: str
    value: Any
    result: Any
    rule: str
    mapping: str
    version: int
    origin: str = ""
    lookup_row: dict[str, Any] | None = None
    reason: str | None = None


def shown(value: object) -> str:
    """A value as short text for people; containers only by their size, so that no input is too deep or too large to show."""
    if isinstance(value, dict):
        return f"an object of {len(value)} fields"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    try:
        text = value if isinstance(value, str) else str(value)
    except ValueError:  # an integer longer than Python prints
        return "a number too long to show"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."
