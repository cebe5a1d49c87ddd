"""docker-compose.yaml, Dockerfile and docs/cluster.md agree with each other and with the code; no engine is needed."""

import ast
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.fernet import Fernet

from connectors import registry
from connectors.settings import variable_name

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "cluster.md").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()

SERVICES = {
    "postgres",
    "redis",
    "init",
    "airflow-api-server",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-worker",
    "sandbox",
}
AIRFLOW = sorted(name for name in SERVICES if name.startswith("airflow-"))
PINNED = re.compile(r"[a-z-]+:\d+\.\d+(\.\d+)?(-[a-z]+)*")
SECRET = re.compile(r"PASSWORD|SECRET|FERNET|JWT", re.IGNORECASE)
URL_PASSWORD = re.compile(r"://[^/@\s]*:([^@\s]+)@")


def test_the_services_are_these(compose: Any) -> None:
    assert set(compose.services) == SERVICES
    assert compose.services["sandbox"]["profiles"] == ["sandbox"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_image_is_pinned_by_a_tag(service: str, compose: Any) -> None:
    assert PINNED.fullmatch(compose.services[service]["image"])
    own = compose.services[service]["image"].startswith("billing-hub:")
    assert ("build" in compose.services[service]) == own


@pytest.mark.parametrize("service", sorted(SERVICES - {"init"}))
def test_every_service_that_stays_has_a_health_check_and_comes_back(service: str, compose: Any) -> None:
    check = compose.services[service]["healthcheck"]

    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries"} <= check.keys()
    assert compose.services[service]["restart"] == "unless-stopped"


def test_init_runs_once_before_everything_of_airflow(compose: Any) -> None:
    assert compose.services["init"]["restart"] == "no"
    assert "healthcheck" not in compose.services["init"], "it ends; others wait for that"
    for service in AIRFLOW:
        awaited = {name: how["condition"] for name, how in compose.services[service]["depends_on"].items()}
        assert (
            awaited.items()
            >= {
                "postgres": "service_healthy",
                "redis": "service_healthy",
                "init": "service_completed_successfully",
            }.items()
        )


def test_what_runs_tasks_waits_for_the_api_server(compose: Any) -> None:
    for service in ("airflow-scheduler", "airflow-triggerer", "airflow-worker"):
        assert compose.services[service]["depends_on"]["airflow-api-server"]["condition"] == "service_healthy"


def test_there_are_two_workers_with_names_of_their_own(compose: Any) -> None:
    worker = compose.services["airflow-worker"]

    assert worker["deploy"]["replicas"] == "${WORKERS:-2}"
    assert not {"container_name", "hostname", "ports"} & worker.keys(), "replicas would collide"


def test_no_secret_is_written_in_the_file(compose: Any) -> None:
    for service, content in compose.services.items():
        for name, value in content.get("environment", {}).items():
            if SECRET.search(name) and not name.endswith("_FILE"):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), f"{service}: {name} is written out"
    assert {found for found in URL_PASSWORD.findall(compose.text) if not found.startswith("${")} == set()


def test_required_variables_say_what_is_missing_and_secrets_have_no_default(compose: Any) -> None:
    for name, kind in compose.variables():
        assert kind in {"?", "-"}, f"${{{name}}} would silently be empty"
        assert kind == "?" or not SECRET.search(name)


def test_every_variable_is_documented(compose: Any) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (yes|no) \|", GUIDE, re.MULTILINE))

    assert rows == {name: "yes" if kind == "?" else "no" for name, kind in compose.variables()}


def test_the_guides_commands_make_every_required_variable(compose: Any, tmp_path: Path) -> None:
    subprocess.run(["sh", "-ec", _blocks("sh")[0]], cwd=tmp_path, check=True, env={"PATH": os.environ["PATH"]})

    made = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    required = {name for name, kind in compose.variables() if kind == "?"}
    assert made.keys() == required
    assert all(
        re.fullmatch(r"[0-9a-f]{64}", value) for name, value in made.items() if name.endswith(("PASSWORD", "SECRET"))
    )
    assert len({value for name, value in made.items() if name != "AIRFLOW_USERS"}) == len(required) - 1
    Fernet(made["AIRFLOW_FERNET_KEY"])
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0


def test_the_guides_snippet_writes_all_connections_of_the_sandbox() -> None:
    (snippet,) = re.findall(r"<<'PYTHON'\n(.*?)\nPYTHON\n", GUIDE, re.DOTALL)

    done = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, check=True, cwd=ROOT)

    written = dict(line.split("=", 1) for line in done.stdout.splitlines())
    wanted = {variable_name(f"billhub_{system}") for system in registry.names() if system != "online_retail"}
    assert written.keys() == wanted
    assert all(value.startswith("'{") and value.endswith("}'") and value.count("'") == 2 for value in written.values())
    assert "127.0.0.1" not in done.stdout


def test_settings_are_those_that_were_measured(compose: Any) -> None:
    environment = compose.environment("airflow-scheduler", {})

    assert (
        environment.items()
        >= {
            "HUB_SCHEDULES": "on",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "30",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_MAX_OVERFLOW": "20",
        }.items()
    )
    assert {name: environment[name] for name in environment} == compose.environment("airflow-worker", {})


class Airflow(msgspec.Struct, frozen=True):
    """What the installed Airflow says about the file: settings it knows, and commands it does not."""

    settings: list[str]
    unknown_commands: list[list[str]]


@pytest.fixture(scope="module")
def installed(compose: Any, tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """Asked in a process of its own, because Airflow writes into its home when it is imported."""
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow"))}
    script = Path(__file__).with_name("ask_airflow.py")
    commands = [words[1:] for words in _commands(compose) if words[0] == "airflow"]
    done = subprocess.run(
        [sys.executable, script],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Airflow)


@pytest.mark.parametrize("service", [*AIRFLOW, "init"])
def test_airflow_knows_every_setting(service: str, compose: Any, installed: Airflow) -> None:
    given = [name for name in compose.services[service]["environment"] if name.startswith("AIRFLOW__")]

    assert [name for name in given if name not in installed.settings] == []


def test_airflow_knows_every_command(installed: Airflow) -> None:
    assert installed.unknown_commands == []


def test_commands_start_programs_of_their_image(compose: Any) -> None:
    programs = {words[0] for words in _commands(compose)}

    assert programs == {"airflow", "python", "celery", "postgres", "pg_isready", "redis-server", "redis-cli"}
    for words in _commands(compose):
        if words[:2] == ["python", "-c"]:
            ast.parse(words[2])
        if words[:2] == ["python", "-m"]:
            assert importlib.util.find_spec(words[2])


def test_inline_python_imports_what_exists(compose: Any) -> None:
    init = shlex.split(compose.services["init"]["command"][2].splitlines()[1])

    subprocess.run(
        [sys.executable, *init[1:]], check=True, cwd=ROOT, env={**os.environ, "HUB_DATABASE_URL": "sqlite://"}
    )


def test_the_sandbox_is_reachable_for_containers_and_for_nobody_else(compose: Any) -> None:
    command = compose.services["sandbox"]["command"]

    assert command[:3] == ["python", "-m", "sandbox.gateway"]
    assert command[command.index("--host") + 1] == "0.0.0.0"
    assert "ports" not in compose.services["sandbox"]


def test_only_the_api_server_is_published_and_on_this_machine_alone(compose: Any) -> None:
    published = {name: service["ports"] for name, service in compose.services.items() if "ports" in service}

    assert published == {"airflow-api-server": ["${AIRFLOW_LISTEN:-127.0.0.1:8080}:8080"]}


def test_volumes_and_configs_that_are_used_are_declared(compose: Any) -> None:
    used = {volume.split(":")[0] for service in compose.services.values() for volume in service.get("volumes", [])}

    assert used == compose.content["volumes"].keys()
    assert compose.services["postgres"]["configs"][0]["source"] in compose.content["configs"]


def test_the_image_is_built_from_the_lock_in_two_stages() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)

    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", base) for base in bases)
    assert "--require-hashes" in DOCKERFILE
    assert re.search(r"^USER (?!root)", DOCKERFILE, re.MULTILINE)


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]

    assert set(sources) == allowed
    assert [source for source in sources if not (ROOT / source).exists()] == []


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


def _commands(compose: Any) -> Iterator[list[str]]:
    """Every command of the file as words: of services, of health checks, and each line of a script."""
    for service in compose.services.values():
        command = service.get("command", [])
        if command[:2] == ["sh", "-ec"]:
            yield from (shlex.split(line) for line in command[2].splitlines())
        elif command:
            yield command
        kind, *check = service.get("healthcheck", {}).get("test", ["NONE"])
        if check:
            yield check if kind == "CMD" else shlex.split(check[0])
