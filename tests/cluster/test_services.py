"""The cluster of docker-compose.yaml as processes of this machine: its settings, commands and health checks, two Celery workers, and the main job."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import redis
import requests
from celery import Celery
from sqlalchemy import create_engine, func, select, text

import sandbox
from billhub import reconcile
from billhub.demo.airflow import Airflow, Component, Run, Topology, airflow
from billhub.demo.connections import sandbox_environment
from billhub.demo.systems import Holdings, holdings
from billhub.flows import flows_folder
from billhub.hub import open_hub
from billhub.store import invoices
from billhub.store.engine import reading
from billhub.store.schema import exceptions as exception_table
from billhub.store.schema import invoices as invoice_table
from connectors.settings import Connection, parse, variable_name

pytestmark = [pytest.mark.services, pytest.mark.postgres, pytest.mark.xdist_group("cluster")]

AS_OF = date(2026, 1, 15)
WORKERS = ("worker-1", "worker-2")
SERVICES = ("airflow-api-server", "airflow-dag-processor", "airflow-scheduler", "airflow-triggerer")
QUEUE = "default"
PATIENCE = 60

OWN = {
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    "AIRFLOW__API__HOST",
    "AIRFLOW__API__PORT",
    "AIRFLOW__API__BASE_URL",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
}
"""Settings of the file that say where something is or who people are; a machine has its own."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What the main job came to, looked at from all sides before the cluster ended."""

    tasks: list[Mapping[str, Any]]
    unhealthy: Mapping[str, str]
    missing: list[Mapping[str, Any]]
    completeness: list[reconcile.Completeness]
    counts: list[reconcile.Count]
    held: Holdings
    worked_example: Mapping[str, Any]
    states: Mapping[str, int]
    refused: int
    left_running: list[str]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, compose: Any) -> Iterator[Job]:
    """The main job on a cluster: everybody syncs, then the first worker alone releases, then the second alone delivers."""
    state = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        metadata, store = (stack.enter_context(_database()) for _ in range(2))
        broker = stack.enter_context(_broker())
        endpoints = stack.enter_context(sandbox.serve(state / "sandbox"))
        connections = sandbox_environment(endpoints)
        topology = _topology(compose, metadata=metadata, store=store, broker=broker)
        env = _plain_environment()
        with airflow(state / "airflow", env, flows_folder().parent, topology=topology) as server:
            with _health_checks(compose, topology, server, env) as checks:
                _store_connections(server, connections)
                unreachable = _main_job(server, broker)
                unhealthy = _failures(checks)
            tasks = _task_instances(server)
            missing = _errors(server.logs, unreachable)
        yield Job(
            tasks=tasks,
            unhealthy=unhealthy,
            missing=missing,
            left_running=_running_in(state),
            **_result(store, endpoints, connections),
        )


def test_the_worked_example_is_taxed_to_the_cent_and_waits_for_approval(job: Job) -> None:
    row = job.worked_example

    assert (row["net_minor"], row["tax_minor"], row["gross_minor"]) == (12_000_000, 960_000, 12_960_000)
    assert row["state"] == "awaiting_approval"
    assert row["number"] is None


def test_what_needs_no_approval_is_released_and_delivered(job: Job) -> None:
    assert job.states["delivered"] > 100
    assert job.states.get("released", 0) == job.refused, "only what a target refused is not delivered"
    assert not job.states.keys() & {"draft", "checked", "taxed", "ready"}


def test_everything_that_came_in_is_accounted_for(job: Job) -> None:
    assert {(row.legal_entity, row.currency) for row in job.completeness} >= {
        ("US", "USD"),
        ("DE", "EUR"),
        ("JP", "JPY"),
    }
    assert [row.difference for row in job.completeness] == [reconcile.Volume()] * len(job.completeness)


def test_the_targets_hold_what_we_say(job: Job) -> None:
    ours = {(count.target, count.entity): count.ours for count in job.counts}

    assert [count for count in job.counts if count.ours != count.theirs] == []
    assert job.held.netsuite["invoice"] == ours["netsuite", "invoice"] > 100
    assert job.held.stripe["invoice"] == ours["stripe", "invoice"] > 100
    assert job.held.mailbox == ours["email", "message"] > 100


def test_both_workers_did_a_part(job: Job) -> None:
    worked = [
        task for task in _of(job, "invoice_release", "deliver") if task["task_id"] != "all_delivered"
    ]  # nothing to run
    hosts = {
        dag_id: {task["hostname"] for task in worked if task["dag_id"] == dag_id}
        for dag_id in ("invoice_release", "deliver")
    }

    assert hosts == {"invoice_release": {"worker-1"}, "deliver": {"worker-2"}}
    assert {task["hostname"] for task in _of(job, "sync_accounts", "sync_contracts")} <= set(WORKERS)


def test_every_task_succeeded_at_once(job: Job) -> None:
    done = _of(job, "sync_accounts", "sync_contracts", "invoice_release", "deliver")

    assert {(task["state"], task["try_number"]) for task in done} == {("success", 1)}


def test_health_checks_of_the_compose_file_pass(job: Job) -> None:
    assert job.unhealthy == {}


def test_a_missing_connection_is_one_error_that_names_it(job: Job) -> None:
    (error,) = job.missing

    assert error["exc_type"] == "ConfigurationError"
    assert "billhub_online_retail" in error["exc_value"]
    assert "Create it under Admin, Connections" in error["exc_value"]


def test_no_process_outlives_the_cluster(job: Job) -> None:
    assert job.left_running == []


# --- the services


@contextmanager
def _database() -> Iterator[str]:
    """An empty database of our own; its URL without a driver."""
    server, _, query = os.environ["HUB_TEST_POSTGRES_URL"].partition("?")
    name = f"hub_cluster_{secrets.token_hex(6)}"
    admin = create_engine(server.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield f"{server.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@contextmanager
def _broker() -> Iterator[str]:
    """An empty Redis database that nobody else uses, which the first to write an owner into it gets."""
    server = os.environ.get("HUB_TEST_REDIS_URL", "redis://127.0.0.1:6379")
    for number in secrets.SystemRandom().sample(range(1, 16), 15):
        url = f"{server}/{number}"
        with redis.Redis.from_url(url) as client:
            if client.dbsize() == 0 and client.set("owner", "tests/cluster", nx=True):
                try:
                    yield url
                finally:
                    client.flushdb()
                return
    pytest.fail(f"all databases of {server} are in use")


def _topology(compose: Any, *, metadata: str, store: str, broker: str) -> Topology:
    from_file = compose.environment("airflow-worker", {"WORKER_CONCURRENCY": "1", "HUB_SCHEDULES": "off"})
    sqlalchemy_url = metadata.replace("postgresql://", "postgresql+psycopg2://", 1)
    return Topology(
        components=(*(_component(compose, name) for name in SERVICES), *(_worker(compose, name) for name in WORKERS)),
        settings={name: value for name, value in from_file.items() if name not in OWN}
        | {
            "HUB_DATABASE_URL": store,
            "HUB_FLOWS_DIR": str(flows_folder()),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sqlalchemy_url,
            "AIRFLOW__CELERY__BROKER_URL": broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{sqlalchemy_url}",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "component_host.name",
            "PYTHONPATH": str(Path(__file__).parent),
        },
    )


def _component(compose: Any, service: str) -> Component:
    program, *arguments = compose.services[service]["command"]
    assert program == "airflow"
    # On one machine the log servers of several components would want the same port.
    skip = ["--skip-serve-logs"] if service in {"airflow-triggerer", "airflow-worker"} else []
    return Component(service, (*arguments, *skip), {"HOSTNAME": service})


def _worker(compose: Any, host: str) -> Component:
    arguments = (*_component(compose, "airflow-worker").arguments, "--celery-hostname", f"celery@{host}")
    return Component(host, arguments, {"HOSTNAME": host})


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HUB_"))}


# --- the job


def _main_job(server: Airflow, broker: str) -> Run:
    """Run it; returns the run of a flow whose connection does not exist, which failed."""
    with Celery(broker=broker) as app:
        _until(lambda: len(app.control.ping(destination=_nodes(*WORKERS), timeout=5)) == len(WORKERS))
        unreachable = server.trigger("retail_orders", _conf())
        syncs = [server.trigger(dag_id, _conf()) for dag_id in ("sync_accounts", "sync_contracts")]
        for run in syncs:
            _finish(server, run)
        _leave_to(app, "worker-1")
        _finish(server, server.trigger("invoice_release", _conf()))
        _leave_to(app, "worker-2")
        _finish(server, server.trigger("deliver", _conf()))
        _until(lambda: _state(server, unreachable) == "failed")
    return unreachable


def _store_connections(server: Airflow, connections: Mapping[str, str]) -> None:
    """Keep the connections where a cluster keeps them: in Airflow, so that workers have to ask it for them."""
    for variable, fields in ((name, json.loads(value)) for name, value in connections.items()):
        conn_id = variable.removeprefix("AIRFLOW_CONN_").lower()
        extra = json.dumps(fields.pop("extra", {}))
        body = {"connection_id": conn_id, "extra": extra, **fields}
        headers = {"Authorization": f"Bearer {server.token('olive')}"}
        requests.post(f"{server.url}/api/v2/connections", json=body, headers=headers, timeout=30).raise_for_status()


def _leave_to(app: Celery, worker: str) -> None:
    """Take all other workers off the queue; each confirms, so it is certain who does what comes next."""
    others = [name for name in WORKERS if name != worker]
    for change, names in ((app.control.add_consumer, [worker]), (app.control.cancel_consumer, others)):
        answers = change(QUEUE, destination=_nodes(*names), reply=True, timeout=PATIENCE)
        assert [list(answer) for answer in answers] == [_nodes(name) for name in names], answers


def _nodes(*workers: str) -> list[str]:
    return [f"celery@{worker}" for worker in workers]


def _conf() -> Mapping[str, str]:
    return {"as_of": AS_OF.isoformat()}


def _finish(server: Airflow, run: Run) -> None:
    for _ in server.follow(run):
        pass


def _state(server: Airflow, run: Run) -> str:
    return str(_get(server, f"/dags/{run.dag_id}/dagRuns/{run.run_id}")["state"])


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s"
        time.sleep(0.2)  # between questions to another process, which cannot call us


def _get(server: Airflow, path: str) -> Any:
    headers = {"Authorization": f"Bearer {server.token('olive')}"}
    answer = requests.get(f"{server.url}/api/v2{path}", headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()


# --- what is looked at


def _task_instances(server: Airflow) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = _get(server, "/dags/~/dagRuns/~/taskInstances?limit=500")["task_instances"]
    return found


def _of(job: Job, *dag_ids: str) -> list[Mapping[str, Any]]:
    found = [task for task in job.tasks if task["dag_id"] in dag_ids]
    assert {task["dag_id"] for task in found} == set(dag_ids)
    return found


@contextmanager
def _health_checks(
    compose: Any, topology: Topology, server: Airflow, env: Mapping[str, str]
) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """The file's own check of every component, running."""
    port = server.url.rsplit(":", 1)[1]
    shared = {**env, **topology.settings, "AIRFLOW_HOME": str(server.logs), "AIRFLOW__API__PORT": port}
    shared["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    checks = {
        component.name: subprocess.Popen(
            compose.health_command("airflow-worker" if component.name in WORKERS else component.name),
            env={**shared, **component.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for component in topology.components
    }
    try:
        yield checks
    finally:
        for check in checks.values():
            check.kill()
            check.communicate()


def _failures(checks: Mapping[str, subprocess.Popen[str]]) -> dict[str, str]:
    outputs = {name: check.communicate(timeout=PATIENCE)[0] for name, check in checks.items()}
    return {name: outputs[name] for name, check in checks.items() if check.returncode}


def _errors(home: Path, run: Run) -> list[Mapping[str, Any]]:
    """The errors in the log of the first try of a run's first task, as Airflow shows them."""
    (log,) = (home / "logs").glob(f"dag_id={run.dag_id}/run_id={run.run_id}/task_id=*/attempt=1.log")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [error for line in lines for error in line.get("error_detail", ())]


def _result(store: str, endpoints: Mapping[str, str], connections: Mapping[str, str]) -> dict[str, Any]:
    hub = open_hub(
        as_of=AS_OF,
        actor="uma",
        url=store.replace("postgresql://", "postgresql+psycopg://", 1),
        connection=partial(_connection, connections),
    )
    by_state = select(invoice_table.c.state, func.count()).group_by(invoice_table.c.state)
    refused = select(func.count(exception_table.c.invoice_id.distinct())).where(
        exception_table.c.category == "target_rejected"
    )
    try:
        with reading(hub.engine) as connection:
            return {
                "completeness": reconcile.completeness(connection, hub),
                "counts": reconcile.counts(connection, hub),
                "held": holdings(endpoints),
                "worked_example": invoices.find(connection, "C-000001_2026-01-01"),
                "states": dict(connection.execute(by_state).tuples().all()),
                "refused": connection.execute(refused).scalar_one(),
            }
    finally:
        hub.close()


def _connection(connections: Mapping[str, str], system: str) -> Connection:
    conn_id = f"billhub_{system}"
    return parse(conn_id, connections[variable_name(conn_id)])


def _running_in(state: Path) -> list[str]:
    """Processes of the cluster that still run; the sandbox is not one of them."""
    home = str(state / "airflow")
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("AIRFLOW_HOME") == home and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
