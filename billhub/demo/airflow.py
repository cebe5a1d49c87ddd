"""A whole Airflow as processes of this machine, driven over its REST API: embedded by default, or any other topology."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import requests

from billhub.demo.processes import running
from canonical_model.errors import HubError

USERS = {"admin": "admin", "olive": "op", "uma": "op", "vic": "viewer"}
"""People of the demonstration and their Airflow roles: olive starts runs, uma approves, vic looks on."""

COMMAND = (sys.executable, "-m", "airflow")
START_SECONDS = 120
POLL_SECONDS = 0.3


class Component(msgspec.Struct, frozen=True):
    """One process of Airflow.

    Attributes:
        name: What it is called here; its log is `<name>.log`.
        arguments: Of the `airflow` command.
        env: What this process alone is given.
    """

    name: str
    arguments: tuple[str, ...]
    env: Mapping[str, str] = {}


class Topology(msgspec.Struct, frozen=True, kw_only=True):
    """Which processes Airflow consists of, and the settings under which they find each other.

    Attributes:
        components: In the order of their start; they end in the reverse order.
        settings: Environment of all of them, over the settings that every topology shares.
    """

    components: tuple[Component, ...]
    settings: Mapping[str, str]


EMBEDDED = Topology(
    components=tuple(Component(name, (name,)) for name in ("api-server", "dag-processor", "scheduler")),
    settings={"AIRFLOW__CORE__EXECUTOR": "LocalExecutor", "AIRFLOW__CORE__PARALLELISM": "4"},
)
"""One machine, no services: SQLite, and tasks as children of the scheduler."""


class AirflowError(HubError):
    """Airflow did not start, or a run failed; the message says where its log is."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run as Airflow shows it.

    Attributes:
        dag_id: Flow.
        run_id: Airflow's identifier.
        state: `queued`, `running`, `success` or `failed`.
        done: Task instances that ended.
        total: Task instances known so far.
    """

    dag_id: str
    run_id: str
    state: str
    done: int = 0
    total: int = 0


class Airflow:
    """A running Airflow, as its user `olive`."""

    def __init__(self, url: str, passwords: Mapping[str, str], logs: Path) -> None:
        self.url, self.logs, self._passwords = url, logs, passwords
        self._session = requests.Session()
        self._session.trust_env = False

    def token(self, user: str) -> str:
        """A bearer token of a user."""
        body = {"username": user, "password": self._passwords[user]}
        return str(self._call("POST", "/auth/token", body=body)["access_token"])

    def log_in(self, user: str) -> None:
        """Act as this user from now on."""
        self._session.headers["Authorization"] = f"Bearer {self.token(user)}"

    def dag_ids(self) -> list[str]:
        """Ids of the DAGs that were parsed.

        Raises:
            AirflowError: A DAG file cannot be imported.
        """
        broken = self._call("GET", "/api/v2/importErrors")["import_errors"]
        if broken:
            raise AirflowError(f"DAG file {broken[0]['filename']} cannot be imported:\n{broken[0]['stack_trace']}")
        return sorted(dag["dag_id"] for dag in self._call("GET", "/api/v2/dags?limit=100")["dags"])

    def trigger(self, dag_id: str, conf: Mapping[str, str]) -> Run:
        """Start a run."""
        answer = self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body={"logical_date": None, "conf": dict(conf)})
        return Run(dag_id=dag_id, run_id=answer["dag_run_id"], state=answer["state"])

    def follow(self, run: Run) -> Iterator[Run]:
        """The run as it goes on, until it ended.

        Raises:
            AirflowError: It failed.
        """
        while True:
            path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}"
            state = self._call("GET", path)["state"]
            tasks = self._call("GET", f"{path}/taskInstances?limit=500")["task_instances"]
            ended = [task for task in tasks if task["state"] in {"success", "failed", "skipped", "upstream_failed"}]
            run = msgspec.structs.replace(run, state=state, done=len(ended), total=len(tasks))
            yield run
            if state == "failed":
                failed = ", ".join(task["task_id"] for task in tasks if task["state"] == "failed")
                raise AirflowError(f"run {run.run_id} of {run.dag_id} failed in {failed}; its log is below {self.logs}")
            if state == "success":
                return
            time.sleep(POLL_SECONDS)

    def post(self, path: str, body: Mapping[str, Any], *, user: str) -> tuple[int, Mapping[str, Any]]:
        """Post to the console's API as a user; returns status and answer."""
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        answer = requests.post(f"{self.url}{path}", json=dict(body), headers=headers, timeout=30)
        return answer.status_code, answer.json()

    def _call(self, method: str, path: str, *, body: Mapping[str, Any] | None = None) -> Any:
        answer = self._session.request(method, f"{self.url}{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def airflow(state: Path, env: Mapping[str, str], dags: Path, *, topology: Topology = EMBEDDED) -> Iterator[Airflow]:
    """Run Airflow until the block ends.

    Args:
        state: Folder of its logs and secrets, and of its database unless the topology names another; what is there is continued.
        env: Environment of the tasks: connections and the hub's own settings.
        dags: DAGs folder; the plugins folder is beside it.
        topology: Its processes.

    Raises:
        AirflowError: It did not start.
    """
    state.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{_free_port()}"
    server = Airflow(url, _passwords(state), state)
    shared = {**env, **_settings(state, url, dags), **topology.settings}
    _migrate(state, shared)
    with ExitStack() as stack:
        processes = {
            component.name: stack.enter_context(_started(component, shared, state)) for component in topology.components
        }
        _wait(server, processes, expected=len(list((dags / "flows").glob("*.yaml"))))
        yield server


def _migrate(state: Path, env: Mapping[str, str]) -> None:
    log = state / "migrate.log"
    with log.open("wb") as output:
        done = subprocess.run([*COMMAND, "db", "migrate"], env=env, stdout=output, stderr=output, check=False)  # noqa: S603
    if done.returncode:
        raise AirflowError(f"airflow db migrate failed; see {log}")


def _started(
    component: Component, shared: Mapping[str, str], state: Path
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    command = [*COMMAND, *component.arguments]
    return running(command, env={**shared, **component.env}, log=state / f"{component.name}.log")


def _wait(server: Airflow, processes: Mapping[str, subprocess.Popen[bytes]], *, expected: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        dead = [name for name, process in processes.items() if process.poll() is not None]
        if dead:
            raise AirflowError(f"airflow {dead[0]} ended by itself; see {server.logs / dead[0]}.log")
        try:
            server.log_in("olive")
            if len(server.dag_ids()) >= expected:
                return
        except requests.RequestException:
            pass  # not up yet; the deadline decides
        if time.monotonic() > deadline:
            raise AirflowError(f"Airflow was not ready after {START_SECONDS} s; see {server.logs}")
        time.sleep(POLL_SECONDS)


def _settings(state: Path, url: str, dags: Path) -> dict[str, str]:
    keys = _secrets(state)
    return {
        "AIRFLOW_HOME": str(state),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(dags.parent / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(state / "passwords.json"),
        "AIRFLOW__CORE__FERNET_KEY": keys["fernet"],
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{state / 'airflow.db'}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": url.rsplit(":", 1)[1],
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": keys["api"],
        "AIRFLOW__API_AUTH__JWT_SECRET": keys["jwt"],
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        # A supervisor that misses the end of its task looks again after this time only, and holds the worker's slot until then.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "600",
    }


def _secrets(state: Path) -> dict[str, str]:
    """Keys of this state, made once and kept: changing them later would break stored connections."""
    return _kept(
        state / "secrets.json",
        lambda: {name: secrets.token_urlsafe(48) for name in ("api", "jwt")} | {"fernet": _fernet()},
    )


def _passwords(state: Path) -> dict[str, str]:
    return _kept(state / "passwords.json", lambda: {user: secrets.token_urlsafe(9) for user in USERS})


def _fernet() -> str:
    from cryptography.fernet import Fernet  # noqa: PLC0415 - slow to import

    return Fernet.generate_key().decode()


def _kept(file: Path, make: Any) -> dict[str, str]:
    if not file.exists():
        draft = file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(make()))
        shutil.move(draft, file)
    kept: dict[str, str] = json.loads(file.read_text())
    return kept


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
