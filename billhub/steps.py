"""Steps: what each task of a flow does; Airflow drives them one by one, and `run_flow` does so without it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import insert, update

from billhub import drift, release, sync
from billhub.deliver import deliver_due, drain, retry_rejected
from billhub.flows import Batch, Feed, Flow, StepName, Task, feeds
from billhub.hub import Hub
from billhub.store import landed
from billhub.store.engine import transaction
from billhub.store.schema import runs
from canonical_model.encoding import encode
from canonical_model.errors import ConfigurationError


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
        over: Sequence[Batch | None] = results[task.each] if task.each else [None]
        results[task.id] = [given for batch in over for given in run_task(hub, flow.id, task, batch)]


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
    return Done(release.plan(hub), release.batches(hub, (*release.UNCHECKED, "checked")))


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
            counts["replayed"] += drift.review(connection, hub, feed, drift.screen_of(hub, feed).contract)["new"]
        for batch in sync.batches(hub, feed):
            counts.update(sync.map_batch(hub, feed, batch))
    return Done(counts)


def _replay_deliveries(hub: Hub, _task: Task, _batch: Batch | None) -> Done:
    with transaction(hub.engine) as connection:
        replayed = retry_rejected(connection, hub)
    return Done({"replayed": replayed, **deliver_due(hub)})


def _describe(hub: Hub, _task: Task, _batch: Batch | None) -> Done:
    return Done(drift.counted(drift.check(hub, list(feeds()))))


STEPS: dict[StepName, Step] = {
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
    "describe": _describe,
}


def _feed(task: Task) -> Feed:
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
