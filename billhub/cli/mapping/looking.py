"""Which mappings there are, what they make of a record, and why."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from billhub.cli.exits import USAGE, CommandError
from billhub.cli.explaining import FieldPath, HtmlFile, only, tell_record, write_page
from billhub.cli.options import AsJson
from billhub.cli.output import show_json, show_table
from billhub.cli.session import opened

if TYPE_CHECKING:
    from mappings import CompiledMapping

RecordFile = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, metavar="FILE", help="JSON file with one source record.", show_default=False
    ),
]
LandedId = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="Instead of a file: the newest version of a record that has come in, by its ID in the source.",
        show_default=False,
    ),
]
KeptVersion = Annotated[
    str | None,
    typer.Option(
        metavar="VERSION",
        help="A version that the store keeps: active, its number, or the first letters of its fingerprint. Default: as the files stand.",
        show_default=False,
    ),
]


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


def explain(  # noqa: PLR0913 - one parameter for each choice on the command line
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="Name, for example salesforce/account.")],
    *,
    record: RecordFile = None,
    landed: LandedId = None,
    version: KeptVersion = None,
    field: FieldPath = None,
    html: HtmlFile = None,
    as_json: AsJson = False,
) -> None:
    """Show where each field comes from: source path, value, rule with its file and line, lookup row, and the reason of every default.

    Ends with 1 when the record has problems.

    Example: billhub map explain salesforce/account --record account.json
    """
    import msgspec

    from billhub.explanation import explain_record, mapping_page

    name, source = _source(mapping, record, landed)
    whole = explain_record(_version(mapping, version), source, name)
    explained = msgspec.structs.replace(whole, fields=only(whole.fields, field))
    if html:
        write_page(mapping_page(explained), html)
    if as_json:
        show_json(explained)
    elif not html:
        tell_record(explained)
    if explained.problems:
        raise typer.Exit(1)


def _version(mapping: str, version: str | None) -> "CompiledMapping":
    import mappings

    if version is None:
        return mappings.load(mapping)
    from billhub.promotion import resolve
    from billhub.store.engine import reading

    with opened() as hub, reading(hub.engine) as connection:
        return resolve(connection, f"{mapping}@{version}").mapping


def _source(mapping: str, record: Path | None, landed: str | None) -> tuple[str, Any]:
    """What to call the record, and the record."""
    if (record is None) == (landed is None):
        raise CommandError("say which record: either --record FILE or --landed ID", USAGE)
    return (f"the record in {record.name}", _read(record)) if record else (f"record {landed}", _landed(mapping, landed))


def _read(path: Path) -> Any:
    from mappings.testing.fixtures import read_input

    try:
        return read_input(path)
    except ValueError as error:
        raise CommandError(f"{path.name} is no JSON: {error}") from None


def _landed(mapping: str, external_id: str | None) -> Any:
    from billhub.store import landed
    from billhub.store.engine import reading
    from canonical_model.encoding import decode_payload

    source, _, entity = mapping.partition("/")
    with opened() as hub, reading(hub.engine) as connection:
        body = landed.body_of(connection, source, entity, external_id=external_id)
    if body is None:
        raise CommandError(f"no {entity} {external_id} has come in from {source}; billhub sync reads what is new there")
    return decode_payload(body)
