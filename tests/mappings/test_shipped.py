"""The mappings that ship: sound, with fixtures, in the vendors' own words."""

from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

import mappings
from canonical_model.encoding import decode, encode
from canonical_model.money import total
from canonical_model.payments import PaymentMethod
from mappings.catalogue import ROOT, table, tables
from mappings.language.canonical import ENTITIES
from mappings.testing.fixtures import cases, read_input

SHIPPED = [
    *("avatax/tax_quote", "avatax/transaction", "email/message"),
    *("netsuite/credit_note", "netsuite/customer", "netsuite/customer_record", "netsuite/invoice"),
    *("netsuite/journal_entry", "netsuite/payment", "netsuite/sales_order", "online_retail/order"),
    *("salesforce/account", "salesforce/contact", "salesforce/contract", "salesforce/contract_status"),
    *("salesforce/opportunity", "salesforce/price_book_entry", "salesforce/product", "salesforce/sales_order"),
    *("stripe/customer_record", "stripe/invoice", "stripe/payment", "tax_table/tax_quote", "tax_table/transaction"),
]
INBOUND = {
    "avatax/tax_quote": "tax_quote",
    "netsuite/customer_record": "customer_record",
    "netsuite/payment": "payment",
    "netsuite/sales_order": "erp_contract",
    "online_retail/order": "order",
    "salesforce/account": "customer",
    "salesforce/contact": "contact",
    "salesforce/contract": "contract",
    "salesforce/opportunity": "opportunity",
    "salesforce/price_book_entry": "price_book_entry",
    "salesforce/product": "product",
    "salesforce/sales_order": "sales_order",
    "stripe/customer_record": "customer_record",
    "stripe/payment": "payment",
    "tax_table/tax_quote": "tax_quote",
}
FILES = sorted(ROOT.glob("*/*.yaml"))


def applied(name: str, case: str) -> Any:
    """The document of a fixture."""
    mapped = mappings.load(name).apply(read_input(ROOT / f"{name}.{case}.in.json"))
    assert mapped.problems == ()
    return mapped.document


def test_these_mappings_ship() -> None:
    assert mappings.names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_fixtures_hold(name: str) -> None:
    assert len(cases(name)) >= 2
    assert mappings.run_fixtures(name) == []


@pytest.mark.parametrize(("name", "entity"), INBOUND.items())
def test_inbound_documents_are_canonical_and_survive_json(name: str, entity: str) -> None:
    documents = [mappings.load(name).apply(read_input(path)).document for path in cases(name)]
    kept = [document for document in documents if document is not None]
    assert kept
    assert all(decode(encode(document), ENTITIES[entity]) == document for document in kept)


@pytest.mark.parametrize("name", INBOUND)
def test_every_field_of_a_source_record_is_used_or_ignored_on_purpose(name: str) -> None:
    assert [mappings.load(name).unmapped(read_input(path)) for path in cases(name)] == [[] for _ in cases(name)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_files_stay_short(path: Path) -> None:
    assert path.parent.name == "tables" or len(path.read_text("utf-8").splitlines()) < 120


@pytest.mark.parametrize("name", tables())
def test_tables_are_sound(name: str) -> None:
    assert yaml.safe_load((ROOT / "tables" / f"{name}.yaml").read_text("utf-8"))["table"] == name
    assert len({len(row) for _, row in table(name).all_rows()}) == 1


@pytest.mark.parametrize(
    ("country", "code"),
    [
        ("United Kingdom", "GB"),
        ("EIRE", "IE"),
        ("RSA", "ZA"),
        ("USA", "US"),
        ("Czech Republic", "CZ"),
        ("Channel Islands", "GG"),
        ("Hong Kong", "HK"),
        ("United Arab Emirates", "AE"),
        ("European Community", None),
        ("Unspecified", None),
    ],
)
def test_retail_countries(country: str, code: str | None) -> None:
    record = read_input(ROOT / "online_retail/order.full.in.json") | {"Country": country}
    assert mappings.load("online_retail/order").apply(record).document.buyer_country == code


def test_the_tables_of_netsuite_countries_say_the_same() -> None:
    by_code = {key: row["enum"] for key, row in table("netsuite_country").all_rows()}
    by_enum = {key: row["iso"] for key, row in table("netsuite_country_code").all_rows()}
    assert by_enum == {enum: code for code, enum in by_code.items()}


@pytest.mark.parametrize("name", ["netsuite_payment_method", "stripe_payment_method"])
def test_payment_methods_are_those_of_the_model(name: str) -> None:
    assert {row["method"] for _, row in table(name).all_rows()} <= set(get_args(PaymentMethod))


@pytest.mark.parametrize("name", ["netsuite/payment", "stripe/payment"])
def test_payments_settle_no_more_than_came_in(name: str) -> None:
    documents = [mappings.load(name).apply(read_input(path)).document for path in cases(name)]
    received = [payment for payment in documents if payment and payment.allocations]
    assert {payment.status for payment in received} == {"received"}
    for payment in received:
        settled = total((each.amount for each in payment.allocations), payment.amount.currency)
        assert not settled > payment.amount


def test_an_order_and_its_contract_have_the_same_lines() -> None:
    order = read_input(ROOT / "salesforce/sales_order.full.in.json")
    contract = read_input(ROOT / "salesforce/contract.full.in.json") | {"OrderItems": order["OrderItems"]}
    billed = mappings.load("salesforce/contract").apply(contract).document.lines
    ordered = applied("salesforce/sales_order", "full").lines
    shared = ("line_id", "product_code", "description", "quantity", "unit", "unit_price")
    assert [[getattr(line, name) for name in shared] for line in ordered] == [
        [getattr(line, name) for name in shared] for line in billed
    ]


def test_stripe_items_add_up_to_what_is_due() -> None:
    for case in ("full", "yen"):
        source = read_input(ROOT / f"stripe/invoice.{case}.in.json")["invoice"]
        items = applied("stripe/invoice", case)["items"]
        digits = 0 if source["currency"] == "JPY" else 2
        assert sum(item["amount"] for item in items) == Decimal(source["totals"]["payable"]["amount"]).scaleb(digits)


def test_netsuite_lines_add_up_to_what_is_due() -> None:
    for name, case in (("netsuite/invoice", "full"), ("netsuite/credit_note", "retail")):
        due = Decimal(read_input(ROOT / f"{name}.{case}.in.json")["invoice"]["totals"]["payable"]["amount"])
        lines = applied(name, case)["itemList"]["item"]
        assert sum(line["amount"] + line["tax1Amt"] for line in lines) == due > 0


def test_a_return_is_sent_negative_and_read_back_positive() -> None:
    assert [line["amount"] for line in applied("avatax/transaction", "return")["lines"]] == [Decimal("-120000.00")]
    sale, back = applied("avatax/tax_quote", "full"), applied("avatax/tax_quote", "return")
    assert sale == back
    assert sale.total_tax == total((line.tax for line in sale.lines), "USD")


def test_a_document_of_the_wrong_type_is_refused() -> None:
    for name, case in (("netsuite/invoice", "full"), ("stripe/invoice", "full"), ("netsuite/credit_note", "retail")):
        record = read_input(ROOT / f"{name}.{case}.in.json")
        record["invoice"]["document_type"] = {"380": "381", "381": "380"}[record["invoice"]["document_type"]]
        assert [each.source_path for each in mappings.load(name).apply(record).problems] == ["invoice.document_type"]


def test_payloads_hold_plain_values_only() -> None:
    for name in SHIPPED:
        for path in cases(name) if name not in INBOUND else ():
            document = mappings.load(name).apply(read_input(path)).document
            assert document is None or kinds(document) <= {dict, list, str, int, bool, Decimal}


def kinds(value: Any) -> set[type]:
    """All types in a payload."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {type(value)}.union(*(kinds(item) for item in inner))
