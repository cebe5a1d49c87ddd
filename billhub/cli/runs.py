"""`billhub runs`: what ran, and what it did."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from typing import Annotated

import typer

from billhub.cli.options import AsJson, Limit
from billhub.cli.output import counted, show_json, show_table
from billhub.cli.session import opened

app = typer.Typer(help="Look at the runs of flows.")

COLUMNS = ("Run", "Flow", "Task", "Business date", "Actor", "State", "What it did")


@app.command("list")
def list_(
    flow: Annotated[str | None, typer.Option(metavar="ID", help="Only runs of this flow.", show_default=False)] = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Only running, done or failed ones.", show_default=False)
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the latest runs of tasks.

    Example: billhub runs list --state failed
    """
    from billhub.store import display
    from billhub.store.engine import reading

    with opened() as hub, reading(hub.engine) as connection:
        found = display.run_list(connection, limit=limit, flow=flow, state=state)
    if as_json:
        show_json(found)
        return
    rows = [
        (each.run_id, each.flow, each.step, each.as_of, each.actor, each.state, each.message or counted(each.counts))
        for each in found
    ]
    show_table(COLUMNS, rows, right=("Run",))
