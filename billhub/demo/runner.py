"""The demonstration, read top to bottom as it runs: sandbox, Airflow, the flows, the second person, the summary."""

import os
import shlex
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from billhub import approvals, deliver
from billhub.demo.airflow import Airflow, airflow
from billhub.demo.connections import sandbox_environment
from billhub.demo.memory import Peaks
from billhub.demo.summary import Summary, gather, show
from billhub.demo.systems import Holdings, holdings, sandbox
from billhub.flows import flows_folder
from billhub.hub import open_hub
from billhub.store.engine import reading

CREATOR, APPROVER = "olive", "uma"
CONSOLE = "/billing-hub"
SETTLE_SECONDS = 60
"""How long the demonstration waits for deliveries that have to wait before they may be tried again."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to run.

    Attributes:
        state: Folder of everything that is kept; a second run on it finds nothing to do.
        as_of: The business date.
        retail_file: CSV of retail orders; None runs the contracts of the seed.
        stay: Leave everything running at the end until Ctrl-C.
    """

    state: Path
    as_of: date
    retail_file: Path | None = None
    stay: bool = False


def run(options: Options, console: Console) -> Summary:
    """Run the demonstration and show its summary.

    Raises:
        HubError: Something did not start, or a run failed.
    """
    started = time.monotonic()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _ended)
    with ExitStack() as stack:
        console.rule("[bold]billing-hub: from signed contract to delivered invoice")
        endpoints = stack.enter_context(sandbox(options.state / "sandbox", os.environ, options.as_of))
        console.print(f"Sandbox systems run: {', '.join(f'{name} {url}' for name, url in sorted(endpoints.items()))}")
        env = _environment(options, endpoints)
        os.environ.update(env)
        before = holdings(endpoints)
        server = stack.enter_context(airflow(options.state / "airflow", {**os.environ, **env}, flows_folder().parent))
        console.print(f"Airflow runs: {server.url} ({time.monotonic() - started:.0f} s)")
        peaks = Peaks()
        _flows(server, options, console, peaks)
        summary = _summarise(server, options, endpoints, before)
        show(summary, console)
        _look_next(summary, options, console)
        spent = time.monotonic() - started
        lines = sum(row.came_in.lines for row in summary.completeness)
        console.print(
            f"Run time {spent:.0f} s; {lines:,} lines, {lines / spent:,.0f} lines/s over all of it; "
            f"peak memory of the largest process {peaks.largest_mb} MB."
        )
        if options.stay:
            _stay(server, options, env, console)
    return summary


def _ended(_signal: int, _frame: object) -> None:
    """End as on Ctrl-C: everything that was started is ended on the way out."""
    raise KeyboardInterrupt


def _environment(options: Options, endpoints: Mapping[str, str]) -> dict[str, str]:
    """What every process of the hub is given."""
    retail = str(options.retail_file.resolve()) if options.retail_file else None
    return {
        **sandbox_environment(endpoints, retail_file=retail),
        "HUB_STATE_DIR": str(options.state.resolve()),
        "HUB_FLOWS_DIR": str(flows_folder()),
        "HUB_AS_OF": options.as_of.isoformat(),
        "HUB_SCHEDULES": "off",
    }


def _flows(server: Airflow, options: Options, console: Console, peaks: Peaks) -> None:
    """Sync, release, let the second person decide, release what was approved, deliver, replay."""
    sync = ("retail_orders",) if options.retail_file else ("sync_accounts", "sync_contracts")
    _run(server, sync, options, console, peaks)
    _run(server, ("invoice_release",), options, console, peaks)
    if _approve(server, options, console):
        _run(server, ("invoice_release",), options, console, peaks)
    _run(server, ("deliver",), options, console, peaks)
    _run(server, ("replay_exceptions",), options, console, peaks)
    hub = open_hub(as_of=options.as_of, actor=CREATOR)
    try:
        deliver.deliver_due(hub, wait_seconds=SETTLE_SECONDS)
    finally:
        hub.close()


def _run(server: Airflow, dag_ids: tuple[str, ...], options: Options, console: Console, peaks: Peaks) -> None:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<20}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} tasks"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        for dag_id in dag_ids:
            bar = progress.add_task(dag_id, total=None)
            run = server.trigger(dag_id, {"as_of": options.as_of.isoformat()})
            for now in server.follow(run):
                peaks.sample()
                progress.update(bar, completed=now.done, total=now.total or None)


def _approve(server: Airflow, options: Options, console: Console) -> int:
    """Show that the creator is refused, then let the second person approve. Returns how many were approved."""
    hub = open_hub(as_of=options.as_of, actor=APPROVER)
    try:
        with reading(hub.engine) as connection:
            waiting = approvals.listed(connection, limit=10_000)
    finally:
        hub.close()
    for place, row in enumerate(waiting):
        path = f"{CONSOLE}/api/approvals/{row['invoice_id']}/approve"
        body = {"comment": "checked against the contract", "as_of": options.as_of.isoformat()}
        if place == 0:
            status, answer = server.post(path, body, user=CREATOR)
            console.print(
                f"{CREATOR} tries to approve {row['invoice_id']}: [red]refused ({status})[/red]: {_text(answer)}"
            )
        status, answer = server.post(path, body, user=APPROVER)
        if status != 200:
            raise RuntimeError(f"approval of {row['invoice_id']} answered {status}: {answer}")
    if waiting:
        console.print(f"{APPROVER} approves {len(waiting)} invoices above the limit of their legal entity.")
    return len(waiting)


def _text(answer: Mapping[str, object]) -> str:
    error = answer.get("error", answer)
    return str(error.get("message", error)) if isinstance(error, Mapping) else str(error)


def _summarise(server: Airflow, options: Options, endpoints: Mapping[str, str], before: Holdings) -> Summary:
    hub = open_hub(as_of=options.as_of, actor=CREATOR)
    try:
        return gather(
            hub, before=before, after=holdings(endpoints), endpoints=endpoints, console_url=f"{server.url}{CONSOLE}"
        )
    finally:
        hub.close()


def _look_next(summary: Summary, options: Options, console: Console) -> None:
    hint = " ".join(f"{name}={value}" for name, value in _outside(options).items())
    console.print("[bold]Where to look next[/]")
    for command in ("exceptions list", "invoice list", f"invoice show {summary.worked_number}", "audit verify"):
        console.print(f"  {hint} .venv/bin/billhub {command}", soft_wrap=True)
    console.print(f"  the console, while it runs (make up): {summary.console_url}")


def _outside(options: Options) -> dict[str, str]:
    """The environment in which a person looks at this state."""
    return {"HUB_STATE_DIR": os.path.relpath(options.state), "HUB_AS_OF": options.as_of.isoformat()}


def _stay(server: Airflow, options: Options, env: Mapping[str, str], console: Console) -> None:
    """Leave everything running, with a file that leads other shells to it for that time."""
    leads = options.state / "environment"
    leads.touch(mode=0o600)
    leads.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(env.items())))
    passwords = os.path.relpath(options.state / "airflow" / "passwords.json")
    console.print("Everything keeps running; Ctrl-C ends it.")
    console.print(f"  Log in at {server.url} as admin, olive, uma or vic; passwords: {passwords}")
    console.print(f"  In another shell: source {os.path.relpath(leads)} and then .venv/bin/billhub doctor")
    try:
        while True:
            signal.pause()
    finally:
        leads.unlink()
