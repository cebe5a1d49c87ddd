"""Compiled mappings: total over any JSON, exact, deterministic, and made of nothing but their rules."""

import copy
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mappings
from canonical_model.errors import MappingError
from mappings.testing.fixtures import cases, read_input


@pytest.mark.parametrize("name", mappings.names())
def test_a_record_is_not_changed_and_maps_the_same_each_time(name: str) -> None:
    for path in cases(name):
        record = read_input(path)
        before = copy.deepcopy(record)
        first, second = (mappings.load(name).apply(record) for _ in range(2))
        assert first == second
        assert record == before


@pytest.mark.parametrize("record", [None, 1, "x", [], [{}], True])
def test_a_record_that_is_no_object_is_one_problem_among_others(record: Any) -> None:
    problems = mappings.load("salesforce/account").apply(record).problems
    assert problems[0].message == "the record must be an object"


def test_problems_carry_field_path_value_rule_and_message() -> None:
    record = {"AccountNumber": "A-1", "Name": "N", "Active__c": "Maybe", "BillingCountryCode": "DE"}
    (problem,) = mappings.load("salesforce/account").apply(record).problems
    assert msgspec.to_builtins(problem) == {
        "mapping": "salesforce/account",
        "version": 1,
        "field": "status",
        "source_path": "Active__c",
        "value": "Maybe",
        "rule": "from, map",
        "message": "is not one of 'Yes', 'No'; an unknown value is never guessed",
    }


def test_problem_values_are_short_and_storable() -> None:
    record = {
        "AccountNumber": "A\x00" + "x" * 500,
        "Name": "\ud800",
        "Active__c": 10**5000,
        "BillingCountryCode": {"a": 1},
    }
    values = [each.value for each in mappings.load("salesforce/account").apply(record).problems]
    assert all(len(value) < 140 and "\x00" not in value and value.encode() for value in values)


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=4))
def test_amounts_are_exact(amount: Decimal) -> None:
    body = {"externalId": "C-1", "entity": {"externalId": "A-1"}, "currency": {"internalId": "1"}, "total": str(amount)}
    document = mappings.load("netsuite/sales_order").apply(body).document
    assert document.annual_value.amount == amount
    assert isinstance(document.annual_value.amount, Decimal)


def test_a_binary_float_is_refused() -> None:
    body = {"externalId": "C-1", "entity": {"externalId": "A-1"}, "currency": {"internalId": "1"}, "total": 0.1}
    (problem,) = mappings.load("netsuite/sales_order").apply(body).problems
    assert problem.message == "must be an exact number, not a binary floating-point number"


def test_texts_of_a_mapping_file_never_become_code(outbound: Any) -> None:
    nasty = "'\\\"\\n    raise SystemExit  # {x} \\u2028"
    fields = f"""
        a: {{const: "{nasty}"}}
        b: {{from: context.x, map: {{"{nasty}": "{nasty}"}}}}
        c: {{concat: [{{const: "{nasty}"}}], separator: "{nasty}"}}
        d: {{when: {{path: context.x, equals: "{nasty}"}}, then: {{const: "{nasty}"}}, otherwise: {{absent: "{nasty}"}}}}
    """
    text = json.loads(f'"{nasty}"')
    mapping, record = outbound(fields), {"context": {"x": text}}
    assert mapping.apply(record) == mapping.carefully(record)
    assert mapping.apply(record).document == dict.fromkeys("abcd", text)


def test_the_source_text_is_plain_python() -> None:
    text = mappings.load("salesforce/account").source_text
    assert "\n\ndef map_record(record):\n" in text
    assert "# customer_id: from, text AccountNumber (salesforce/account.yaml:" in text
    compile(text, "account", "exec")
    careful = mappings.load("salesforce/account").careful_text
    assert careful.startswith("def map_record(record, errors):\n")
    assert "# customer_id: from, text AccountNumber (salesforce/account.yaml:" in careful


def test_the_fingerprint_is_that_of_all_texts() -> None:
    bundle, mapping = mappings.bundle_of("netsuite/invoice"), mappings.load("netsuite/invoice")
    assert mapping.fingerprint == bundle.fingerprint
    assert sorted(bundle.files) == [
        "netsuite/invoice.yaml",
        "netsuite/overlays/invoice.uk.yaml",
        "tables/netsuite_currency.yaml",
        "tables/netsuite_subsidiary.yaml",
    ]
    for file, text in bundle.files.items():
        changed = mappings.Bundle(name=bundle.name, files={**bundle.files, file: f"{text}# a remark\n"})
        assert changed.fingerprint != bundle.fingerprint
        assert mappings.compile_bundle(changed).name == mapping.name


def test_loading_is_cached_and_names_what_there_is() -> None:
    assert mappings.load("email/message") is mappings.load("email/message")
    with pytest.raises(MappingError, match="there are avatax/tax_quote"):
        mappings.load("../secrets")


def test_unmapped_names_fields_that_the_source_has_grown() -> None:
    record = read_input(cases("salesforce/contract")[0])
    mapping = mappings.load("salesforce/contract")
    record["OrderItems"] = [{"Quantity": 1, "Discount__c": 5}]
    record["Region__c"] = "EMEA"
    record["Account"] = {"AccountNumber": "A-1", "Tier__c": "gold"}
    assert set(mapping.unmapped(record)) == {"OrderItems[].Discount__c", "Region__c", "Account.Tier__c"}
