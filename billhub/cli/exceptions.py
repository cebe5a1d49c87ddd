"""`billhub exceptions`: the desk of everything that cannot go on."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from billhub.cli import exits
from billhub.cli.options import Actor, AsJson, AsOf, Limit
from billhub.cli.output import complain, counted, facts, heading, say, show_facts, show_json, show_table
from billhub.cli.session import opened

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from billhub.hub import Hub
    from billhub.store.views import AuditView, ExceptionView

app = typer.Typer(help="Work the exception desk: everything that cannot go on, with owner, deadline and next step.")

COLUMNS = ("ID", "Category", "Record", "Invoice", "Amount", "Owner", "Deadline", "Next step")

Ids = Annotated[list[int], typer.Argument(metavar="ID...", help="Numbers, as exceptions list shows them.")]


@app.command("list")
def list_(  # noqa: PLR0913 - one parameter for each filter on the command line
    *,
    state: Annotated[str, typer.Option(metavar="STATE", help="open, reported, waived, resolved or all.")] = "open",
    category: Annotated[
        str | None, typer.Option(metavar="NAME", help="For example missing_tax_id.", show_default=False)
    ] = None,
    owner: Annotated[str | None, typer.Option(metavar="TEAM", help="Team that mends it.", show_default=False)] = None,
    entity: Annotated[
        str | None, typer.Option(metavar="CODE", help="Legal entity, for example DE.", show_default=False)
    ] = None,
    limit: Limit = 200,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """List exceptions, the most urgent first; a deadline that is over is marked with !.

    Example: billhub exceptions list --owner tax-desk --entity DE
    """
    from billhub.store import display
    from billhub.store.engine import reading

    wanted: dict[str, str | None] = {"category": category, "owner": owner, "legal_entity": entity}
    with opened(as_of) as hub, reading(hub.engine) as connection:
        found = display.exception_list(connection, wanted, state=None if state == "all" else state, limit=limit)
        today = hub.as_of
    if as_json:
        show_json(found)
    elif found:
        show_table(COLUMNS, [_row(each, today) for each in found], right=("ID", "Amount"))
    else:
        say("no exceptions", style="green")


@app.command()
def show(ids: Ids, as_json: AsJson = False) -> None:
    """Show everything about exceptions, with their history from the audit.

    Example: billhub exceptions show 12
    """
    from billhub.store.engine import reading

    with opened() as hub, reading(hub.engine) as connection:
        told = [(each, _history(connection, each)) for each in _known(connection, ids)]
    if as_json:
        show_json([{"exception": each, "history": history} for each, history in told])
        return
    for each, history in told:
        _tell(each, history)


@app.command()
def retry(ids: Ids, as_of: AsOf = None, actor: Actor = None) -> None:
    """Put records back to work after something was mended, and run the stage they wait in.

    A record is read again and mapped; an invoice is drafted, checked and taxed again and released if nothing stands against it, together with what
    else is ready; a delivery is sent again.

    Example: billhub exceptions retry 12 13
    """
    from billhub.cli.retry import put_to_work
    from billhub.store.engine import reading

    with opened(as_of, actor) as hub:
        with reading(hub.engine) as connection:
            chosen = _known(connection, ids, open_only=True)
        for each in chosen:
            # What was mended for one may have closed the next one too.
            counts = put_to_work(hub, each) if _state(hub, each.exception_id) == "open" else {}
            state = _state(hub, each.exception_id)
            say(f"{each.exception_id}: {state} ({counted(counts)})", style="yellow" if state == "open" else "green")


@app.command()
def resolve(
    ids: Ids,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why this may pass; kept in the audit.")],
    as_of: AsOf = None,
    actor: Actor = None,
) -> None:
    """Waive exceptions: the next run lets these records pass these rules, as long as their content stays as it is.

    Example: billhub exceptions resolve 12 --reason "discount agreed by the sales director"
    """
    from billhub import exceptions

    _change(
        ids,
        as_of,
        actor,
        lambda connection, hub, each: exceptions.resolve(connection, hub, each, reason=reason),
        f"waived: {reason}",
    )


@app.command()
def assign(
    ids: Ids,
    to: Annotated[str, typer.Option(metavar="NAME", help="Who is to mend it.")],
    as_of: AsOf = None,
    actor: Actor = None,
) -> None:
    """Give exceptions to a person.

    Example: billhub exceptions assign 12 13 --to frida
    """
    from billhub import exceptions

    _change(
        ids,
        as_of,
        actor,
        lambda connection, hub, each: exceptions.assign(connection, hub, each, assignee=to),
        f"assigned to {to}",
    )


def _change(
    ids: Sequence[int],
    as_of: date | None,
    actor: str | None,
    change: "Callable[[Connection, Hub, int], None]",
    done: str,
) -> None:
    """Change all of them in one transaction, or none."""
    from billhub.store.engine import transaction

    with opened(as_of, actor) as hub, transaction(hub.engine) as connection:
        for each in _known(connection, ids, open_only=True):
            change(connection, hub, each.exception_id)
    say(f"{', '.join(str(each) for each in ids)}: {done}")


def _known(connection: "Connection", ids: Sequence[int], *, open_only: bool = False) -> "list[ExceptionView]":
    """These exceptions, in order.

    Raises:
        CommandError: One does not exist, or is closed and must not be.
    """
    from billhub.store import display

    found = display.exceptions_by_id(connection, ids)
    missing = [str(each) for each in ids if each not in found]
    if missing:
        raise exits.CommandError(f"there is no exception {', '.join(missing)}; see billhub exceptions list --state all")
    closed = [f"{each} is {found[each].state}" for each in ids if open_only and found[each].state != "open"]
    if closed:
        raise exits.CommandError(f"only open exceptions can be worked on: {', '.join(closed)}", exits.REFUSED)
    return [found[each] for each in dict.fromkeys(ids)]


def _state(hub: "Hub", exception_id: int) -> str:
    from billhub.store.engine import reading

    with reading(hub.engine) as connection:
        return _known(connection, [exception_id])[0].state


def _history(connection: "Connection", each: "ExceptionView") -> "list[AuditView]":
    """Audit entries about this exception; its opening stands under its record."""
    from billhub.audit import trail

    def is_meant(entry: "AuditView") -> bool:
        same = (entry.detail.get("rule_id"), entry.detail.get("path")) == (each.rule_id, each.path)
        return entry.subject == number or (entry.action == "exception.opened" and same)

    number = str(each.exception_id)
    return [entry for entry in trail(connection, [number, each.subject_id]) if is_meant(entry)]


def _row(each: "ExceptionView", today: date) -> tuple[object, ...]:
    owner = f"{each.owner} ({each.assignee})" if each.assignee else each.owner
    overdue = each.state == "open" and each.deadline < today.isoformat()
    deadline = f"{each.deadline}{' !' if overdue else ''}"
    return (
        each.exception_id,
        each.category,
        each.subject_id,
        each.invoice_id,
        each.amount,
        owner,
        deadline,
        each.next_step,
    )


def _tell(each: "ExceptionView", history: "Sequence[AuditView]") -> None:
    heading(f"Exception {each.exception_id}: {each.category.replace('_', ' ')}")
    show_facts(
        {
            "State": each.state,
            "Record": f"{each.subject_type} {each.subject_id}",
            "Invoice": each.invoice_id,
            "Legal entity": each.legal_entity,
            "Amount": each.amount,
            "Rule": each.rule_id,
            "Field": each.path,
            "Value": each.value or "(empty)",
            "What is wrong": each.message,
            "Next step": each.next_step,
            "Owner": each.owner,
            "Assigned to": each.assignee,
            "Opened on": each.opened_on,
            "Deadline": each.deadline,
            "Closed": f"{each.closed_on} by {each.closed_by}: {each.resolution}" if each.closed_on else None,
        }
    )
    rows = [(entry.at, entry.actor, entry.action, facts(entry.detail)) for entry in history]
    show_table(("When", "Who", "What", "With"), rows, title="History")
    if not all(entry.holds for entry in history):
        complain("an entry of this history does not fit the audit chain: billhub audit verify")
