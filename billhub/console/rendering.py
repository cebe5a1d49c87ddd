"""Rendering: templates with the few formats they need, and what every page shows around its content."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection

from billhub.console.access import form_token
from billhub.console.errors import Problem
from billhub.console.listing import waiting
from billhub.hub import Hub
from canonical_model.encoding import encode
from canonical_model.money import Money

_HASH = re.compile("[0-9a-f]{64}")

NOTICES = {
    "approved": "Approved. The next release run gives it a number.",
    "rejected": "Rejected. It will not be billed.",
    "retried": "Put back to work. The next run takes it up.",
    "waived": "Waived for this content. The next run lets it pass this rule.",
    "assigned": "Assigned.",
}
"""What a page says after a form was carried out; only these can be shown."""


def page(request: Request, template: str, hub: Hub, connection: Connection, **content: Any) -> HTMLResponse:
    """A page with its navigation, for the signed-in user."""
    user = request.state.user
    frame = {
        "user": user,
        "as_of": hub.as_of,
        "waiting": waiting(connection),
        "token": form_token(request.app.state.secret, user),
        "notice": NOTICES.get(request.query_params.get("done", "")),
    }
    return _rendered(request, template, {**frame, **content})


def error_page(request: Request, status: int, problem: Problem) -> HTMLResponse:
    """A page that says what is wrong; needs neither a user nor the store."""
    return _rendered(request, "error.html", {"status": status, "problem": problem}, status=status)


def link(request: Request, path: str, **query: Any) -> str:
    """An address inside the console; a business date that was asked for stays on, values that are empty are left out."""
    asked = {"as_of": request.query_params.get("as_of"), **query}
    text = urlencode({name: value for name, value in asked.items() if value not in (None, "", ())}, doseq=True)
    return _root(request) + path + (f"?{text}" if text else "")


def _rendered(request: Request, template: str, content: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    def link_here(path: str, **query: Any) -> str:
        return link(request, path, **query)

    frame = {"link": link_here, "root": _root(request), "asked_date": request.query_params.get("as_of")}
    return HTMLResponse(_TEMPLATES.get_template(template).render(**content, **frame), status_code=status)


def _root(request: Request) -> str:
    """Path the console is mounted under, without a slash at its end."""
    root: str = request.scope.get("root_path", "")
    return root


def _amount(money: Money | None) -> str:
    """The number without its currency, for a column whose currency is said once; a dash for what is not known yet."""
    return "–" if money is None else str(money).rpartition(" ")[0]


def _words(name: str) -> str:
    """`missing_tax_id` as people read it."""
    return name.replace("_", " ")


def _percent(rate: Decimal) -> str:
    """A fraction as a percentage, without needless zeros."""
    text = format(rate * 100, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) + " %"


def _plain(value: Decimal) -> str:
    """A quantity without needless zeros."""
    text = format(value, ",f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _shown(value: object) -> str:
    """A value of the audit: text as it is, a hash by its beginning, anything else as JSON."""
    if isinstance(value, str):
        return f"{value[:12]}…" if _HASH.fullmatch(value) else value
    return encode(value).decode()


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(amount=_amount, words=_words, percent=_percent, plain=_plain, shown=_shown)
    return environment


_TEMPLATES = _environment()
