"""An org whose fields an administrator adds, changes and removes."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

import sandbox

APP = {"client_id": "sandbox-client-id", "client_secret": "sandbox-client-secret"}
LOGIN = {"grant_type": "password", "username": "billing.hub@meridian.example", "password": "sandbox-password", **APP}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sandbox.serve(tmp_path_factory.mktemp("org"), systems=["salesforce"]) as endpoints:
        yield endpoints["salesforce"]


def asked(url: str, path: str, **params: str) -> requests.Response:
    token = requests.post(f"{url}/services/oauth2/token", data=LOGIN, timeout=30).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{url}/services/data/v60.0/{path}", params=params, headers=headers, timeout=30)


def fields(url: str, kind: str) -> dict[str, Any]:
    return {each["name"]: each for each in asked(url, f"sobjects/{kind}/describe").json()["fields"]}


def change(url: str, method: str, place: str, body: Any = None) -> int:
    return requests.request(method, f"{url}/_sandbox/schema/{place}", json=body, timeout=30).status_code


def test_a_new_field_is_described_and_can_be_queried(url: str) -> None:
    assert change(url, "PUT", "Account/Segment__c", {"type": "picklist", "values": ["A", "B"]}) == 204
    found = fields(url, "Account")["Segment__c"]
    assert (found["type"], found["custom"], [each["value"] for each in found["picklistValues"]]) == (
        "picklist",
        True,
        ["A", "B"],
    )
    [row] = asked(url, "query", q="SELECT Segment__c FROM Account LIMIT 1").json()["records"]
    assert row["Segment__c"] is None


def test_a_field_can_get_another_type(url: str) -> None:
    assert change(url, "PUT", "Contract/ContractTerm", {"type": "string", "length": 10}) == 204
    assert fields(url, "Contract")["ContractTerm"]["type"] == "string"


def test_a_field_that_is_removed_is_described_no_more_and_fails_a_query(url: str) -> None:
    assert change(url, "DELETE", "Product2/Family") == 204
    assert "Family" not in fields(url, "Product2")
    answer = asked(url, "query", q="SELECT Family FROM Product2")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


@pytest.mark.parametrize(
    ("method", "place", "body", "status"),
    [
        ("DELETE", "Account/Nothing__c", None, 404),
        ("DELETE", "Nothing/Name", None, 404),
        ("PUT", "Nothing/Name", {"type": "string"}, 404),
        ("PUT", "Account/Odd__c", {"type": "string", "colour": "red"}, 400),
        ("PUT", "Account/Odd__c", {"length": 4}, 400),
    ],
)
def test_what_cannot_be_done_is_refused(url: str, method: str, place: str, body: Any, status: int) -> None:
    assert change(url, method, place, body) == status
