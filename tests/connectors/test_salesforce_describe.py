"""What the Salesforce connector says of the org's fields, against the sandbox's org."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from connectors.contract import Describes, FieldDescription
from connectors.errors import RejectedError, UnavailableError, UnsupportedError
from connectors.salesforce.connector import CAPABILITIES, SalesforceConnector, connect
from connectors.salesforce.entities import ENTITIES
from connectors.salesforce.entity import Entity
from connectors.settings import Connection

DESCRIBE = "GET .*/sobjects/.*/describe"
KINDS = {str: "text", bool: "boolean", int: "integer", dict: "object", list: "list", type(None): "null"}


@pytest.fixture
def connector(vendor_of: Callable) -> Iterator[SalesforceConnector]:
    app = {"client_id": "sandbox-client-id", "client_secret": "sandbox-client-secret"}
    opened = connect(
        Connection(
            conn_id="billhub_salesforce",
            host=vendor_of("salesforce").url,
            login="billing.hub@meridian.example",
            password="sandbox-password",
            extra=app,
        )
    )
    yield opened
    opened.close()


def described(connector: SalesforceConnector, entity: str) -> dict[str, FieldDescription]:
    return {each.path: each for each in connector.describe(entity)}


def paths(entity: Entity) -> set[str]:
    """Every path that is asked for, with the look-ups on its way."""
    asked = [*entity.fields, *(f"{part.key}[].{name}" for part in entity.parts for name in part.fields)]
    looked_up = {name.rpartition(".")[0] for name in asked if "." in name}
    return {*asked, *(part.key for part in entity.parts), *(each for each in looked_up if not each.endswith("[]"))}


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_field_that_is_read_is_described(entity: str, connector: SalesforceConnector) -> None:
    found = described(connector, entity)
    assert {path for path, each in found.items() if each.is_read} == paths(ENTITIES[entity])


@pytest.mark.parametrize("entity", ENTITIES)
def test_records_are_of_the_types_described(entity: str, connector: SalesforceConnector) -> None:
    found = described(connector, entity)
    for record in connector.read(entity, cursor=None, limit=20).records:
        for path, value in values(ENTITIES[entity], record.body):
            kind = KINDS.get(type(value), "decimal")
            assert kind in found[path].types or (kind, path) == ("null", "EndDate"), path


def values(entity: Entity, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every value of the root record, with its path."""
    for path in entity.fields:
        value: Any = body
        for name in path.split("."):
            value = value and value[name]
        if value is not None or "." not in path:
            yield path, value


def test_types_and_values_come_from_the_org(connector: SalesforceConnector) -> None:
    found = described(connector, "contract")
    assert found["ContractTerm"].types == ("integer", "null")
    assert found["Discount_Percent__c"].types == ("decimal", "null")
    assert (found["StartDate"].types, found["StartDate"].native_type) == (("text", "null"), "date")
    assert found["Billing_Timing__c"].values == ("In Advance", "In Arrears")
    assert found["OrderItems"].types == ("list",)
    assert found["OrderItems[].Product2"].types == ("object", "null")
    assert not found["OrderItems[].TotalPrice"].is_read
    assert "OrderItems[].Product2.Family" not in found


def test_each_object_is_asked_for_once(connector: SalesforceConnector, vendor_of: Callable) -> None:
    vendor_of("salesforce").forget_calls()
    connector.describe("contract")
    calls = vendor_of("salesforce").calls()
    assert calls["GET /services/data/{version}/sobjects/{sobject}/describe"] == 7


def test_the_role_is_declared(connector: SalesforceConnector) -> None:
    assert isinstance(connector, Describes)
    assert "describes" in CAPABILITIES.roles


def test_what_cannot_be_described_is_an_error_with_its_reason(
    connector: SalesforceConnector, vendor_of: Callable
) -> None:
    with pytest.raises(UnsupportedError, match="contract_status"):
        connector.describe("contract_status")
    gone = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
    vendor_of("salesforce").fault(DESCRIBE, "status", status=404, body=gone)
    with pytest.raises(RejectedError, match="does not exist"):
        connector.describe("account")
    vendor_of("salesforce").fault(DESCRIBE, "status", status=200, body={"fields": "none"})
    with pytest.raises(UnavailableError, match="describes no object"):
        connector.describe("account")
