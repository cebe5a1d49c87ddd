"""`billhub new`: skeletons of what is added most often."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from pathlib import Path
from typing import Annotated

import typer

from billhub.cli.output import say

app = typer.Typer(help="Write the skeleton of something new.")


@app.callback()
def group() -> None:
    """Write the skeleton of something new."""


@app.command()
def connector(
    name: Annotated[str, typer.Argument(help="Lower case, for example acme_billing; also the name of its folders.")],
    root: Annotated[Path, typer.Option(file_okay=False, metavar="FOLDER", help="Root of the project.")] = Path(),
) -> None:
    """Write a connector that works from the first minute, to be bent to the vendor step by step.

    Writes the connector's folder, its mappings with fixtures, a stand-in with a seed, and a test that runs the whole conformance kit against it.
    Nothing that exists is changed; an existing name is refused.

    Example: billhub new connector acme_billing
    """
    from billhub.cli.scaffold import write_connector

    for path in write_connector(name, root):
        say(f"wrote {path.relative_to(root)}")
    say(
        f"next: write connectors/{name}/BEHAVIOR.md from the vendor's documentation, and run pytest tests/connectors/test_{name}.py"
    )
