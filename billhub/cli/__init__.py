"""The `billhub` command: one module per group of commands, listed in `COMMANDS` and `GROUPS`.

A module imports what loads slowly (the store, the stages, connectors) inside its commands, so that `billhub --help` answers at once.
"""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from billhub.cli import (
    approvals,
    audit,
    demo,
    doctor,
    drift,
    exceptions,
    exits,
    invoices,
    mapping,
    new,
    reconcile,
    runs,
    store,
    work,
)
from canonical_model.errors import HubError

COMMANDS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("sync", work.sync),
    ("release", work.release),
    ("deliver", work.deliver),
    ("run", work.run),
    ("reconcile", reconcile.reconcile),
    ("doctor", doctor.doctor),
    ("migrate", store.migrate),
    ("sandbox", demo.sandbox),
    ("demo", demo.demo),
)

GROUPS: tuple[tuple[str, typer.Typer], ...] = (
    ("exceptions", exceptions.app),
    ("approvals", approvals.app),
    ("invoice", invoices.app),
    ("map", mapping.app),
    ("drift", drift.app),
    ("audit", audit.app),
    ("runs", runs.app),
    ("new", new.app),
)


class _Commands(TyperGroup):
    """The root: an error of the hub becomes one clear line and its exit code; any other error is a defect and keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except HubError as error:
            from billhub.cli.output import complain  # noqa: PLC0415 - rich is needed for output only

            complain("\n".join((str(error), *getattr(error, "__notes__", ()))))
            raise typer.Exit(exits.code_of(error)) from None


def _application() -> typer.Typer:
    root = typer.Typer(
        name="billhub",
        help="From signed contract to released, posted and delivered invoice.",
        epilog="Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in exits.MEANINGS.items()) + ".",
        cls=_Commands,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, command in COMMANDS:
        root.command(name)(command)
    for name, group in GROUPS:
        root.add_typer(group, name=name, no_args_is_help=True)
    return root


app = _application()


def main() -> None:
    """Entry point of the `billhub` command."""
    app(prog_name="billhub")
