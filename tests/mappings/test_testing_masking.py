"""Nothing personal is left in a masked record, and it takes the way of the record it was made from."""

import copy
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappings
from canonical_model.encoding import decode_payload, encode_payload
from canonical_model.errors import MappingError
from mappings import CompiledMapping, catalogue
from mappings.testing.fixtures import cases, outcome, read_input
from mappings.testing.masking import mask, structure

ACCOUNT, CONTRACT, ORDER = "salesforce/account", "salesforce/contract", "online_retail/order"
FIXTURES = [(name, path) for name in mappings.names() for path in cases(name)]
PERSONAL = re.compile(r"name|street|line1|addr\d|city|mail|tax_id|tax_reg|phone|mobile|postal|title", re.IGNORECASE)
KNOWN = {key for name in catalogue.tables() for key, _ in catalogue.table(name).all_rows()}
PEOPLE = [
    "Jane Doe",
    "María-José Ñandú",
    "李小龍 Industries",
    "O'Neil & Sons",
    "von der Straße GmbH",
    "jane.doe@corp.test",
    "+1 (585) 555-0100",
]
DIRT = [
    "2026-13-45",
    "12_000",
    "٣٤",
    "½",
    " x ",
    "NaN",
    "1e5",
    "DE 123.456.789",
    "true",
    "Yes",
    "381",
    "",
    "-",
    "\x00a",
    7,
    Decimal("1.50"),
    None,
    [],
    {},
]


def full(name: str, case: str = "full") -> dict[str, Any]:
    record: dict[str, Any] = read_input(catalogue.ROOT / f"{name}.{case}.in.json")
    return record


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """All single values with their places."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*place, key))
    else:
        yield place, value


def personal(record: Any) -> set[str]:
    """Texts in fields with a personal name, long enough not to come up by chance, and not the names of currencies and the like that tables know."""
    texts = {value for place, value in places(record) if isinstance(value, str) and PERSONAL.search(str(place[-1]))}
    return {text for text in texts - KNOWN if len(text) > 4}


def written(*values: Any) -> str:
    return " ".join(json.dumps(value, default=str, ensure_ascii=False) for value in values)


def way(mapping: CompiledMapping, record: Any) -> list[tuple[str, str]]:
    return list(structure(outcome(mapping.apply(record))))


# --- the two promises


@pytest.mark.parametrize(("name", "path"), FIXTURES, ids=lambda each: each.name if isinstance(each, Path) else "")
def test_no_personal_value_is_left_and_the_way_is_the_same(name: str, path: Path) -> None:
    record, mapping = read_input(path), mappings.load(name)
    masked = mask(record, mapping, salt=b"any").record
    text = written(masked, outcome(mapping.apply(masked)))
    assert [value for value in personal(record) if value in text] == []
    assert way(mapping, masked) == way(mapping, record)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_record(data: st.DataObject) -> None:
    name, path = data.draw(st.sampled_from(FIXTURES))
    record, mapping = copy.deepcopy(read_input(path)), mappings.load(name)
    spots = [place for place, value in places(record) if value is not None]
    people: list[str] = []
    for place in data.draw(st.lists(st.sampled_from(spots), max_size=4)) if spots else []:
        value = data.draw(st.sampled_from(PEOPLE) | st.sampled_from(DIRT) | st.text(max_size=12) | st.emails())
        people += [value] if value in PEOPLE else []
        holder = record
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = value
    masked = mask(record, mapping, salt=b"any").record
    assert way(mapping, masked) == way(mapping, record)
    assert not any(value in written(masked, outcome(mapping.apply(masked))) for value in people)


# --- what is kept, and what is not


def test_vocabulary_stays_and_all_else_goes() -> None:
    record = full(ACCOUNT)
    masked = mask(record, mappings.load(ACCOUNT), salt=b"any")
    kept = {
        "BillingCountryCode": "country",
        "CurrencyIsoCode": "currency",
        "Active__c": "entry of a map",
        "Payment_Terms_Days__c": "number",
    }
    assert masked.kept == kept
    assert all(masked.record[name] == record[name] for name in (*kept, "PO_Required__c", "IsDeleted", "Hub_Id__c"))
    texts = {name for name, value in record.items() if isinstance(value, str)} - kept.keys()
    assert masked.masked == dict.fromkeys(texts, 1)
    assert all(masked.record[name] != record[name] for name in texts)


def test_fields_that_the_mapping_does_not_read_are_masked() -> None:
    record = full(ACCOUNT) | {
        "Phone": "+1 585 555 0100",
        "Owner": {"Name": "Jane Doe", "Age": 41},
        "Latitude": Decimal("43.16103"),
    }
    masked = mask(record, mappings.load(ACCOUNT), salt=b"any").record
    assert re.fullmatch(r"\+[1-9] \d{3} \d{3} 0\d{3}", masked["Phone"])
    assert (masked["Phone"], masked["Owner"]["Name"]) != (record["Phone"], "Jane Doe")
    assert masked["Owner"]["Age"] != 41
    assert re.fullmatch(r"\d\d\.\d{5}", str(masked["Latitude"]))
    assert masked["Latitude"] != record["Latitude"]


@pytest.mark.parametrize("value", ["Perhaps", "Jane Doe", "yes"])
def test_a_value_that_an_enum_does_not_have_is_masked_by_another_that_it_does_not_have(value: str) -> None:
    mapping = mappings.load(ACCOUNT)
    masked = mask(full(ACCOUNT) | {"Active__c": value}, mapping, salt=b"any").record
    assert masked["Active__c"] not in (value, "Yes", "No")
    assert [each.field for each in mapping.apply(masked).problems] == ["status"]


def test_the_letters_that_decide_the_kind_of_an_order_stay() -> None:
    masked = mask(full(ORDER, "cancellation"), mappings.load(ORDER), salt=b"any").record
    assert re.fullmatch(r"C\d{6}", masked["InvoiceNo"])
    assert masked["InvoiceNo"] != full(ORDER, "cancellation")["InvoiceNo"]


def test_a_name_in_the_place_of_a_date_or_country_does_not_stay() -> None:
    record = full(ORDER) | {"InvoiceDate": "Jane Doe", "Country": "Jane Doe"}
    masked = mask(record, mappings.load(ORDER), salt=b"any")
    assert "Jane" not in written(masked.record)
    assert {"InvoiceDate", "Country"} <= masked.masked.keys()


def test_lines_keep_the_order_they_are_sorted_in() -> None:
    record = full(CONTRACT)
    record["OrderItems"] += [
        {**copy.deepcopy(record["OrderItems"][0]), "OrderItemNumber": number} for number in ("9", "10", "B-3", "A-3")
    ]
    masked = mask(record, mappings.load(CONTRACT), salt=b"any").record

    def order(each: dict[str, Any]) -> list[int]:
        numbers = [item["OrderItemNumber"] for item in each["OrderItems"]]
        return sorted(range(len(numbers)), key=numbers.__getitem__)

    assert order(masked) == order(record)


def test_equal_values_stay_equal_and_different_ones_different() -> None:
    record = full(CONTRACT)
    masked = mask(record, mappings.load(CONTRACT), salt=b"any").record
    assert {item["Order"]["ContractId"] for item in masked["OrderItems"]} == {masked["Id"]}
    numbered = full(ORDER) | {
        "Lines": [{**full(ORDER)["Lines"][0], "LineNo": str(number), "Row": number + 1} for number in range(1, 120)]
    }
    lines = mask(numbered, mappings.load(ORDER), salt=b"any").record["Lines"]
    assert len({line["LineNo"] for line in lines}) == len({line["Row"] for line in lines}) == 119


def test_a_path_can_be_kept() -> None:
    record = full(CONTRACT)
    masked = mask(record, mappings.load(CONTRACT), salt=b"any", keep=["OrderItems[].Product2.ProductCode"])
    codes = [item["Product2"]["ProductCode"] for item in record["OrderItems"]]
    assert [item["Product2"]["ProductCode"] for item in masked.record["OrderItems"]] == codes
    assert masked.kept["OrderItems[].Product2.ProductCode"] == "asked for"


def test_a_path_to_keep_must_be_there() -> None:
    with pytest.raises(MappingError, match=r"'Nmae' cannot be kept.* no such value"):
        mask(full(ACCOUNT), mappings.load(ACCOUNT), keep=["Nmae"])


def test_keys_that_are_no_names_are_masked_too() -> None:
    masked = mask(
        full(ACCOUNT) | {"Seen": {"jane.doe@corp.test": True, "Last_Seen": None}}, mappings.load(ACCOUNT), salt=b"any"
    ).record
    mail, plain = masked["Seen"]
    assert plain == "Last_Seen"
    assert mail.endswith(".example")
    assert "jane" not in mail


# --- keys and shapes


def test_a_salt_gives_the_same_masks_and_none_gives_new_ones() -> None:
    record, mapping = full(ACCOUNT), mappings.load(ACCOUNT)
    assert mask(record, mapping, salt=b"a").record == mask(record, mapping, salt=b"a").record
    one, other = mask(record, mapping), mask(record, mapping)
    assert one.record["Name"] != other.record["Name"]
    assert one.masked == other.masked
    assert mask(record, mapping, salt=b"a").record["Name"] != mask(record, mapping, salt=b"b").record["Name"]


def test_a_salt_joins_the_fixtures_of_one_customer() -> None:
    account, contract = full(ACCOUNT), full(CONTRACT)
    assert account["AccountNumber"] == contract["Account"]["AccountNumber"]
    masked = (
        mask(account, mappings.load(ACCOUNT), salt=b"a").record,
        mask(contract, mappings.load(CONTRACT), salt=b"a").record,
    )
    assert masked[0]["AccountNumber"] == masked[1]["Account"]["AccountNumber"]


def test_the_record_itself_is_left_alone_and_numbers_stay_as_they_are_written() -> None:
    record = decode_payload(
        encode_payload(full(ACCOUNT) | {"Payment_Terms_Days__c": Decimal("45.00"), "Score": Decimal("0.070")})
    )
    before = copy.deepcopy(record)
    masked = mask(record, mappings.load(ACCOUNT), salt=b"any").record
    assert record == before
    assert str(masked["Payment_Terms_Days__c"]) == "45.00"
    assert re.fullmatch(r"0\.0\d\d", str(masked["Score"]))


def test_money_of_a_canonical_document_stays() -> None:
    record = full("stripe/invoice")
    masked = mask(record, mappings.load("stripe/invoice"), salt=b"any")
    assert masked.record["invoice"]["lines"][0]["net"] == record["invoice"]["lines"][0]["net"]
    assert masked.kept["invoice.lines[].net.amount"] == "number"


def test_the_legal_entity_that_chooses_an_overlay_stays() -> None:
    masked = mask(full("netsuite/credit_note", "retail"), mappings.load("netsuite/credit_note"), salt=b"any")
    assert masked.record["invoice"]["legal_entity"] == "UK"


def test_a_record_that_cannot_take_the_same_way_is_refused(inbound: Any) -> None:
    mapping = inbound(
        """
        contract_id: {from: Id, transform: [text, {at_most: 9}]}
        customer_id: {from: Mail, transform: [text, {at_most: 6}]}
        annual_value: {fields: {amount: {from: Value, transform: decimal}, currency: {const: GBP}}}
        purchase_order: {absent: none}
        """
    )
    with pytest.raises(MappingError, match=r"the value at Mail cannot be masked.*--keep 'Mail'"):
        mask({"Id": "1", "Mail": "a@b.cd", "Value": "2.00"}, mapping)
    assert mask({"Id": "1", "Mail": "a@b.cd", "Value": "2.00"}, mapping, keep=["Mail"]).record["Mail"] == "a@b.cd"
