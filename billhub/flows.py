"""Flows: the stages strung together as `dags/flows/*.yaml` says; what Airflow drives, and what the CLI runs without it.

A task is one or more steps on the same batch. A task that others fan out over gives back the batches of its work; only those travel between tasks.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert, update

from billhub import release, sync
from billhub.deliver import drain, retry_rejected
from billhub.hub import Hub
from billhub.store import landed
from billhub.store.engine import transaction
from billhub.store.schema import runs
from canonical_model.encoding import encode
from canonical_model.errors import ConfigurationError

Batch = tuple[int, int]


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One task of a flow.

    Attributes:
        id: Its name in the flow.
        run: Steps, in order, each one of `STEPS`.
        each: Task over whose batches this one fans out; None for a single run.
        feed: What a `land` or `map` step brings in.
        target: Where a `deliver` step goes.
    """

    id: str
    run: tuple[str, ...]
    each: str | None = None
    feed: sync.Feed | None = None
    target: str | None = None


class Flow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One flow, which is one DAG.

    Attributes:
        id: Name of the flow and of its DAG.
        description: What it does, for people.
        tasks: In order.
        schedule: Cron expression; None for a flow that is only started by hand or event.
    """

    id: str
    description: str
    tasks: tuple[Task, ...]
    schedule: str | None = None


def flows_folder() -> Path:
    """Where the flows are described: `HUB_FLOWS_DIR`, or `dags/flows` beside the packages."""
    return Path(os.environ.get("HUB_FLOWS_DIR") or Path(__file__).parent.parent / "dags" / "flows")


def load_flows(folder: Path | None = None) -> dict[str, Flow]:
    """All flows by id.

    Raises:
        ConfigurationError: A file does not fit, names an unknown step, or fans out over a task that does not come before.
    """
    files = sorted((folder or flows_folder()).glob("*.yaml"))
    flows = [_load(file) for file in files]
    return {flow.id: flow for flow in flows}


def run_task(hub: Hub, flow_id: str, task: Task, batch: Batch | None = None) -> list[Batch]:
    """Run one task on one batch, and keep a row about the run. Returns the batches that the next task fans out over, if any.

    Raises:
        HubError: The run cannot go on; what was committed stays, and running again goes on from there.
    """
    run_id = _started(hub, flow_id, task)
    counts: Counter[str] = Counter()
    batches: list[Batch] = []
    try:
        for name in task.run:
            done = STEPS[name](hub, task, batch)
            counts.update(done.counts)
            batches = done.batches
    except BaseException as error:
        _ended(hub, run_id, "failed", counts, str(error))
        raise
    _ended(hub, run_id, "done", counts, None)
    return batches


def run_flow(hub: Hub, flow: Flow) -> None:
    """Run a whole flow in this process, as its DAG would."""
    results: dict[str, list[Batch]] = {}
    for task in flow.tasks:
        for batch in results[task.each] if task.each else [None]:
            results[task.id] = run_task(hub, flow.id, task, batch)


class Done(msgspec.Struct, frozen=True):
    """What a step did: counts for people, batches for the next task."""

    counts: Mapping[str, int]
    batches: list[Batch] = []


Step = Callable[[Hub, Task, Batch | None], Done]


def _land(hub: Hub, task: Task, _batch: Batch | None) -> Done:
    feed = _feed(task)
    count = sync.read_and_land(hub, feed)
    return Done({"landed": count}, sync.batches(hub, feed))


def _map(hub: Hub, task: Task, batch: Batch | None) -> Done:
    return Done(sync.map_batch(hub, _feed(task), _required(task, batch)))


def _plan(hub: Hub, _task: Task, _batch: Batch | None) -> Done:
    return Done(release.plan(hub), release.batches(hub, ("draft", "held", "checked")))


def _check(hub: Hub, task: Task, batch: Batch | None) -> Done:
    return Done(release.check_batch(hub, _required(task, batch)))


def _tax(hub: Hub, task: Task, batch: Batch | None) -> Done:
    return Done(release.tax_batch(hub, _required(task, batch)))


def _approve(hub: Hub, _task: Task, _batch: Batch | None) -> Done:
    return Done(release.route_approvals(hub))


def _release(hub: Hub, _task: Task, _batch: Batch | None) -> Done:
    return Done(release.release_ready(hub))


def _deliver(hub: Hub, task: Task, _batch: Batch | None) -> Done:
    if task.target is None:
        raise ConfigurationError(f"task {task.id}: a deliver step needs a target")
    return Done(drain(hub, task.target))


def _replay_records(hub: Hub, _task: Task, _batch: Batch | None) -> Done:
    counts: Counter[str] = Counter()
    for feed in feeds():
        with transaction(hub.engine) as connection:
            counts["replayed"] += landed.reset_excepted(connection, feed.entity)
        for batch in sync.batches(hub, feed):
            counts.update(sync.map_batch(hub, feed, batch))
    return Done(counts)


def _replay_deliveries(hub: Hub, _task: Task, _batch: Batch | None) -> Done:
    with transaction(hub.engine) as connection:
        return Done({"replayed": retry_rejected(connection, hub)})


STEPS: dict[str, Step] = {
    "land": _land,
    "map": _map,
    "plan": _plan,
    "check": _check,
    "tax": _tax,
    "approve": _approve,
    "release": _release,
    "deliver": _deliver,
    "replay_records": _replay_records,
    "replay_deliveries": _replay_deliveries,
}


def feeds() -> Iterator[sync.Feed]:
    """Every feed that a flow maps."""
    for flow in load_flows().values():
        yield from (task.feed for task in flow.tasks if task.feed is not None and "map" in task.run)


def _load(file: Path) -> Flow:
    try:
        flow = msgspec.yaml.decode(file.read_bytes(), type=Flow)
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"flow file {file.name}: {error}") from None
    seen: set[str] = set()
    for task in flow.tasks:
        unknown = [name for name in task.run if name not in STEPS]
        if unknown:
            raise ConfigurationError(
                f"flow file {file.name}, task {task.id}: unknown step {unknown[0]!r}; known: {', '.join(STEPS)}"
            )
        if task.each is not None and task.each not in seen:
            raise ConfigurationError(f"flow file {file.name}, task {task.id}: {task.each!r} is no task before it")
        seen.add(task.id)
    return flow


def _feed(task: Task) -> sync.Feed:
    if task.feed is None:
        raise ConfigurationError(f"task {task.id}: a land or map step needs a feed")
    return task.feed


def _required(task: Task, batch: Batch | None) -> Batch:
    if batch is None:
        raise ConfigurationError(
            f"task {task.id}: {'/'.join(task.run)} works on batches; say `each:` which task gives them"
        )
    return batch


def _started(hub: Hub, flow_id: str, task: Task) -> int:
    row: dict[str, Any] = {
        "flow": flow_id,
        "step": task.id,
        "as_of": hub.as_of.isoformat(),
        "actor": hub.actor,
        "state": "running",
    }
    with transaction(hub.engine) as connection:
        return int(connection.execute(insert(runs).values(**row).returning(runs.c.run_id)).scalar_one())


def _ended(hub: Hub, run_id: int, state: str, counts: Mapping[str, int], message: str | None) -> None:
    values = {"state": state, "counts": encode(dict(counts)).decode(), "message": message}
    with transaction(hub.engine) as connection:
        connection.execute(update(runs).where(runs.c.run_id == run_id).values(**values))
