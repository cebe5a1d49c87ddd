"""Run by test_dags.py in a process of its own: parses a DAGs folder as Airflow does and says as JSON what is in it and what it imported."""

import json
import sys
from pathlib import Path
from typing import Any

import airflow.sdk  # noqa: F401 - what Airflow itself brings is no import of ours

before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import billing_flows  # noqa: E402, F401

added = sorted(set(sys.modules) - before)

from airflow.dag_processing.dagbag import DagBag  # noqa: E402


def described(task: Any) -> dict[str, Any]:
    return {
        "id": task.task_id,
        "after": sorted(task.upstream_task_ids),
        "mapped": bool(task.is_mapped),
        "retries": task.retries,
        "trigger_rule": str(task.trigger_rule),
    }


bag = DagBag(Path(sys.argv[1]))
dags = {
    dag_id: {
        "schedule": dag.schedule,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "params": {name: dag.params[name] for name in dag.params},
        "tasks": [described(task) for task in dag.topological_sort()],
    }
    for dag_id, dag in bag.dags.items()
}
print(json.dumps({"errors": bag.import_errors, "dags": dags, "imported": added}))
