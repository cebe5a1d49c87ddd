"""The hub for the time of one command."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billhub.hub import Hub


@contextmanager
def opened(as_of: date | None = None, actor: str | None = None) -> "Iterator[Hub]":
    """The hub on the store and the connections that the environment names, closed afterwards."""
    from billhub.hub import open_hub  # noqa: PLC0415 - loads slowly, and --help needs none of it

    hub = open_hub(as_of=as_of, actor=actor or getpass.getuser())
    try:
        yield hub
    finally:
        hub.close()
