"""What people do: decide about invoices and work exceptions. Pages and API call the same functions; each is one transaction."""

import msgspec
from sqlalchemy import Connection

from billhub import approvals, exceptions
from billhub.approvals import ApprovalRefusedError
from billhub.console.errors import ConsoleError, Problem, conflict, unknown
from billhub.deliver.engine import retry_exception
from billhub.hub import Hub
from billhub.store import display, invoices
from billhub.store.engine import transaction
from billhub.store.views import ApprovalView, ExceptionView


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A person's answer.

    Attributes:
        approve: False to reject.
        comment: Why.
        content_hash: What they were shown; None when they did not say.
    """

    approve: bool
    comment: str = ""
    content_hash: str | None = None


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """An exception whose record was put back to work.

    Attributes:
        exception_id: Which one.
        taken_up_by: Stage that tries again on its next run: `sync`, `release` or `deliver`.
    """

    exception_id: int
    taken_up_by: str


def decide(hub: Hub, name: str, decision: Decision) -> ApprovalView:
    """Approve or reject, as the hub's actor, the invoice with this number or identifier.

    Raises:
        ConsoleError: 404 there is no such invoice; 403 the actor created it; 409 it does not wait, or has changed since it was shown.
    """
    with transaction(hub.engine) as connection:
        row = invoices.find(connection, name)
        if row is None:
            raise unknown("invoice", name)
        invoice_id = str(row["invoice_id"])
        asked = _question(connection, invoice_id, row["state"])
        _require_same_content(asked, decision.content_hash)
        try:
            approvals.decide(connection, hub, invoice_id, approve=decision.approve, comment=decision.comment)
        except ApprovalRefusedError as error:
            raise _four_eyes(error, asked) from None
        return _answered(connection, asked)


def retry(hub: Hub, exception_id: int) -> Retried:
    """Put the record of an open exception back to work.

    Raises:
        ConsoleError: 404 there is no such exception; 409 it is not open.
    """
    with transaction(hub.engine) as connection:
        _require_open(connection, exception_id)
        return Retried(exception_id=exception_id, taken_up_by=retry_exception(connection, hub, exception_id))


def resolve(hub: Hub, exception_id: int, *, reason: str) -> ExceptionView:
    """Waive an open exception for the content it was raised on.

    Raises:
        ConsoleError: 404 there is no such exception; 409 it is not open.
    """
    with transaction(hub.engine) as connection:
        _require_open(connection, exception_id)
        exceptions.resolve(connection, hub, exception_id, reason=reason)
        return find_exception(connection, exception_id)


def assign(hub: Hub, exception_id: int, *, assignee: str) -> ExceptionView:
    """Give an open exception to a person.

    Raises:
        ConsoleError: 404 there is no such exception; 409 it is not open.
    """
    with transaction(hub.engine) as connection:
        _require_open(connection, exception_id)
        exceptions.assign(connection, hub, exception_id, assignee=assignee)
        return find_exception(connection, exception_id)


def find_exception(connection: Connection, exception_id: int) -> ExceptionView:
    """One exception.

    Raises:
        ConsoleError: 404 there is none.
    """
    found = display.exceptions_by_id(connection, [exception_id]).get(exception_id)
    if found is None:
        raise unknown("exception", exception_id)
    return found


def _question(connection: Connection, invoice_id: str, state: str) -> ApprovalView:
    """What is asked about an invoice. One that was changed or withdrawn since may still have a question nobody needs answered any more."""
    pending = display.approval_list(connection, invoice_id=invoice_id, state="pending")
    if not pending or state != "awaiting_approval":
        raise conflict(
            f"invoice {invoice_id} is {state} and not waiting for a decision",
            record=invoice_id,
            rule="awaiting_approval",
            next_step="See the approvals page for what is waiting.",
        )
    return pending[0]


def _require_same_content(asked: ApprovalView, seen: str | None) -> None:
    if seen is not None and seen != asked.content_hash:
        raise _changed(asked.invoice_id)


def _answered(connection: Connection, asked: ApprovalView) -> ApprovalView:
    """The decision, if it is about what was asked: another process may have changed the invoice between question and answer."""
    every = display.approval_list(connection, invoice_id=asked.invoice_id)
    answered = next(each for each in every if each.approval_id == asked.approval_id)
    if answered.state not in {"approved", "rejected"}:
        raise _changed(asked.invoice_id)
    return answered


def _changed(invoice_id: str) -> ConsoleError:
    return conflict(
        f"invoice {invoice_id} has changed since it was shown",
        record=invoice_id,
        rule="content_hash",
        next_step="Look at it again, then decide.",
    )


def _four_eyes(error: ApprovalRefusedError, asked: ApprovalView) -> ConsoleError:
    problem = Problem(
        message=str(error),
        record=asked.invoice_id,
        field="created_by",
        rule="four_eyes",
        next_step="Ask a second person to decide.",
    )
    return ConsoleError(403, problem)


def _require_open(connection: Connection, exception_id: int) -> None:
    found = find_exception(connection, exception_id)
    if found.state != "open":
        raise conflict(
            f"exception {exception_id} is {found.state}; only an open one can be worked on",
            record=str(exception_id),
            rule="open",
            next_step="See the list of open exceptions.",
        )
