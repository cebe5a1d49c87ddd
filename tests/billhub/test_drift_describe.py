"""Drift that a system tells of itself, before a record fails: its org is changed as an administrator would, and asked."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import requests

import mappings
import sandbox
from billhub import drift, steps, sync
from billhub.demo.connections import sandbox_environment
from billhub.drift import DecisionRefusedError, Description
from billhub.flows import Feed, load_flows
from billhub.hub import Hub
from billhub.store import drifts, landed
from billhub.store.engine import reading, transaction
from canonical_model.errors import HubError
from connectors.contract import FieldDescription, Page, RawRecord
from connectors.errors import CredentialsError
from connectors.settings import variable_name
from mappings.catalogue import ROOT
from mappings.testing.fixtures import read_input
from sandbox.salesforce.schema import load_schema

ACCOUNTS = Feed(source="salesforce", entity="account", document="customer")
CONTRACTS = Feed(source="salesforce", entity="contract", document="contract")
ORDERS = Feed(source="online_retail", entity="order", document="order")

Rows = list[tuple[str, str, str, str, str]]


class Org:
    """The org's Object Manager; `undo` puts everything back."""

    def __init__(self, url: str) -> None:
        self._url, self._original = f"{url}/_sandbox/schema", load_schema()
        self._touched: set[tuple[str, str]] = set()

    def put(self, kind: str, field: str, **spec: Any) -> None:
        self._touched.add((kind, field))
        answer = requests.put(f"{self._url}/{kind}/{field}", data=msgspec.json.encode(spec), timeout=30)
        assert answer.status_code == 204, answer.text

    def remove(self, kind: str, field: str) -> None:
        self._touched.add((kind, field))
        assert requests.delete(f"{self._url}/{kind}/{field}", timeout=30).status_code == 204

    def undo(self) -> None:
        for kind, field in sorted(self._touched):
            before = self._original.objects[kind].fields.get(field)
            if before is None:
                requests.delete(f"{self._url}/{kind}/{field}", timeout=30)
            else:
                self.put(kind, field, **msgspec.to_builtins(before))
        self._touched.clear()


@pytest.fixture(scope="module")
def salesforce(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sandbox.serve(tmp_path_factory.mktemp("org"), systems=["salesforce"]) as endpoints:
        yield endpoints["salesforce"]


@pytest.fixture
def org(salesforce: str) -> Iterator[Org]:
    connect(salesforce)
    opened = Org(salesforce)
    yield opened
    opened.undo()


@pytest.fixture
def asked(hub: Hub, org: Org) -> Callable[..., Rows]:
    """Asks about a feed; gives kind, path, promised, found and state of what does not fit."""

    def ask(feed: Feed = ACCOUNTS) -> Rows:
        [description] = drift.check(hub, [feed])
        return [(each.kind, each.path, each.expected, each.found, each.state) for each in description.found]

    return ask


def connect(url: str) -> None:
    """The hub's connections lead to this org, and to no other system."""
    endpoints = dict.fromkeys(("salesforce", "avatax", "netsuite", "stripe", "smtp", "imap"), url)
    os.environ.update(sandbox_environment(endpoints))


def states(query: Callable) -> list[tuple[str, str]]:
    return query("SELECT path, state FROM exceptions WHERE subject_type = 'drift' ORDER BY exception_id")


def test_the_seeded_org_is_as_promised_but_for_a_legal_entity_that_the_mapping_does_not_know(asked: Callable) -> None:
    assert asked() == []
    assert asked(CONTRACTS) == [("new_value", "Legal_Entity__c", "US, DE, JP", "UK", "open")]


def test_fields_beside_those_we_read_are_new_only_after_the_first_look(hub: Hub, org: Org, query: Callable) -> None:
    [first] = drift.check(hub, [CONTRACTS])
    assert first.is_first
    assert "OrderItems[].TotalPrice" in first.unread
    org.put("Contract", "Segment__c", type="string", length=40)
    [second] = drift.check(hub, [CONTRACTS])
    assert (second.is_first, second.unread) == (False, ())
    [row] = [each for each in second.found if each.kind == "new_field"]
    assert (row.path, row.sample, row.policy, row.origin) == ("Segment__c", "string", "allow", "describe")
    assert ("Segment__c", "reported") in states(query)


def test_a_field_that_we_read_and_that_is_gone_is_told_before_a_query_fails(
    hub: Hub, org: Org, asked: Callable, query: Callable
) -> None:
    org.remove("Account", "PO_Required__c")
    assert asked() == [("missing_field", "PO_Required__c", "boolean or null", "nothing", "open")]
    assert states(query) == [("PO_Required__c", "open")]
    with pytest.raises(HubError, match="PO_Required__c"):
        sync.read_and_land(hub, ACCOUNTS)


def test_a_field_of_another_object_and_a_look_up_are_watched_too(org: Org, asked: Callable) -> None:
    org.remove("Product2", "Tax_Code__c")
    org.remove("Contract", "Pricebook2Id")
    gone = {path for kind, path, *_ in asked(CONTRACTS) if kind == "missing_field"}
    assert gone == {"OrderItems[].Product2.Tax_Code__c", "Pricebook2Id", "Pricebook2", "Pricebook2.Name"}


@pytest.mark.parametrize(
    ("spec", "expected", "found"),
    [
        ({"type": "string", "length": 40}, "decimal or null", "text"),
        ({"type": "boolean"}, "decimal or null", "boolean"),
        ({"type": "percent", "precision": 3}, "double", "percent"),
    ],
)
def test_a_changed_type_is_told_in_json_or_where_json_looks_the_same_in_the_systems_own_words(
    spec: dict[str, Any], expected: str, found: str, org: Org, asked: Callable
) -> None:
    asked()
    org.put("Account", "Payment_Terms_Days__c", **spec)
    assert asked() == [("changed_type", "Payment_Terms_Days__c", expected, found, "open")]


def test_a_number_that_has_become_an_integer_is_still_a_decimal(org: Org, asked: Callable) -> None:
    org.put("Account", "Payment_Terms_Days__c", type="int")
    assert asked() == []


def test_a_value_that_the_mapping_would_refuse_is_told(org: Org, asked: Callable, query: Callable) -> None:
    org.put("Account", "Active__c", type="picklist", values=["Yes", "No", "Perhaps"])
    assert asked() == [("new_value", "Active__c", "Yes, No", "Perhaps", "open")]
    assert query("SELECT message, state FROM exceptions") == [
        (
            "salesforce account, field Active__c: the system offers 'Perhaps', which the mapping does not know; it knows Yes, No; "
            "seen in its own description; no record that was landed has it",
            "open",
        )
    ]


def test_what_was_put_back_is_settled(org: Org, asked: Callable, query: Callable) -> None:
    org.remove("Account", "PO_Required__c")
    asked()
    org.undo()
    assert asked() == []
    assert query("SELECT state, reason FROM drift") == [("settled", "the system describes it so no more")]
    assert states(query) == [("PO_Required__c", "resolved")]


def test_a_decision_taken_beforehand_holds_for_the_records(
    hub: Hub, org: Org, asked: Callable, query: Callable
) -> None:
    org.put("Account", "Tax_Registration__c", type="double", precision=9)
    assert asked() == [("changed_type", "Tax_Registration__c", "text or null", "decimal", "open")]
    whole = read_input(ROOT / "salesforce" / "account.full.in.json")
    record = RawRecord(external_id="A-1", version="1", body={**whole, "Tax_Registration__c": {"odd": 1}})
    with transaction(hub.engine) as connection:
        drift.decide(connection, hub, 1, accept=True, reason="the mapping reads both")
        landed.land(connection, "salesforce", "account", Page(records=(record,), cursor=None, has_more=False))
    [batch] = sync.batches(hub, ACCOUNTS)
    assert sync.map_batch(hub, ACCOUNTS, batch)["quarantined"] == 1  # an object is another cause
    assert asked() == [("changed_type", "Tax_Registration__c", "text or null", "decimal", "accepted")]
    assert query("SELECT found, state, origin FROM drift ORDER BY drift_id") == [
        ("decimal", "accepted", "describe"),
        ("object", "open", "record"),
    ]


def test_drift_that_records_have_is_not_settled_by_a_description(hub: Hub, org: Org, asked: Callable) -> None:
    whole = read_input(ROOT / "salesforce" / "account.full.in.json")
    record = RawRecord(external_id="A-1", version="1", body={**whole, "Segment__c": "A"})
    with transaction(hub.engine) as connection:
        landed.land(connection, "salesforce", "account", Page(records=(record,), cursor=None, has_more=False))
    [batch] = sync.batches(hub, ACCOUNTS)
    sync.map_batch(hub, ACCOUNTS, batch)
    assert asked() == []
    with reading(hub.engine) as connection:
        assert [each.state for each in drifts.listed(connection)] == ["open"]


def test_an_unknown_value_cannot_be_refused(hub: Hub, org: Org, asked: Callable) -> None:
    asked(CONTRACTS)
    with (
        transaction(hub.engine) as connection,
        pytest.raises(DecisionRefusedError, match="refuses unknown values by itself"),
    ):
        drift.decide(connection, hub, 1, accept=False, reason="x")


def test_a_source_that_cannot_describe_is_not_asked(hub: Hub) -> None:
    assert not drift.can_describe(ORDERS)
    assert drift.check(hub, [ORDERS]) == []


def test_a_source_that_does_not_let_us_in_is_not_hidden_and_not_asked_again(hub: Hub, salesforce: str) -> None:
    connect(salesforce)
    name = variable_name("billhub_salesforce")
    os.environ[name] = os.environ[name].replace("sandbox-password", "wrong")
    requests.delete(f"{salesforce}/_sandbox/requests", timeout=30)
    with pytest.raises(CredentialsError, match="salesforce"):
        drift.check(hub, [ACCOUNTS, CONTRACTS, ORDERS])
    assert requests.get(f"{salesforce}/_sandbox/requests", timeout=30).json() == {"POST /services/oauth2/token": 1}


def test_the_flow_asks_about_everything_that_is_brought_in(hub: Hub, org: Org, query: Callable) -> None:
    steps.run_flow(hub, load_flows()["schema_drift"])
    [(counts,)] = query("SELECT counts FROM runs")
    assert msgspec.json.decode(counts) == {"described": 7, "drifted": 3, "settled": 0}


def test_what_a_connector_reads_and_a_contract_does_not_list_is_new() -> None:
    contract = mappings.contract("salesforce/account")
    assert contract is not None
    fields = [FieldDescription(path=path, types=field.types, native_type="") for path, field in contract.fields.items()]
    more = FieldDescription(path="Segment__c", types=("text",), native_type="string")
    assert [(each.kind, each.path, each.policy) for each in drift.compare(contract, [*fields, more], {})] == [
        ("new_field", "Segment__c", "quarantine")
    ]
    beside = msgspec.structs.replace(more, is_read=False)
    assert list(drift.compare(contract, [*fields, beside], {})) == []
    assert [each.policy for each in drift.compare(contract, [*fields, beside], {"Name": ""})] == ["allow"]


def test_counts_are_those_of_what_is_undecided() -> None:
    description = Description(source="a", entity="b", is_first=False, unread=(), found=(), settled=2)
    assert drift.counted([description, description]) == {"described": 2, "drifted": 0, "settled": 4}
