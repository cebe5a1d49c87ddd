"""The pages: server-rendered, readable without JavaScript."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from billhub.console import desk
from billhub.console.listing import InvoiceFilter, choices, decisions, exception_listing, invoice_listing, questions
from billhub.console.opening import RequestHub
from billhub.console.rendering import page
from billhub.explanation import content_security_policy, html, invoice_page
from billhub.overview import overview
from billhub.store.engine import reading
from billhub.store.invoices import OPEN_STATES, RELEASED_STATES
from billhub.store.schema import exceptions as exception_table
from billhub.store.schema import invoices as invoice_table
from billhub.story import explain, story

router = APIRouter(include_in_schema=False)

ON_A_PAGE = 50
STATES = (*OPEN_STATES, *RELEASED_STATES, "rejected", "withdrawn")
PLACES = {
    "came_in": tuple(state for state in STATES if state != "withdrawn"),
    "released": RELEASED_STATES,
    "held": ("held",),
    "awaiting_approval": ("awaiting_approval",),
    "in_progress": tuple(state for state in OPEN_STATES if state not in {"held", "awaiting_approval"}),
    "rejected": ("rejected",),
}
"""States behind each column of the overview, for its links."""


@router.get("/")
def show_overview(request: Request, hub: RequestHub) -> HTMLResponse:
    """Where everything stands."""
    with reading(hub.engine) as connection:
        return page(request, "overview.html", hub, connection, overview=overview(connection, hub), places=PLACES)


class InvoiceQuery(BaseModel):
    """Which invoices; an empty value is no condition."""

    state: list[str] = []
    entity: str = ""
    currency: str = ""
    search: str = ""
    offset: int = Field(default=0, ge=0)


@router.get("/invoices")
def list_invoices(request: Request, hub: RequestHub, query: Annotated[InvoiceQuery, Query()]) -> HTMLResponse:
    """Invoices with filters, page by page."""
    wanted = InvoiceFilter(
        states=tuple(query.state), entity=query.entity, currency=query.currency, search=query.search.strip()
    )
    with reading(hub.engine) as connection:
        listing = invoice_listing(connection, wanted, limit=ON_A_PAGE, offset=query.offset)
        filters = {"entity": choices(connection, invoice_table, "legal_entity"), "states": STATES}
        return page(request, "invoices.html", hub, connection, listing=listing, wanted=wanted, filters=filters)


@router.get("/invoices/{name:path}/explanation")
def explain_invoice(hub: RequestHub, name: str) -> HTMLResponse:
    """How every field of one invoice came about: a page of its own that can be kept and printed."""
    with reading(hub.engine) as connection:
        told = html(invoice_page(explain(connection, hub, name)))
    return HTMLResponse(told, headers={"Content-Security-Policy": content_security_policy()})


@router.get("/invoices/{name:path}")
def show_invoice(request: Request, hub: RequestHub, name: str) -> HTMLResponse:
    """The whole story of one invoice."""
    with reading(hub.engine) as connection:
        return page(request, "invoice.html", hub, connection, story=story(connection, hub, name))


class ExceptionQuery(BaseModel):
    """Which exceptions; an empty value is no condition."""

    state: str = "open"
    category: str = ""
    owner: str = ""
    offset: int = Field(default=0, ge=0)


@router.get("/exceptions")
def list_exceptions(request: Request, hub: RequestHub, query: Annotated[ExceptionQuery, Query()]) -> HTMLResponse:
    """Exceptions with filters, the most urgent first."""
    wanted = {"state": query.state, "category": query.category, "owner": query.owner}
    with reading(hub.engine) as connection:
        listing = exception_listing(connection, wanted, limit=ON_A_PAGE, offset=query.offset)
        filters = {name: choices(connection, exception_table, name) for name in wanted}
        return page(request, "exceptions.html", hub, connection, listing=listing, wanted=wanted, filters=filters)


@router.get("/exceptions/{exception_id}")
def show_exception(request: Request, hub: RequestHub, exception_id: int) -> HTMLResponse:
    """One exception with what can be done about it."""
    with reading(hub.engine) as connection:
        found = desk.find_exception(connection, exception_id)
        return page(request, "exception.html", hub, connection, exception=found)


@router.get("/approvals")
def list_approvals(request: Request, hub: RequestHub) -> HTMLResponse:
    """What waits for a second person, and what was decided last."""
    with reading(hub.engine) as connection:
        asked = questions(connection, limit=ON_A_PAGE)
        decided = decisions(connection, limit=ON_A_PAGE)
        return page(request, "approvals.html", hub, connection, questions=asked, decided=decided)
