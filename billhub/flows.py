"""Flows: how the stages are strung together, read from `dags/flows/*.yaml`. Light, because every DAG parse imports it.

A task is one or more steps on the same batch. A task that others fan out over gives back the batches of its work; only those travel between tasks.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from canonical_model.errors import ConfigurationError

Batch = tuple[int, int]
"""A range of rows: above the first number, up to and including the second."""

StepName = Literal[
    "land", "map", "plan", "check", "tax", "approve", "release", "deliver", "replay_records", "replay_deliveries"
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
        ConfigurationError: A file does not fit, names an unknown step, or fans out over a task that does not come before.
    """
    files = sorted((folder or flows_folder()).glob("*.yaml"))
    flows = [_load(file) for file in files]
    return {flow.id: flow for flow in flows}


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
        if task.each is not None and task.each not in seen:
            raise ConfigurationError(f"flow file {file.name}, task {task.id}: {task.each!r} is no task before it")
        seen.add(task.id)
    return flow
