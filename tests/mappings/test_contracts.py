"""Drift contracts: read narrowly, checked against their mappings, and fast without missing anything."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mappings
from canonical_model.errors import MappingError
from mappings.catalogue import ROOT
from mappings.contracts import implied, stated
from mappings.drafting.contracts import draft_contract, seen_in
from mappings.files.contracts import ANYTHING, Contract, read_contract
from mappings.runtime.drift import drifts, shape
from mappings.screen import Screen
from mappings.testing.fixtures import cases, read_input

INBOUND = [name for name in mappings.names() if mappings.load(name).definition.inbound]

TEXT = """contract: shop/order
version: 3
schema: {name: Order, version: "7"}
owner: shop
on: {new_field: quarantine, missing_field: refuse, changed_type: allow}
fields:
  Number: text
  Net: {type: [decimal, null], changed: refuse}
  Note: {type: text, optional: true}
  Buyer: {type: [object, null], missing: allow, new: allow}
  Buyer.Name: text
  Lines: list
  Lines[].Count: integer
  Tags: {type: list, optional: true}
  Tags[]: text
  Extra: {type: object, optional: true}
unread:
  $: [Colour]
  Lines[]: [Weight]
"""
ORDER = {"Number": "1", "Net": "9.50", "Buyer": {"Name": "Ada"}, "Lines": [{"Count": 1}, {"Count": 2}]}


def order_contract(text: str = TEXT) -> Contract:
    return read_contract("shop/order", text)


def found(**changes: Any) -> list[tuple[str, str, str, str]]:
    """Kind, path, what was found and the sample of every drift of the order with changes; `...` takes a field out."""
    record = {name: value for name, value in {**ORDER, **changes}.items() if value is not ...}
    return [(each.kind, each.path, each.found, each.sample) for each in Screen(order_contract()).drifts(record)]


# reading


def test_policies_are_those_of_the_field_or_of_the_contract() -> None:
    contract = order_contract()
    assert contract.policy("changed_type", "Net") == "refuse"
    assert contract.policy("changed_type", "Number") == "allow"
    assert contract.policy("missing_field", "Buyer") == "allow"
    assert contract.policy("missing_field", "Number") == "refuse"
    assert contract.policy("new_field", "Buyer.Age") == "allow"
    assert contract.policy("new_field", "Lines[].Price") == "quarantine"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("contract: shop/order", "contract: shop/offer", ":1: contract: the file calls itself 'shop/offer'"),
        ("owner: shop\n", "", ":1: file: 'owner' is missing"),
        ("missing_field: refuse", "missing_field: ignore", ":5: on.missing_field: 'ignore' is not one of"),
        ("Number: text", "Number: string", ":7: fields.Number: 'string' does not fit: A type or a list of types"),
        ("  Lines: list\n", "", ":12: Lines[]: stands in Lines, which is not listed; list it as list"),
        ("Lines: list", "Lines: text", ":13: Lines[]: stands in Lines, which is text; that must be list"),
        ("  Buyer.Name: text", "  Number.Name: text", ":11: Number.Name: stands in Number, which is text; that must be object"),
        ("optional: true}\n  Buyer", "optional: true, missing: allow}\n  Buyer", ":9: Note: may be missing (optional)"),
        ("changed: refuse", "new: refuse", ":8: Net: is decimal or null, so nothing new can be inside it"),
        ("[Colour]", "[Number]", ":7: Number: is listed under fields and under unread"),
        ("version: 3", "version: three", ":2: version: 'three' is not a whole number"),
        ("owner: shop", "owner: [", ":6: file: not YAML"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_file_line_and_field(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(MappingError) as raised:
        order_contract(TEXT.replace(old, new, 1))
    assert f"shop/contracts/order.yaml{told}" in str(raised.value)


def test_all_faults_come_at_once() -> None:
    text = TEXT.replace("Lines: list", "Lines: text").replace("changed: refuse", "new: refuse")
    with pytest.raises(MappingError, match=r"2 error\(s\)"):
        order_contract(text)


def test_a_contract_must_be_about_the_schema_of_its_mapping_and_list_what_that_reads(tmp_path: Path) -> None:
    definition = mappings.load("salesforce/account").definition
    text = (ROOT / "salesforce/contracts/account.yaml").read_text("utf-8")
    file = tmp_path / "salesforce" / "contracts" / "account.yaml"
    assert stated(tmp_path, definition) is None
    file.parent.mkdir(parents=True)
    file.write_text(text.replace("REST v60.0", "REST v61.0").replace("  Active__c: [text, null]\n", ""), "utf-8")
    with pytest.raises(MappingError) as raised:
        stated(tmp_path, definition)
    assert "account.yaml:5: schema: is Account, REST v61.0, but the mapping reads Account, REST v60.0" in str(
        raised.value
    )
    assert "Active__c: is read here, but salesforce/contracts/account.yaml does not list it" in str(raised.value)


# what is found


def test_a_record_as_promised_has_no_drift() -> None:
    assert found() == []
    assert found(Net=None, Buyer=None, Lines=[], Note="n", Tags=["a"], Extra={"any": ["thing"]}, Colour=1) == []
    assert found(Net=3, Lines=[{"Count": 1, "Weight": None}]) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Size": 4}, ("new_field", "Size", "something", "4")),
        ({"Buyer": {"Name": "Ada", "Vip": True}}, ("new_field", "Buyer.Vip", "something", "true")),
        ({"Lines": [{"Count": 1, "Price": "1"}]}, ("new_field", "Lines[].Price", "something", "1")),
        ({"Number": ...}, ("missing_field", "Number", "nothing", "nothing")),
        ({"Lines": [{}]}, ("missing_field", "Lines[].Count", "nothing", "nothing")),
        ({"Number": 1}, ("changed_type", "Number", "integer", "1")),
        ({"Number": None}, ("changed_type", "Number", "null", "nothing")),
        ({"Net": "nine"}, ("changed_type", "Net", "text", "nine")),
        ({"Net": True}, ("changed_type", "Net", "boolean", "true")),
        ({"Lines": {"Count": 1}}, ("changed_type", "Lines", "object", "an object of 1 fields")),
        ({"Lines": [7]}, ("changed_type", "Lines[]", "integer", "7")),
        ({"Lines": [{"Count": "1"}]}, ("changed_type", "Lines[].Count", "text", "1")),
        ({"Lines": [{"Count": Decimal("1.5")}]}, ("changed_type", "Lines[].Count", "number", "1.5")),
        ({"Tags": ["a", None]}, ("changed_type", "Tags[]", "null", "nothing")),
        ({"Buyer": "Ada"}, ("changed_type", "Buyer", "text", "Ada")),
    ],
)
def test_each_kind_of_drift_is_found_with_its_value(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert found(**changes) == [expected]


def test_a_cause_is_found_once_a_record_with_its_first_value() -> None:
    lines = [{"Count": "a", "Price": 1}, {"Count": "b", "Price": None}]
    assert found(Lines=lines) == [
        ("changed_type", "Lines[].Count", "text", "a"),
        ("new_field", "Lines[].Price", "something", "1"),
    ]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=4)
    | st.sampled_from(["1", "-2.50", "1e3", "1_0", "٣"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Name", "Count", "Weight", "Other"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from([*ORDER, "Note", "Tags", "Extra", "Colour", "Other"])


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.sets(NAMES, max_size=2))
def test_the_fast_check_says_that_there_is_drift_just_where_the_slow_one_finds_some(
    changes: dict[str, Any], without: set[str]
) -> None:
    contract = order_contract()
    record = {name: value for name, value in {**ORDER, **changes}.items() if name not in without}
    slow = drifts(shape(contract), record)
    assert Screen(contract).drifts(record) == slow
    assert all(contract.is_broken_by(each.kind, each.path, each.found) for each in slow)


# those that ship


@pytest.mark.parametrize("name", INBOUND)
def test_every_inbound_mapping_has_a_contract_that_its_sound_fixtures_keep(name: str) -> None:
    contract, mapping = mappings.contract(name), mappings.load(name)
    assert contract is not None
    sound = [record for path in cases(name) if not mapping.apply(record := read_input(path)).problems]
    assert [each for record in sound for each in Screen(contract).drifts(record)] == []


@pytest.mark.parametrize("name", INBOUND)
def test_a_mapping_reads_or_ignores_whatever_its_contract_lists(name: str) -> None:
    contract, known = mappings.contract(name), implied(mappings.load(name).definition)
    assert contract is not None
    promised = [path for path, field in contract.fields.items() if field != ANYTHING]
    assert [path for path in promised if not known.covers(path)] == []


def test_without_a_file_what_the_mapping_reads_or_ignores_is_known_and_the_rest_is_new() -> None:
    contract = implied(mappings.load("salesforce/contract").definition)
    record = {"ContractNumber": 7, "OrderItems": [{"Product2": {"Name": "P", "Size": 1}, "Order": {"x": 1}}], "Size": 1}
    assert [each.path for each in Screen(contract).drifts(record)] == ["OrderItems[].Product2.Size", "Size"]
    assert contract.policy("new_field", "Size") == "allow"


# drafting


def test_a_draft_is_sound_and_kept_by_the_records_it_was_made_from() -> None:
    definition = mappings.load("netsuite/payment").definition
    records = [
        record
        for path in cases("netsuite/payment")
        if not mappings.load("netsuite/payment").apply(record := read_input(path)).problems
    ]
    contract = read_contract("netsuite/payment", draft_contract(definition, seen_in(definition, records)))
    assert contract.fields["payment"].types == ("decimal",)
    assert contract.fields["applyList"].optional
    assert [each for record in records for each in Screen(contract).drifts(record)] == []
    assert all(contract.covers(path) for path in definition.paths)
