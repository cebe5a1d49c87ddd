"""`billhub sync`, `release`, `deliver`, `run`: the stages, driven by hand instead of by Airflow."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from billhub.cli import exits
from billhub.cli.options import Actor, AsOf
from billhub.cli.output import complain, counted, say, screen
from billhub.cli.session import opened
from canonical_model.errors import ConfigurationError, HubError

if TYPE_CHECKING:
    from billhub.flows import Batch, Flow
    from billhub.hub import Hub


def sync(
    flow: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Only this flow; may be given several times.", show_default=False),
    ] = None,
    as_of: AsOf = None,
    actor: Actor = None,
) -> None:
    """Bring in what is new at the sources: land, map, check.

    Without --flow all flows that bring something in are run; one that fails does not stop the others. A flow without schedule whose source has
    no connection is left out, and said so.

    Example: billhub sync --flow sync_contracts
    """
    with opened(as_of, actor) as hub:
        chosen = [_flow(name) for name in flow] if flow else _connected(hub, _flows_with("land"))
        failures = [error for each in chosen if (error := _attempt(hub, each))]
    if failures:
        raise typer.Exit(exits.code_of(failures[0]))


def release(as_of: AsOf = None, actor: Actor = None) -> None:
    """Release what is due: draft, check, tax, approve, number.

    Invoices above the approval limit stop and wait for a second person: billhub approvals list.

    Example: billhub release --as-of 2026-01-15
    """
    with opened(as_of, actor) as hub:
        for each in _flows_with("release"):
            run_shown(hub, each)


def deliver(
    wait: Annotated[
        int,
        typer.Option(
            min=0, metavar="SECONDS", help="How long to wait for deliveries that are to be tried again later."
        ),
    ] = 0,
    as_of: AsOf = None,
    actor: Actor = None,
) -> None:
    """Send released invoices to the tax engine, the books, the payment gateway, the customer and the CRM.

    Example: billhub deliver --wait 60
    """
    from billhub.deliver import deliver_due
    from billhub.store import display
    from billhub.store.engine import reading

    with opened(as_of, actor) as hub:
        with screen(errors=True).status("delivering"):
            counts = deliver_due(hub, wait_seconds=wait)
        say(f"deliver: {counted(counts)}")
        with reading(hub.engine) as connection:
            left = display.undelivered(connection)
    if left:
        say(f"not delivered yet: {counted(left)}", style="yellow")


def run(
    flow: Annotated[str, typer.Argument(help="Id of the flow, as in dags/flows.")],
    as_of: AsOf = None,
    actor: Actor = None,
) -> None:
    """Run one flow to its end, as its DAG would.

    Example: billhub run retail_orders
    """
    with opened(as_of, actor) as hub:
        run_shown(hub, _flow(flow))


def run_shown(hub: "Hub", flow: "Flow") -> None:
    """Run a flow task by task, with a line for each about what it did.

    Raises:
        HubError: A task cannot go on.
    """
    from billhub.steps import run_task

    results: dict[str, list[Batch]] = {}
    for task in flow.tasks:
        batches: Sequence[Batch | None] = results[task.each] if task.each else [None]
        found: list[Batch] = []
        with screen(errors=True).status("") as status:
            for place, batch in enumerate(batches, start=1):
                status.update(f"{flow.id}: {task.id}, {place} of {len(batches)}")
                found += run_task(hub, flow.id, task, batch)
        results[task.id] = found
        say(f"{flow.id}: {task.id}: {counted(_done(hub, flow.id, len(batches)))}")


def _done(hub: "Hub", flow_id: str, runs: int) -> Counter[str]:
    """Counts of the last runs of a flow."""
    from billhub.store import display
    from billhub.store.engine import reading

    counts: Counter[str] = Counter()
    if runs:
        with reading(hub.engine) as connection:
            for each in display.run_list(connection, flow=flow_id, limit=runs):
                counts.update(each.counts)
    return counts


def _attempt(hub: "Hub", flow: "Flow") -> HubError | None:
    try:
        run_shown(hub, flow)
    except HubError as error:
        complain(f"{flow.id}: {error}")
        return error
    return None


def _flow(name: str) -> "Flow":
    from billhub.flows import load_flows

    flows = load_flows()
    if name not in flows:
        raise exits.CommandError(f"there is no flow {name!r}; there are {', '.join(flows)}", exits.USAGE)
    return flows[name]


def _flows_with(step: str) -> "list[Flow]":
    from billhub.flows import load_flows

    found = [flow for flow in load_flows().values() if any(step in task.run for task in flow.tasks)]
    if not found:
        raise ConfigurationError(f"no flow has a step {step!r}; see dags/flows")
    return found


def _connected(hub: "Hub", flows: "Sequence[Flow]") -> "list[Flow]":
    """Flows, without those that are only started by hand and whose source has no connection."""
    chosen = []
    for flow in flows:
        try:
            if flow.schedule is None:
                for task in flow.tasks:
                    hub.connection(task.feed.source if task.feed else "")
        except ConfigurationError as error:
            complain(f"{flow.id}: left out: {error}", style="yellow")
            continue
        chosen.append(flow)
    return chosen
