"""Flows: how the stages are strung together, read from `dags/flows/*.yaml`. Light, because every DAG parse imports it.

A task is one or more steps on the same batch. A task that others fan out over gives back the batches of its work; only those travel between tasks.
"""

import os
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from canonical_model.errors import ConfigurationError

Batch = tuple[int, int]
"""A range of rows: above the first number, up to and including the second."""

StepName = Literal[
    "land",
    "map",
    "plan",
    "check",
    "tax",
    "approve",
    "release",
    "deliver",
    "replay_records",
    "replay_deliveries",
    "describe",
]


class Feed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a flow brings in.

    Attributes:
        source: Connector it is read from.
        entity: The connector's name of it, which is also the name of the mapping in its folder.
        document: The canonical entity it becomes.
    """

    source: str
    entity: str
    document: str

    @property
    def mapping(self) -> str:
        """Name of the inbound mapping."""
        return f"{self.source}/{self.entity}"


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One task of a flow.

    Attributes:
        id: Its name in the flow.
        run: Steps, in order; `billhub.steps` carries them out.
        each: Task over whose batches this one fans out; None for a single run.
        feed: What a `land` or `map` step brings in.
        target: Where a `deliver` step goes.
    """

    id: str
    run: tuple[StepName, ...]
    each: str | None = None
    feed: Feed | None = None
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
        ConfigurationError: A file does not fit, names an unknown step, leaves out what a step needs, fans out over a task that does not come
            before, or describes a flow that another file describes too.
    """
    files = sorted((folder or flows_folder()).glob("*.yaml"))
    flows: dict[str, Flow] = {}
    for file in files:
        flow = _load(file)
        if flow.id in flows:
            raise ConfigurationError(f"flow file {file.name}: another file describes flow {flow.id!r} already")
        flows[flow.id] = flow
    return flows


def feeds() -> Iterator[Feed]:
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
        for defect in _defects(task, seen):
            raise ConfigurationError(f"flow file {file.name}, task {task.id}: {defect}")
        seen.add(task.id)
    return flow


_NEEDED = {"land": "feed", "map": "feed", "deliver": "target"}
_ON_BATCHES = ("map", "check", "tax")


def _defects(task: Task, seen: Container[str]) -> Iterator[str]:
    if task.id in seen:
        yield "a task before it has the same id"
    if task.each is not None and task.each not in seen:
        yield f"{task.each!r} is no task before it"
    for step in task.run:
        needed = _NEEDED.get(step)
        if needed is not None and getattr(task, needed) is None:
            yield f"step {step} needs a {needed}"
        if step in _ON_BATCHES and task.each is None:
            yield f"step {step} works on batches; say `each:` which task gives them"
