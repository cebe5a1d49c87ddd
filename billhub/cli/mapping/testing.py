"""Whether mappings keep to their fixtures, and what the fixtures catch."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from typing import Annotated

import typer

from billhub.cli.exits import CommandError
from billhub.cli.output import complain, say

Names = Annotated[list[str] | None, typer.Argument(metavar="MAPPING...", help="Only these.", show_default=False)]


def check_fixtures(names: Names = None) -> None:
    """Run the fixtures beside the mappings; ends with 1 when a mapping does not give what its fixture says.

    Example: billhub map test salesforce/account
    """
    import mappings
    from mappings.testing.fixtures import cases

    broken = 0
    for name in names or mappings.names():
        differences = mappings.run_fixtures(name)
        broken += bool(differences)
        say(
            f"{name}: {len(cases(name))} fixtures" + (", broken" if differences else ""),
            style="red" if differences else None,
        )
        for each in differences:
            complain(f"  {each.case}, {each.path}: expected {each.expected!r}, got {each.actual!r}")
    if broken:
        raise CommandError(f"{broken} mappings do not keep to their fixtures")
