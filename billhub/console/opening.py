"""Opening the hub for a request: the store is opened once a process, the business date and the actor belong to the request."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Request

from billhub.hub import Hub, open_hub
from billhub.store.engine import database_url
from canonical_model.errors import ConfigurationError


def hub_for(request: Request, as_of: date | None = None) -> Hub:
    """The hub as the signed-in user: business date as asked, else `HUB_AS_OF`, else today (UTC).

    The instant in the audit is never the caller's choice: the true one, or the start of the day that `HUB_AS_OF` fixes.

    Raises:
        ConfigurationError: `HUB_AS_OF` is no date.
    """
    now, fixed = datetime.now(UTC), _fixed_date()
    at = f"{fixed}T00:00:00Z" if fixed else now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return replace(
        _opened(database_url()), as_of=as_of or fixed or now.date(), at=at, actor=request.state.user.username
    )


RequestHub = Annotated[Hub, Depends(hub_for)]
"""The hub of a request; takes `as_of` from the query."""


@lru_cache(maxsize=4)
def _opened(url: str) -> Hub:
    return open_hub(as_of=None, actor="console", url=url)


def _fixed_date() -> date | None:
    text = os.environ.get("HUB_AS_OF", "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigurationError(f"HUB_AS_OF is {text!r}; give an ISO date such as 2026-01-15") from None
