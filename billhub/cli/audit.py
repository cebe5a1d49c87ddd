"""`billhub audit`: whether the past still is what it was."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

import typer

from billhub.cli.exits import CommandError
from billhub.cli.options import AsJson
from billhub.cli.output import say, show_json
from billhub.cli.session import opened

app = typer.Typer(help="Look after the audit trail.")


@app.callback()
def group() -> None:
    """Look after the audit trail."""


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Check the hash of every entry, from the first to the last.

    Ends with 1 and the first entry that does not fit when anything was changed, removed or added behind the hub's back.

    Example: billhub audit verify
    """
    from billhub.audit import first_broken
    from billhub.store import display
    from billhub.store.engine import reading

    with opened() as hub, reading(hub.engine) as connection:
        broken, entries = first_broken(connection), display.audit_length(connection)
    if as_json:
        show_json({"entries": entries, "first_broken": broken})
    if broken is not None:
        raise CommandError(
            f"the audit is broken at entry {broken}: it does not fit the entry before it; keep the database as evidence"
        )
    if not as_json:
        say(
            f"the audit holds: {entries} entries, each with the hash of its contents and of the entry before it",
            style="green",
        )
