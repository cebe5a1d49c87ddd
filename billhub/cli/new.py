"""stub"""

import typer

app = typer.Typer(help="Write the skeleton of something new.")


@app.callback()
def group() -> None:
    """Write the skeleton of something new."""
