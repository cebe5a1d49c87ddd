"""The mappings speak the vendors' own words: fixtures held against the contracts that the vendors publish."""

import gzip
import json
import os
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
import stripe
import yaml

import mappings
from mappings.catalogue import ROOT, table
from mappings.testing.fixtures import cases, read_input


def applied(name: str, case: str) -> Any:
    """The document of a fixture."""
    mapped = mappings.load(name).apply(read_input(ROOT / f"{name}.{case}.in.json"))
    assert mapped.problems == ()
    return mapped.document


# --- NetSuite


@pytest.fixture(scope="module")
def specs() -> Path:
    """The folder of the vendors' contracts."""
    if "HUB_SPEC_DIR" not in os.environ:
        pytest.skip("HUB_SPEC_DIR does not name the folder of the vendors' contracts")
    return Path(os.environ["HUB_SPEC_DIR"])


@pytest.fixture(scope="module")
def netsuite_schema(specs: Path) -> dict[str, dict[str, str]]:
    """Type of each element and attribute by complex type of the SuiteTalk schema."""
    fields: dict[str, dict[str, str]] = {}
    with tarfile.open(specs / "netsuite" / "xsd.tar.gz") as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            text = file.read().decode() if file else ""
            for name, body in re.findall(r'<complexType name="(\w+)">(.*?)</complexType>', text, re.DOTALL):
                fields[name] = dict(re.findall(r'<(?:element|attribute) name="(\w+)"\s+type="(?:\w+:)?(\w+)"', body))
    return fields


@pytest.mark.spec
@pytest.mark.parametrize(
    ("name", "case", "record"),
    [
        ("netsuite/customer", "full", "Customer"),
        ("netsuite/customer", "bare", "Customer"),
        ("netsuite/invoice", "full", "Invoice"),
        ("netsuite/credit_note", "retail", "CreditMemo"),
        ("netsuite/journal_entry", "full", "JournalEntry"),
    ],
)
def test_netsuite_fields_are_in_the_schema(
    netsuite_schema: dict[str, dict[str, str]], name: str, case: str, record: str
) -> None:
    assert unknown_fields(applied(name, case), record, netsuite_schema) == []


@pytest.mark.spec
@pytest.mark.parametrize(
    ("name", "record", "ours"),
    [
        ("netsuite/customer_record", "Customer", []),
        ("netsuite/payment", "CustomerPayment", [".customer"]),  # the connector adds the customer's external id
        ("netsuite/sales_order", "SalesOrder", [".entity"]),
    ],
)
def test_what_netsuite_is_said_to_answer_is_in_the_schema(
    netsuite_schema: dict[str, dict[str, str]], name: str, record: str, ours: list[str]
) -> None:
    for path in (each for each in cases(name) if "problems" not in each.name):
        found = set(unknown_fields(read_input(path), record, netsuite_schema, read=True))
        assert found <= set(ours), path.name


def unknown_fields(
    payload: dict[str, Any], kind: str, schema: dict[str, dict[str, str]], *, path: str = "", read: bool = False
) -> list[str]:
    """Fields of a payload that its complex type does not have; a reference that we send has one of the ids, one that is read also a name."""
    if kind == "RecordRef":
        return [] if payload.keys() <= ({"internalId", "name"} if read else {"internalId", "externalId"}) else [path]
    found = []
    for name, value in payload.items():
        if name not in schema[kind]:
            found.append(f"{path}.{name}")
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and name in schema[kind]:
                found += unknown_fields(item, schema[kind][name], schema, path=f"{path}.{name}", read=read)
    return found


@pytest.mark.spec
def test_netsuite_countries_are_in_the_schema(specs: Path) -> None:
    with tarfile.open(specs / "netsuite" / "xsd.tar.gz") as archive:
        (member,) = (each for each in archive.getmembers() if each.name.endswith("platform.commonTypes.xsd"))
        file = archive.extractfile(member)
        text = file.read().decode() if file else ""
    (body,) = re.findall(r'<simpleType name="Country">(.*?)</simpleType>', text, re.DOTALL)
    known = set(re.findall(r'value="(\w+)"', body))
    used = {row["enum"] for row in table("netsuite_country").rows.values()}
    assert len(used) > 240
    assert used <= known


# --- AvaTax


@pytest.mark.spec
def test_avatax_fields_are_in_the_schema(specs: Path) -> None:
    text = gzip.decompress((specs / "avatax" / "openapi.yaml.gz").read_bytes())
    schemas = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["components"]["schemas"]
    for case in ("full", "return"):
        payload = applied("avatax/transaction", case)
        sent = payload.keys() - {"expectedTax"}  # the hub's own, which the connector keeps back
        assert sent <= schemas["CreateTransactionModel"]["properties"].keys()
        assert payload["addresses"].keys() <= schemas["AddressesModel"]["properties"].keys()
        assert payload["addresses"]["shipTo"].keys() <= schemas["AddressLocationInfo"]["properties"].keys()
        assert payload["lines"][0].keys() <= schemas["LineItemModel"]["properties"].keys()
        assert payload.get("type", "SalesInvoice") in schemas["CreateTransactionModel"]["properties"]["type"]["enum"]
    answer = read_input(ROOT / "avatax/tax_quote.full.in.json")
    assert answer.keys() <= schemas["TransactionModel"]["properties"].keys()
    assert answer["lines"][0].keys() <= schemas["TransactionLineModel"]["properties"].keys()
    assert answer["lines"][0]["details"][0].keys() <= schemas["TransactionLineDetailModel"]["properties"].keys()


# --- Stripe: the library speaks the version of the API that the connector uses


def fields_of(kind: type) -> set[str]:
    """What the library knows of an object of Stripe."""
    return set(kind.__annotations__) - {"OBJECT_NAME"}


def test_payments_of_stripe_have_the_shape_that_the_library_knows() -> None:
    shapes = {
        "": stripe.InvoicePayment,
        "status_transitions": stripe.InvoicePayment.StatusTransitions,
        "payment": stripe.InvoicePayment.Payment,
        "payment.payment_intent": stripe.PaymentIntent,
        "payment.payment_intent.latest_charge": stripe.Charge,
        "payment.charge": stripe.Charge,
        "invoice": stripe.Invoice,
        "invoice.customer": stripe.Customer,
    }
    seen = set()
    for path in cases("stripe/payment"):
        for place, kind in shapes.items():
            part = at(read_input(path), place)
            if isinstance(part, dict):
                assert part.keys() <= fields_of(kind), (path.name, place)
                seen.add(place)
    assert seen == shapes.keys()


def at(record: Any, place: str) -> Any:
    """What stands at a path; None where it leads nowhere."""
    for key in filter(None, place.split(".")):
        record = record.get(key) if isinstance(record, dict) else None
    return record


def test_the_version_of_stripe_is_the_one_that_the_mappings_name() -> None:
    for name in ("payment", "customer_record"):
        source = yaml.safe_load((ROOT / f"stripe/{name}.yaml").read_text("utf-8"))["source"]
        assert source["schema"]["version"] == stripe.api_version


def test_payment_methods_of_stripe_are_known_to_the_library() -> None:
    known = fields_of(stripe.Charge.PaymentMethodDetails)
    assert {key for key, _ in table("stripe_payment_method").all_rows()} <= known


def test_customers_of_stripe_have_the_shape_that_the_library_knows() -> None:
    for path in cases("stripe/customer_record"):
        assert read_input(path).keys() <= fields_of(stripe.Customer), path.name


@pytest.mark.spec
def test_customers_of_stripe_are_as_in_its_own_fixtures(specs: Path) -> None:
    (file,) = (specs / "stripe").glob("fixtures3.*.json")
    example = json.loads(file.read_text("utf-8"))["resources"]["customer"]
    assert read_input(ROOT / "stripe/customer_record.full.in.json").keys() <= example.keys()
