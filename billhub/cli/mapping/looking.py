"""Which mappings there are, what they make of a record, and why."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from billhub.cli.exits import CommandError
from billhub.cli.options import AsJson
from billhub.cli.output import complain, heading, say, show_json, show_table

if TYPE_CHECKING:
    from mappings import FieldTrace


def list_(as_json: AsJson = False) -> None:
    """List all mappings with their versions.

    Example: billhub map list
    """
    import mappings
    from mappings.testing.fixtures import cases

    found = [(mappings.load(name), len(cases(name))) for name in mappings.names()]
    if as_json:
        show_json(
            [
                {"mapping": m.name, "version": m.version, "fingerprint": m.fingerprint, "fixtures": count}
                for m, count in found
            ]
        )
    else:
        rows = [(m.name, m.version, count, m.fingerprint[:12]) for m, count in found]
        show_table(("Mapping", "Version", "Fixtures", "Fingerprint"), rows, right=("Version", "Fixtures"))


def explain(
    mapping: Annotated[str, typer.Argument(help="Name, for example salesforce/account.")],
    record: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, metavar="FILE", help="JSON file with one source record.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show where each field comes from: source path, value, rule, and the reason of every default.

    Example: billhub map explain salesforce/account --record account.json
    """
    import mappings

    compiled, source = mappings.load(mapping), _record(record)
    traces, unmapped, problems = compiled.explain(source), compiled.unmapped(source), compiled.apply(source).problems
    if as_json:
        show_json(
            {
                "mapping": compiled.name,
                "version": compiled.version,
                "fields": traces,
                "unmapped": unmapped,
                "problems": problems,
            }
        )
    else:
        show_table(
            ("Field", "Source", "Value", "Rule", "Result", "Reason"),
            [_row(each) for each in traces],
            title=f"{compiled.name}, version {compiled.version}",
        )
        if unmapped:
            heading("Not mapped")
            say(", ".join(unmapped), style="yellow")
        for each in problems:
            complain(f"{each.field}: {each.source_path} {each.value!r}: {each.message}")
    if problems:
        raise typer.Exit(1)


def _record(path: Path) -> Any:
    from mappings.testing.fixtures import read_input

    try:
        return read_input(path)
    except ValueError as error:
        raise CommandError(f"{path.name} is no JSON: {error}") from None


def _row(trace: "FieldTrace") -> tuple[object, ...]:
    from mappings.runtime.records import shown

    values = (shown(each) if each is not None else None for each in (trace.value, trace.result))
    value, result = values
    table = f"row {trace.lookup_row}" if trace.lookup_row else None
    return trace.field, trace.source_path, value, trace.rule, result, trace.reason or table
