"""`billhub exceptions`: the desk of everything that cannot go on."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from sqlalchemy import Connection

from billhub.cli import exits
from billhub.cli.options import Actor, AsJson, AsOf, Limit
from billhub.cli.output import complain, heading, say, show_facts, show_json, show_table
from billhub.cli.session import opened

if TYPE_CHECKING:
    from billhub.store.views import AuditView, ExceptionView

app = typer.Typer(help="Work the exception desk.")
