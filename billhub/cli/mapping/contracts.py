"""Drafting the drift contract of a mapping."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from billhub.cli.exits import CommandError
from billhub.cli.session import opened

if TYPE_CHECKING:
    from mappings.files.contracts import Field
    from mappings.language.definition import Definition


def contract(
    mapping: Annotated[str, typer.Argument(help="Name, for example salesforce/account.")],
    records: Annotated[
        Path | None,
        typer.Option(
            "--records",
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="JSON or CSV with records. Default: the fixtures.",
        ),
    ] = None,
    *,
    describe: Annotated[
        bool, typer.Option("--describe", help="Ask the system itself instead.", show_default=False)
    ] = False,
) -> None:
    """Draft the contract of a mapping: what its records hold, or what the system says of its fields.

    Example: billhub map contract salesforce/account --describe > mappings/salesforce/contracts/account.yaml
    """
    import mappings
    from mappings.drafting.contracts import draft_contract

    definition = mappings.load(mapping).definition
    if not definition.inbound:
        raise CommandError(f"{mapping} maps what the hub itself writes; only records of a source have a contract")
    fields = _described(definition) if describe else _seen(definition, records)
    typer.echo(draft_contract(definition, fields), nl=False)


def _described(definition: "Definition") -> "dict[str, Field]":
    from connectors.contract import Describes
    from mappings.files.contracts import Field

    entity = definition.name.partition("/")[2]
    with opened() as hub:
        found = hub.connect(definition.system, Describes).describe(entity)
    return {each.path: Field(types=each.types) for each in found if each.is_read}


def _seen(definition: "Definition", records: Path | None) -> "dict[str, Field]":
    from mappings.drafting import read_samples
    from mappings.drafting.contracts import seen_in

    samples = read_samples(records) if records else _sound_fixtures(definition.name)
    if not samples:
        raise CommandError(
            f"{definition.name} has no fixture that can be mapped; name a file with --records, or ask the system with --describe"
        )
    return seen_in(definition, samples)


def _sound_fixtures(name: str) -> "list[dict[str, Any]]":
    """Those that show records as they should be."""
    import mappings
    from mappings.testing.fixtures import cases, read_input

    return [record for path in cases(name) if not mappings.load(name).apply(record := read_input(path)).problems]
