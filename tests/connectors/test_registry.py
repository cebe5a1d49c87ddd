"""Connectors are found by name, and nothing is imported before it is asked for."""

import subprocess
import sys

import pytest

from canonical_model.errors import ConfigurationError
from connectors import registry
from connectors.contract import Capabilities, Connector, Source, Target
from connectors.settings import Connection


def test_names_are_the_folders_with_a_connector() -> None:
    assert {"salesforce", "avatax", "tax_table"} <= set(registry.names())
    assert list(registry.names()) == sorted(registry.names())


def test_names_imports_no_connector_and_no_http() -> None:
    code = "import sys; from connectors import registry; registry.names(); print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "connectors.registry" in loaded
    assert not {"requests", "simple_salesforce", "stripe", "zeep", "connectors.salesforce"} & set(loaded)


def test_a_connector_does_not_import_its_vendors_sdk_before_use() -> None:
    code = "import sys; import connectors.salesforce.connector; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "simple_salesforce" not in loaded


@pytest.mark.parametrize("system", ["salesforce", "avatax", "tax_table"])
def test_capabilities_name_their_folder(system: str) -> None:
    declared = registry.capabilities(system)
    assert isinstance(declared, Capabilities)
    assert declared.system == system
    assert set(declared.idempotency) == set(declared.writes)


def test_connect_sends_nothing() -> None:
    extra = {"client_id": "app", "client_secret": "secret"}
    opened = registry.connect(
        "salesforce", Connection(conn_id="billhub_salesforce", host="https://nowhere.invalid", extra=extra)
    )
    assert isinstance(opened, Connector)
    assert isinstance(opened, Source)
    assert isinstance(opened, Target)


@pytest.mark.parametrize(
    "action", [registry.capabilities, lambda name: registry.connect(name, Connection(conn_id="x"))]
)
def test_an_unknown_name_says_which_there_are(action: object) -> None:
    with pytest.raises(ConfigurationError, match="salesforce"):
        action("no_such_system")
