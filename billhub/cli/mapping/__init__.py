"""`billhub map`: from drafting a mapping over explaining and testing it to changing it safely; one module per concern, listed in `COMMANDS`."""

from collections.abc import Callable

import typer

from billhub.cli.mapping import drafting, looking, testing

COMMANDS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("list", looking.list_),
    ("new", drafting.new),
    ("explain", looking.explain),
    ("test", testing.check_fixtures),
    ("mutate", testing.mutate),
    ("record", testing.record),
)


def _group() -> typer.Typer:
    group = typer.Typer(help="Write, explain, test and change the mappings between the systems and the hub.")
    for name, command in COMMANDS:
        group.command(name)(command)
    return group


app = _group()
