"""`billhub map`: from drafting a mapping over explaining and testing it to changing it safely; one module per concern, listed in `COMMANDS`."""

from collections.abc import Callable

import typer

from billhub.cli.mapping import changing, compiling, contracts, drafting, looking, showing, testing

COMMANDS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("list", looking.list_),
    ("new", drafting.new),
    ("contract", contracts.contract),
    ("explain", looking.explain),
    ("show", showing.show),
    ("compile", compiling.compile_),
    ("test", testing.check_fixtures),
    ("mutate", testing.mutate),
    ("record", testing.record),
    ("versions", changing.versions),
    ("diff", changing.diff),
    ("promote", changing.promote),
    ("rollback", changing.rollback),
)


def _group() -> typer.Typer:
    group = typer.Typer(help="Write, explain, test and change the mappings between the systems and the hub.")
    for name, command in COMMANDS:
        group.command(name)(command)
    return group


app = _group()
