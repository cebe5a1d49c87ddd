"""Identity: the first source record that a document was made from keeps it, in whatever batch or run another one claims it."""

from collections.abc import Callable
from typing import Any

import pytest

from billhub import sync
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.store import documents, landed
from billhub.store.engine import reading, transaction
from canonical_model.parties import Customer
from connectors.contract import Page, RawRecord
from mappings.catalogue import ROOT
from mappings.testing.fixtures import read_input

ACCOUNTS = Feed(source="salesforce", entity="account", document="customer")
WHOLE = read_input(ROOT / "salesforce" / "account.full.in.json")


def account(native_id: str | None, number: str = "A-1", **changes: Any) -> RawRecord:
    body = {**WHOLE, "AccountNumber": number, "Name": native_id or "second", **changes}
    return RawRecord(external_id=number, native_id=native_id, version=str(changes), body=body)


@pytest.fixture
def land(hub: Hub) -> Callable[..., int]:
    def landing(*records: RawRecord, source: str = "salesforce") -> int:
        with transaction(hub.engine) as connection:
            return landed.land(connection, source, "account", Page(records=records, cursor=None, has_more=False))

    return landing


@pytest.fixture
def names(hub: Hub) -> Callable[..., dict[str, str]]:
    """Maps what waits, then gives the names of all customers by number."""

    def mapped(*, size: int = 1000) -> dict[str, str]:
        for batch in sync.batches(hub, ACCOUNTS, size=size):
            sync.map_batch(hub, ACCOUNTS, batch)
        with reading(hub.engine) as connection:
            ids = [each.canonical_id for chunk in documents.walk(connection, "customer") for each in chunk]
            found = documents.load(connection, "customer", ids, Customer)
        return {number: customer.name for number, customer in found.items()}

    return mapped


@pytest.fixture
def desk(query: Callable) -> Callable[[], list[tuple[Any, ...]]]:
    return lambda: query("SELECT subject_id, category, path FROM exceptions WHERE state = 'open' ORDER BY subject_id")


RIVAL = ("salesforce/account/001y", "mapping_defect", "identity")


def test_two_accounts_of_one_number_in_one_page_are_both_seen(land: Callable, names: Callable, desk: Callable) -> None:
    assert land(account("001x"), account("001y")) == 2
    assert names() == {"A-1": "001x"}
    assert desk() == [RIVAL]


def test_each_is_held_against_its_own_last_version(land: Callable) -> None:
    page = account("001x"), account("001y")
    assert (land(*page), land(*page)) == (2, 0)


def test_a_later_batch_takes_no_identity(land: Callable, names: Callable, desk: Callable) -> None:
    land(account("001x"), account("001y"))
    assert names(size=1) == {"A-1": "001x"}
    assert desk() == [RIVAL]


def test_a_later_run_takes_no_identity(
    hub: Hub, land: Callable, names: Callable, desk: Callable, query: Callable
) -> None:
    land(account("001x"))
    names()
    land(account("001y"))
    assert names() == {"A-1": "001x"}
    assert desk() == [RIVAL]
    [(message,)] = query("SELECT message FROM exceptions")
    assert "record salesforce A-1 (001y) has the identity of record salesforce A-1 (001x)" in message
    with reading(hub.engine) as connection:
        assert documents.outdated(connection, "customer", ["A-1"]) == set()  # the owner's own record was read


def test_the_owner_goes_on_changing_and_closes_nothing_of_the_other(
    land: Callable, names: Callable, desk: Callable
) -> None:
    land(account("001x"))
    names()
    land(account("001y"), account("001x", Name="Northwind"))
    assert names() == {"A-1": "Northwind"}
    land(account("001x", Name="Northwind Analytics"))
    assert names() == {"A-1": "Northwind Analytics"}
    assert desk() == [RIVAL]


def test_a_fault_of_the_rival_stays_on_the_desk_when_the_owner_is_read_again(
    land: Callable, names: Callable, desk: Callable
) -> None:
    land(account("001x"), account("001y", BillingCountryCode="ZZ"))
    names()
    land(account("001x", Name="Northwind"))
    names()
    assert desk() == [("salesforce/account/001y", "mapping_defect", "address.country")]


def test_a_rival_with_a_number_of_its_own_is_a_customer(land: Callable, names: Callable, desk: Callable) -> None:
    land(account("001x"), account("001y"))
    names()
    land(account("001y", "A-2"))
    assert names() == {"A-1": "001x", "A-2": "001y"}
    assert desk() == []


def test_a_number_that_its_owner_gave_up_is_free(hub: Hub, land: Callable, names: Callable, desk: Callable) -> None:
    land(account("001x"), account("001y"))
    names()
    land(account("001x", "A-2"))
    names()
    with transaction(hub.engine) as connection:
        assert landed.reset_excepted(connection, "account") == 1
    assert names() == {"A-1": "001y", "A-2": "001x"}
    assert desk() == []


def test_what_a_record_was_under_an_old_number_is_not_replayed(hub: Hub, land: Callable, names: Callable) -> None:
    land(account("001x"), account("001y"))
    names()
    land(account("001y", "A-2"))
    names()
    with transaction(hub.engine) as connection:
        assert landed.reset_excepted(connection, "account") == 0


def test_another_source_takes_no_identity(
    keep: Callable, a_customer: Callable, land: Callable, names: Callable, query: Callable
) -> None:
    keep(a_customer(customer_id="A-1", name="first"), source="shop")
    land(account(None), account("001x", "A-2"))
    assert names() == {"A-1": "first", "A-2": "001x"}
    [(subject, message)] = query("SELECT subject_id, message FROM exceptions")
    assert subject == "salesforce/account/A-1"
    assert "record salesforce A-1 has the identity of record shop A-1" in message


def test_without_native_ids_a_record_may_come_under_another_external_id(
    land: Callable, names: Callable, desk: Callable
) -> None:
    land(account(None, Name="first"))
    names()
    land(account(None, " A-1", Name="second"))
    assert names() == {"A-1": "second"}
    assert desk() == []
