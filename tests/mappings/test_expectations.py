"""What mappings expect of their sources: who reads a path, and which values would be refused."""

import pytest

import mappings
from mappings.expectations import readers, unknown_values


@pytest.mark.parametrize(
    ("mapping", "path", "fields"),
    [
        ("salesforce/account", "Active__c", ["status"]),
        ("salesforce/account", "IsDeleted", ["status"]),
        ("salesforce/account", "Hub_Id__c", []),
        ("salesforce/contract", "Pricebook2", ["price_book"]),
        ("netsuite/sales_order", "currency.name", ["annual_value.currency"]),
        ("online_retail/order", "HeaderConflicts", [""]),
    ],
)
def test_readers_of_a_path_are_the_fields_made_from_it(mapping: str, path: str, fields: list[str]) -> None:
    assert readers(mappings.load(mapping).definition, path) == fields


def test_a_list_is_read_by_all_that_is_made_from_its_items() -> None:
    found = readers(mappings.load("salesforce/contract").definition, "Amendments")
    assert {"amendments", "amendments[].status"} <= set(found)


def test_values_that_an_enumeration_does_not_have_are_unknown() -> None:
    definition = mappings.load("salesforce/account").definition
    offered = {"Active__c": ["Yes", "Perhaps"], "Name": ["anything"], "BillingStateCode": ["ZZ"]}
    assert list(unknown_values(definition, offered)) == [("Active__c", "Perhaps", ("Yes", "No"))]


def test_values_are_held_against_an_enumeration_as_it_sees_them() -> None:
    definition = mappings.load("online_retail/order").definition
    assert [value for _, value, _ in unknown_values(definition, {"InvoiceNo": ["536365", "C536379", "A563185"]})] == [
        "A563185"
    ]


def test_keys_that_a_table_does_not_have_are_unknown() -> None:
    definition = mappings.load("netsuite/sales_order").definition
    path = next(iter(path for path in definition.paths if path.startswith("currency.")))
    assert [value for _, value, _ in unknown_values(definition, {path: ["1", "no such currency"]})] == [
        "no such currency"
    ]
