"""Our connection types, as Airflow's Connections page shows and tests them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

import sandbox
from billhub.airflow_provider import HOOKS, SystemHook, get_provider_info
from billhub.demo.connections import sandbox_environment
from canonical_model.errors import HubError
from connectors import registry
from connectors.settings import Connection

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """What Airflow says, with the tests of a good, a refused and an incomplete connection to the sandbox's Stripe and AvaTax."""
    home = tmp_path_factory.mktemp("airflow")
    with sandbox.serve(home / "sandbox", systems=["stripe", "avatax"]) as endpoints:
        everything = {name: "" for name in ("salesforce", "netsuite", "smtp", "imap")} | dict(endpoints)
        connections = sandbox_environment(everything)
        avatax = json.loads(connections["AIRFLOW_CONN_BILLHUB_AVATAX"])
        tried = {
            "good": json.loads(connections["AIRFLOW_CONN_BILLHUB_STRIPE"]),
            "refused": avatax | {"password": "wrong"},
            "incomplete": avatax | {"extra": {}},
        }
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HUB_"))},
            "AIRFLOW_HOME": str(home),
            **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields) for name, fields in tried.items()},
        }
        command = [sys.executable, HERE / "ask_provider.py", *tried]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout.splitlines()[-1])


def test_the_entry_point_leads_here() -> None:
    found = metadata.entry_points(group="apache_airflow_provider", name="provider_info")

    assert [entry.load() for entry in found if entry.value.startswith("billhub.")] == [get_provider_info]


def test_provider_info_fits_airflows_own_schema() -> None:
    schema = metadata.distribution("apache-airflow-core").locate_file("airflow/provider_info.schema.json")

    Draft7Validator(json.loads(Path(str(schema)).read_text())).validate(get_provider_info())


def test_every_connector_has_a_connection_type() -> None:
    assert {hook.conn_type for hook in HOOKS} == {f"billhub_{name}" for name in registry.names()}


def test_airflow_shows_every_type_with_its_name_and_fields(shown: Mapping[str, Any]) -> None:
    assert shown["types"] == {
        hook.conn_type: {
            "name": hook.hook_name,
            "fields": sorted(hook.fields),
            "secret": sorted(name for name in hook.fields if _is_secret(name)),
            "hidden": sorted(["url_schema", *hook.hidden]),
        }
        for hook in HOOKS
    }


def test_secret_fields_are_these() -> None:
    assert {name for hook in HOOKS for name in hook.fields if _is_secret(name)} == {
        "client_secret",
        "consumer_secret",
        "token",
        "token_secret",
        "webhook_secret",
        "imap_password",
    }


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.conn_type)
def test_the_fields_are_those_that_the_connector_reads(hook: type[SystemHook]) -> None:
    assert _read_by(hook) == set(hook.fields)


def test_every_type_can_be_tested(shown: Mapping[str, Any]) -> None:
    assert shown["testable"] == {hook.conn_type: True for hook in HOOKS}


def test_the_test_button_says_what_the_system_said(shown: Mapping[str, Any]) -> None:
    passed, text = shown["tested"]["good"]

    assert passed, text
    assert text


def test_the_test_button_says_what_is_wrong(shown: Mapping[str, Any]) -> None:
    refused, incomplete = shown["tested"]["refused"], shown["tested"]["incomplete"]

    assert refused[0] is False
    assert "avatax" in refused[1].lower()
    assert incomplete[0] is False
    assert "extra.company_codes" in incomplete[1]


class _Recorder(dict[str, str]):
    """Extra settings that remember which were asked for."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__(given)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


def _read_by(hook: type[SystemHook]) -> set[str]:
    """Settings that a connector asks for, with a password and without one: some are then read from elsewhere."""
    required = {
        "sender": "a@example.com",
        "imap_host": "localhost",
        "client_id": "x",
        "client_secret": "x",
        "token": "x",
    }
    required |= {"consumer_key": "x", "consumer_secret": "x", "company_codes": "x"}
    asked: set[str] = set()
    for password in ("x", ""):
        extra = _Recorder(required)
        connection = Connection(
            conn_id=hook.conn_type, host="http://localhost", login="x", password=password, extra=extra
        )
        with suppress(HubError):
            registry.connect(hook.conn_type.removeprefix("billhub_"), connection).close()
        asked |= extra.asked
    return asked


def _is_secret(name: str) -> bool:
    return any(part in name for part in ("secret", "password", "token"))
