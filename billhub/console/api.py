"""The REST API, JSON in and out; amounts are strings with their currency."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from billhub.console import desk
from billhub.console.desk import Decision
from billhub.console.listing import InvoiceFilter, exception_listing, invoice_listing, questions
from billhub.console.opening import RequestHub, hub_for
from billhub.overview import overview
from billhub.store.display import approval_list
from billhub.store.engine import reading
from billhub.story import story
from canonical_model.encoding import encode

router = APIRouter(prefix="/api")

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0)]


class Dated(BaseModel):
    """A request with its business date; None for the console's own."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    as_of: date | None = None


class DecisionBody(Dated):
    """A decision; `content_hash` binds it to what was shown."""

    comment: str = Field(default="", max_length=2000)
    content_hash: str | None = None


class ReasonBody(Dated):
    """Why an exception is waived."""

    reason: str = Field(min_length=1, max_length=2000)


class AssigneeBody(Dated):
    """To whom an exception is given."""

    assignee: str = Field(min_length=1, max_length=120)


@router.get("/summary")
def summary(hub: RequestHub) -> Response:
    """Where everything stands."""
    with reading(hub.engine) as connection:
        return _json(overview(connection, hub))


@router.get("/invoices")
def list_invoices(
    hub: RequestHub,
    state: Annotated[list[str], Query()] = [],  # noqa: B006 - FastAPI copies it
    entity: str = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> Response:
    """Invoices, the latest draft first; `state` may be repeated."""
    with reading(hub.engine) as connection:
        wanted = InvoiceFilter(states=tuple(state), entity=entity)
        return _json(invoice_listing(connection, wanted, limit=limit, offset=offset))


@router.get("/invoices/{name:path}")
def show_invoice(hub: RequestHub, name: str) -> Response:
    """The whole story of the invoice with this number or identifier."""
    with reading(hub.engine) as connection:
        return _json(story(connection, hub, name))


class ExceptionQuery(BaseModel):
    """Which exceptions; an empty value is no condition."""

    state: str = "open"
    category: str = ""
    owner: str = ""
    limit: int = Field(default=200, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


@router.get("/exceptions")
def list_exceptions(hub: RequestHub, query: Annotated[ExceptionQuery, Query()]) -> Response:
    """Exceptions, the most urgent first."""
    wanted = {"state": query.state, "category": query.category, "owner": query.owner}
    with reading(hub.engine) as connection:
        return _json(exception_listing(connection, wanted, limit=query.limit, offset=query.offset))


@router.post("/exceptions/{exception_id}/retry")
def retry_exception(request: Request, exception_id: int, body: Dated | None = None) -> Response:
    """Put the record back to work."""
    return _json(desk.retry(hub_for(request, body.as_of if body else None), exception_id))


@router.post("/exceptions/{exception_id}/resolve")
def resolve_exception(request: Request, exception_id: int, body: ReasonBody) -> Response:
    """Waive it for the content it was raised on."""
    return _json(desk.resolve(hub_for(request, body.as_of), exception_id, reason=body.reason))


@router.post("/exceptions/{exception_id}/assign")
def assign_exception(request: Request, exception_id: int, body: AssigneeBody) -> Response:
    """Give it to a person."""
    return _json(desk.assign(hub_for(request, body.as_of), exception_id, assignee=body.assignee))


@router.get("/approvals")
def list_approvals(hub: RequestHub, state: str = "pending", limit: Limit = 200) -> Response:
    """Questions that wait for an answer, or decisions by their state, oldest first."""
    with reading(hub.engine) as connection:
        if state == "pending":
            return _json({"items": questions(connection, limit=limit)})
        return _json({"items": approval_list(connection, limit=limit, state=state or None)})


@router.post("/approvals/{name:path}/approve")
def approve(request: Request, name: str, body: DecisionBody) -> Response:
    """Approve the content that is waiting."""
    return _decide(request, name, body, approve=True)


@router.post("/approvals/{name:path}/reject")
def reject(request: Request, name: str, body: DecisionBody) -> Response:
    """Reject the content that is waiting."""
    return _decide(request, name, body, approve=False)


@router.get("/openapi.json")
def openapi(request: Request) -> dict[str, object]:
    """The description of this API."""
    described: dict[str, object] = request.app.openapi()
    return described


def _decide(request: Request, name: str, body: DecisionBody, *, approve: bool) -> Response:
    decision = Decision(approve=approve, comment=body.comment, content_hash=body.content_hash)
    return _json(desk.decide(hub_for(request, body.as_of), name, decision))


def _json(value: object) -> Response:
    return Response(encode(value), media_type="application/json")
