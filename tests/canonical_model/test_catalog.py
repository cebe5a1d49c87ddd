"""The catalogue names every document and knows what identifies it."""

import inspect
import pkgutil
from importlib import import_module

import msgspec
import pytest

import canonical_model
from canonical_model import catalog

IDENTITIES = {
    "customer": "A-0001",
    "contact": "003000000000001AAA",
    "customer_record": "netsuite/1024",
    "product": "PLAT-ENT",
    "opportunity": "006000000000001AAA",
    "sales_order": "00000101",
    "payment": "netsuite/10045",
    "price_book_entry": "US 2026/PLAT-ENT/USD",
    "contract": "C-000001",
    "erp_contract": "C-000001",
    "order": "536365",
    "invoice": "C-000001_2026-01-01",
    "journal_entry": "C-000001_2026-01-01/deferral",
    "tax_quote": "C-000001_2026-01-01",
}


def all_structs() -> set[type[msgspec.Struct]]:
    modules = [import_module(each.name) for each in pkgutil.walk_packages(canonical_model.__path__, "canonical_model.")]
    members = [each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)]
    return {
        each
        for each in members
        if issubclass(each, msgspec.Struct) and each.__module__.startswith(f"{canonical_model.__name__}.")
    }


def test_every_document_has_an_identity(documents):
    assert set(IDENTITIES) == set(documents) == set(catalog.DOCUMENTS)


@pytest.mark.parametrize("name", sorted(catalog.DOCUMENTS))
def test_identity(documents, name):
    assert type(documents[name]) is catalog.DOCUMENTS[name]
    assert catalog.identity(documents[name]) == IDENTITIES[name]


def test_a_part_is_no_document(contract):
    with pytest.raises(KeyError):
        catalog.identity(contract.lines[0])


@pytest.mark.parametrize("struct", sorted(all_structs(), key=str), ids=lambda struct: struct.__name__)
def test_documents_are_immutable_values(struct):
    assert struct.__struct_config__.frozen
    assert all(field.type is not float for field in msgspec.structs.fields(struct))


def test_documents_cannot_be_changed(invoice):
    with pytest.raises(AttributeError):
        invoice.number = "US-1"
