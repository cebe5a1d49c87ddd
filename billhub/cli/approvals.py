"""`billhub approvals`: decisions of a second person."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from billhub.cli import exits
from billhub.cli.options import Actor, AsJson, AsOf, Limit
from billhub.cli.output import complain, say, show_json, show_table
from billhub.cli.session import opened

if TYPE_CHECKING:
    from billhub.hub import Hub
    from billhub.store.views import ApprovalView

app = typer.Typer(help="Decide on invoices that need a second person.")

COLUMNS = ("Invoice", "Entity", "Customer", "With tax", "Why", "Created by", "Asked on", "State", "Decided by")
EVERYTHING = 1_000_000

Invoices = Annotated[
    list[str] | None,
    typer.Argument(metavar="INVOICE...", help="Canonical ids, as approvals list shows them.", show_default=False),
]
AllPending = Annotated[bool, typer.Option("--all-pending", help="All that wait for a decision.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before deciding on all.", show_default=False)]


@app.command("list")
def list_(
    state: Annotated[str, typer.Option(metavar="STATE", help="pending, approved, rejected, void or all.")] = "pending",
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """List what waits for a second person.

    Example: billhub approvals list --state all
    """
    from billhub.store import display
    from billhub.store.engine import reading

    with opened() as hub, reading(hub.engine) as connection:
        found = display.approval_list(connection, limit=limit, state=None if state == "all" else state)
    if as_json:
        show_json(found)
    else:
        show_table(COLUMNS, [_row(each) for each in found], right=("With tax",))


@app.command()
def approve(
    invoices: Invoices = None,
    *,
    all_pending: AllPending = False,
    yes: Yes = False,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Kept with the decision.")] = "",
    as_of: AsOf = None,
    actor: Actor = None,
) -> None:
    """Approve invoices with exactly the content they have now; the next release lets them go.

    Who created an invoice is refused (exit code 4): a second person has to decide.

    Example: billhub approvals approve C-000001_2026-01-01 --actor frida
    """
    with opened(as_of, actor) as hub:
        chosen = _chosen(hub, invoices, all_pending, yes, "approve")
        _decide(hub, chosen, approve=True, comment=comment)


@app.command()
def reject(
    invoices: Invoices = None,
    *,
    all_pending: AllPending = False,
    yes: Yes = False,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the decision. Required.")] = "",
    as_of: AsOf = None,
    actor: Actor = None,
) -> None:
    """Reject invoices: they are not released.

    Example: billhub approvals reject C-000001_2026-01-01 --comment "wrong period"
    """
    if not comment:
        raise typer.BadParameter("a rejection needs its reason", param_hint="--comment")
    with opened(as_of, actor) as hub:
        chosen = _chosen(hub, invoices, all_pending, yes, "reject")
        _decide(hub, chosen, approve=False, comment=comment)


def _row(each: "ApprovalView") -> tuple[object, ...]:
    shown = (each.invoice_id, each.legal_entity, each.customer_id, each.gross, each.reason, each.created_by)
    return (*shown, each.requested_on, each.state, each.decided_by)


def _chosen(hub: "Hub", invoices: Sequence[str] | None, all_pending: bool, yes: bool, verb: str) -> list[str]:
    """The invoices a command is about; for all that wait the person is asked, with their number and amounts."""
    from billhub.store import display
    from billhub.store.engine import reading

    if bool(invoices) == all_pending:
        raise typer.BadParameter("name invoices, or say --all-pending", param_hint="INVOICE")
    if invoices:
        return list(invoices)
    with reading(hub.engine) as connection:
        pending = display.approval_list(connection, limit=EVERYTHING, state="pending")
    if pending and not yes:
        typer.confirm(f"{verb} {len(pending)} invoices, in all {_sums(pending)}?", abort=True)
    return [each.invoice_id for each in pending]


def _sums(pending: "Sequence[ApprovalView]") -> str:
    from canonical_model.money import total

    amounts = [each.gross for each in pending if each.gross]
    currencies = sorted({amount.currency for amount in amounts})
    return " and ".join(str(total((a for a in amounts if a.currency == each), each)) for each in currencies)


def _decide(hub: "Hub", invoices: Sequence[str], *, approve: bool, comment: str) -> None:
    """One transaction each: a refusal does not undo the others."""
    from billhub import approvals
    from billhub.store.engine import transaction

    refused = 0
    for invoice_id in invoices:
        try:
            with transaction(hub.engine) as connection:
                approvals.decide(connection, hub, invoice_id, approve=approve, comment=comment)
        except approvals.ApprovalRefusedError as error:
            complain(str(error))
            refused += 1
            continue
        say(f"{invoice_id}: {'approved' if approve else 'rejected'} by {hub.actor}")
    if not invoices:
        say("nothing waits for approval")
    if refused:
        raise typer.Exit(exits.REFUSED)
