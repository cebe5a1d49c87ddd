"""Options that many commands share."""

from datetime import date
from typing import Annotated

import typer


def day(text: str | date) -> date:
    """A day from its ISO spelling; a default is one already."""
    return text if isinstance(text, date) else date.fromisoformat(text)


AsOf = Annotated[
    date | None,
    typer.Option(
        "--as-of",
        envvar="HUB_AS_OF",
        parser=day,
        metavar="YYYY-MM-DD",
        help="Business date. Default: today.",
        show_default=False,
    ),
]
Actor = Annotated[
    str | None,
    typer.Option(
        "--actor",
        envvar="HUB_ACTOR",
        metavar="NAME",
        help="Who acts. Default: the user of the operating system.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for a script.", show_default=False)]
Limit = Annotated[int, typer.Option("--limit", min=1, metavar="N", help="Show at most so many.")]
