"""The DAGs as Airflow sees them, parsed in a process of their own because Airflow reads its settings when it is imported."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from billhub.store.engine import migrate, open_engine, reading, transaction
from billhub.store.schema import intents, runs

HERE = Path(__file__).parent
DAGS = HERE.parents[1] / "dags"

GRAPHS = {
    "sync_accounts": ("land_accounts", "map_accounts[]"),
    "sync_contracts": ("land_prices", "map_prices[]", "land_contracts", "map_contracts[]"),
    "sync_sales": (
        *("land_products", "map_products[]", "land_contacts", "map_contacts[]"),
        *("land_opportunities", "map_opportunities[]", "land_orders", "map_orders[]"),
    ),
    "retail_orders": ("land_orders", "map_orders[]"),
    "invoice_release": ("plan", "check_and_tax[]", "approve", "release"),
    "deliver": ("to_customers", "to_avatax", "to_netsuite", "to_stripe", "to_email", "to_salesforce", "all_delivered"),
    "replay_exceptions": ("replay_records", "replay_deliveries"),
    "schema_drift": ("describe_sources",),
}
"""Tasks of every DAG in order, each after the one before it; `[]` for those that are mapped over the batches of the one before."""

SCHEDULES = {
    "sync_accounts": "5 * * * *",
    "sync_contracts": "10 * * * *",
    "sync_sales": "15 * * * *",
    "invoice_release": "20 * * * *",
    "deliver": "*/10 * * * *",
    "replay_exceptions": "0 5 * * *",
    "schema_drift": "30 4 * * *",
    "retail_orders": None,
}

VENDORS = {"stripe", "zeep", "simple_salesforce", "requests", "lxml", "typst"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("airflow")


@pytest.fixture(scope="module")
def parsed(home: Path) -> Mapping[str, Any]:
    return _parsed(home)


def test_dags_load_without_errors_and_are_exactly_these(parsed: Mapping[str, Any]) -> None:
    assert parsed["errors"] == {}
    assert parsed["dags"].keys() == GRAPHS.keys()


@pytest.mark.parametrize("dag_id", GRAPHS)
def test_tasks_run_one_after_the_other(dag_id: str, parsed: Mapping[str, Any]) -> None:
    tasks = parsed["dags"][dag_id]["tasks"]
    names = [task["id"] for task in tasks]

    assert tuple(f"{task['id']}[]" if task["mapped"] else task["id"] for task in tasks) == GRAPHS[dag_id]
    chained = [task["after"] for task in tasks if task["id"] != "all_delivered"]
    assert chained == [[], *([name] for name in names[: len(chained) - 1])]


@pytest.mark.parametrize("dag_id", GRAPHS)
def test_every_task_is_retried_and_goes_on_after_an_empty_batch(dag_id: str, parsed: Mapping[str, Any]) -> None:
    for task in parsed["dags"][dag_id]["tasks"]:
        assert task["retries"] >= 1
        assert _rule(task) == "none_failed" or dag_id == "deliver"


def test_deliveries_go_on_after_a_failed_one_and_the_run_fails_with_it(parsed: Mapping[str, Any]) -> None:
    *deliveries, last = parsed["dags"]["deliver"]["tasks"]

    assert {_rule(task) for task in deliveries} == {"all_done"}
    assert (last["id"], _rule(last)) == ("all_delivered", "all_success")
    assert last["after"] == sorted(task["id"] for task in deliveries)


@pytest.mark.parametrize("dag_id", GRAPHS)
def test_a_flow_never_runs_beside_itself_and_makes_up_for_nothing(dag_id: str, parsed: Mapping[str, Any]) -> None:
    dag = parsed["dags"][dag_id]

    assert (dag["max_active_runs"], dag["catchup"], dag["params"]) == (1, False, {"as_of": ""})


@pytest.mark.parametrize("value", [None, "true"])
def test_nothing_is_scheduled_unless_it_is_switched_on(value: str | None, home: Path) -> None:
    assert {dag["schedule"] for dag in _parsed(home, schedules=value)["dags"].values()} == {None}


def test_schedules_apply_when_they_are_switched_on(home: Path) -> None:
    found = {dag_id: dag["schedule"] for dag_id, dag in _parsed(home, schedules="on")["dags"].items()}

    assert found == SCHEDULES


def test_parsing_imports_no_vendor(parsed: Mapping[str, Any]) -> None:
    imported = {name.split(".")[0] for name in parsed["imported"]}

    assert "billhub" in imported, "the list must be that of the DAG file"
    assert not imported & VENDORS
    assert not [
        name for name in parsed["imported"] if name.startswith(("billhub.steps", "billhub.store", "connectors."))
    ]


def test_the_dag_file_stays_thin() -> None:
    files = list(DAGS.glob("*.py"))

    assert [file.name for file in files] == ["billing_flows.py"]
    assert len(files[0].read_text().splitlines()) < 60


@pytest.fixture(scope="module")
def migrated(home: Path) -> Path:
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(command, check=True, capture_output=True, env=_environment(home))
    return home


def test_with_nothing_to_deliver_no_target_has_to_be_connected(migrated: Path, tmp_path: Path) -> None:
    environment = _environment(migrated) | {"HUB_DATABASE_URL": f"sqlite:///{tmp_path / 'hub.sqlite'}"}

    done = _python(HERE / "run_flow.py", str(DAGS), "deliver", environment=environment)

    assert done.splitlines()[-1] == "run ended: success"


def test_a_target_that_fails_holds_up_no_other_and_is_not_hidden(migrated: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    engine = open_engine(url)
    migrate(engine)
    due = {"subject_id": "1", "target": "avatax", "entity": "transaction", "external_key": "1", "state": "pending"}
    with transaction(engine) as connection:
        connection.execute(insert(intents).values(key="avatax:1", **due))

    done = _python(
        HERE / "run_flow.py", str(DAGS), "deliver", environment=_environment(migrated) | {"HUB_DATABASE_URL": url}
    )

    with reading(engine) as connection:
        states = {row.step: row.state for row in connection.execute(select(runs))}
    engine.dispose()
    assert states.pop("to_avatax") == "failed"
    assert (set(states.values()), len(states)) == ({"done"}, 5)
    assert done.splitlines()[-1] == "run ended: failed"


def test_a_missing_connection_is_one_error_that_names_it(migrated: Path, tmp_path: Path) -> None:
    environment = _environment(migrated) | {"HUB_DATABASE_URL": f"sqlite:///{tmp_path / 'hub.sqlite'}"}

    done = _python(HERE / "run_flow.py", str(DAGS), "retail_orders", environment=environment)

    errors = [line for line in done.splitlines() if line.startswith("canonical_model.errors.")]
    assert len(errors) == 1
    assert "ConfigurationError: Airflow Connection billhub_online_retail was not found." in errors[0]
    assert "AIRFLOW_CONN_BILLHUB_ONLINE_RETAIL" in errors[0]
    assert "During handling of the above exception" not in done
    assert done.splitlines()[-1] == "run ended: failed"


def _rule(task: Mapping[str, Any]) -> str:
    return str(task["trigger_rule"]).lower().removeprefix("triggerrule.")


def _parsed(home: Path, *, schedules: str | None = None) -> Mapping[str, Any]:
    environment = _environment(home) | ({"HUB_SCHEDULES": schedules} if schedules else {})
    found: Mapping[str, Any] = json.loads(
        _python(HERE / "describe_dags.py", str(DAGS), environment=environment).splitlines()[-1]
    )
    return found


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HUB_"))}
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
    }


def _python(script: Path, *arguments: str, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, script, *arguments], check=False, capture_output=True, text=True, env=dict(environment)
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
