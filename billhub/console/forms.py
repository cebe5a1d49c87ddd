"""Where the pages' forms are sent: each is carried out and answered with the page to go on with."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse
from pydantic import StringConstraints

from billhub.console import desk
from billhub.console.access import own_form
from billhub.console.desk import Decision
from billhub.console.opening import RequestHub
from billhub.console.rendering import link

router = APIRouter(include_in_schema=False, dependencies=[Depends(own_form)])

Comment = Annotated[str, Form(max_length=2000)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), Form()]
Assignee = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), Form()]


@router.post("/approvals/{name:path}/approve")
def approve(
    request: Request, hub: RequestHub, name: str, content_hash: Annotated[str, Form()], comment: Comment = ""
) -> RedirectResponse:
    """Approve the content that was shown."""
    desk.decide(hub, name, Decision(approve=True, comment=comment, content_hash=content_hash))
    return _on_to(request, "/approvals", "approved")


@router.post("/approvals/{name:path}/reject")
def reject(
    request: Request, hub: RequestHub, name: str, content_hash: Annotated[str, Form()], comment: Comment = ""
) -> RedirectResponse:
    """Reject the content that was shown."""
    desk.decide(hub, name, Decision(approve=False, comment=comment, content_hash=content_hash))
    return _on_to(request, "/approvals", "rejected")


@router.post("/exceptions/{exception_id}/retry")
def retry(request: Request, hub: RequestHub, exception_id: int) -> RedirectResponse:
    """Put the record back to work."""
    desk.retry(hub, exception_id)
    return _on_to(request, f"/exceptions/{exception_id}", "retried")


@router.post("/exceptions/{exception_id}/resolve")
def resolve(request: Request, hub: RequestHub, exception_id: int, reason: Reason) -> RedirectResponse:
    """Waive it for the content it was raised on."""
    desk.resolve(hub, exception_id, reason=reason)
    return _on_to(request, f"/exceptions/{exception_id}", "waived")


@router.post("/exceptions/{exception_id}/assign")
def assign(request: Request, hub: RequestHub, exception_id: int, assignee: Assignee) -> RedirectResponse:
    """Give it to a person."""
    desk.assign(hub, exception_id, assignee=assignee)
    return _on_to(request, f"/exceptions/{exception_id}", "assigned")


def _on_to(request: Request, path: str, done: str) -> RedirectResponse:
    """The business date stays on through the query of the form's address."""
    return RedirectResponse(link(request, path, done=done), status_code=303)
