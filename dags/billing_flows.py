"""One DAG for each flow in `dags/flows/*.yaml`; the tasks only drive the hub's own functions, in batches.

The one parameter of a run is `as_of`, the business date (empty for today). Who acts, for audit and four eyes, is not a parameter: it is the
Airflow user who started the run, or `airflow` for a scheduled one.
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param, chain, task

from billhub.flows import Batch, Flow, Task, load_flows

SCHEDULED = os.environ.get("HUB_SCHEDULES", "off") == "on"


def build(flow: Flow) -> DAG:
    """The DAG of a flow: its tasks in order, those with `each` mapped over the batches of the task they name."""
    rule = "all_done" if all(step.run == ("deliver",) for step in flow.tasks) else "none_failed"
    with DAG(
        dag_id=flow.id,
        description=flow.description,
        schedule=flow.schedule if SCHEDULED else None,
        catchup=False,
        max_active_runs=1,
        params={"as_of": Param("", type="string")},
        default_args={"retries": 3, "retry_delay": timedelta(seconds=2)},
        tags=["billing-hub"],
    ) as dag:
        done: dict[str, Any] = {}
        for step in flow.tasks:
            run = _operator(flow, step, rule)
            done[step.id] = run.expand(batch=done[step.each]) if step.each else run()
        chain(*done.values())
        if rule == "all_done":  # a target that fails holds up no other, but the run ends as its last task does
            list(done.values()) >> EmptyOperator(task_id="all_delivered")
    return dag


def _operator(flow: Flow, step: Task, rule: str) -> Any:
    @task(task_id=step.id, trigger_rule=rule)
    def run(batch: Batch | None = None, params: dict[str, Any] | None = None, dag_run: Any = None) -> list[Batch]:
        from billhub.airflow_hub import task_hub
        from billhub.steps import run_task

        given = (params or {}).get("as_of")
        as_of = date.fromisoformat(given) if given else None
        with task_hub(as_of=as_of, actor=dag_run.triggering_user_name or "airflow") as hub:
            return run_task(hub, flow.id, step, tuple(batch) if batch else None)

    return run


for _flow in load_flows().values():
    globals()[_flow.id] = build(_flow)
