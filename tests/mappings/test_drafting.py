"""Drafted mappings: what is proposed is right, what is doubtful is refused, and a completed draft is a mapping."""

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical_model.errors import MappingError
from mappings import CompiledMapping, compile_file
from mappings.catalogue import ROOT
from mappings.drafting import as_data, draft, write
from mappings.files.schemas import checked
from mappings.language.canonical import ENTITIES
from mappings.testing.fixtures import expected_outcome, outcome, read_input

sys.path.insert(0, str(Path(__file__).parent))

import drafting_ground as ground
from drafting_ground import SOURCE, drafted

SHIPPED = [
    *("avatax/tax_quote", "netsuite/sales_order", "online_retail/order", "salesforce/account", "salesforce/contact"),
    *("salesforce/contract", "salesforce/opportunity", "salesforce/price_book_entry", "salesforce/product"),
    *("salesforce/sales_order", "tax_table/tax_quote"),
]
INVOICE = {
    **{"invoice_number": "R-1", "invoice_date": "2026-01-31", "due_date": "2026-03-02", "currency": "EUR"},
    **{"net_amount": "100.00", "tax_amount": "19.00", "total": "119.00"},
    "lines": [
        {"line_no": 1, "sku": "P4", "description": "Pump", "qty": "4", "unit_price": "25.00", "line_total": "100.00"}
    ],
}


def compiled(tmp_path: Path, data: dict[str, Any] | str) -> CompiledMapping:
    path = tmp_path / "crm" / "thing.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(data if isinstance(data, str) else ground.as_text(data), "utf-8")
    return compile_file(path)


def compared(proposed: dict[str, set[str]], known: dict[str, set[str]]) -> tuple[set[str], set[str]]:
    """Fields whose proposed path is right, and those whose is wrong."""
    right = {field for field, paths in proposed.items() if paths <= known.get(field, set())}
    return right, proposed.keys() - right


# ---- how good the proposals are


def test_proposals_agree_with_the_shipped_mappings() -> None:
    right = wrong = known = 0
    for name in SHIPPED:
        shipped = ground.shipped(name)
        data = drafted(ground.samples_of(name), shipped["target"]["entity"])
        written = ground.paths(shipped["fields"])
        good, bad = compared(ground.paths(data["fields"]), written)
        print(f"{name}: {len(good)} of {len(written)} fields right, wrong: {sorted(bad) or 'none'}")
        right, wrong, known = right + len(good), wrong + len(bad), known + len(written)
    print(f"precision {right / (right + wrong):.3f}, recall {right / known:.3f} of {known} fields")
    assert right / (right + wrong) >= 0.9
    assert right / known >= 0.8


def test_proposals_for_systems_without_a_mapping_are_what_a_person_would_read() -> None:
    right = wrong = known = 0
    for name, records, expected in ground.foreign():
        proposed = ground.paths(drafted(records, expected["target"])["fields"])
        lists = {field for field in proposed if f"{field}[]." in "".join(expected["paths"])}
        values = {field: paths for field, paths in proposed.items() if field not in lists}
        written = {field: {path} for field, path in expected["paths"].items() if path}
        good, bad = compared(values, written)
        print(f"{name}: {len(good)} of {len(written)} fields right, wrong: {sorted(bad) or 'none'}")
        right, wrong, known = right + len(good), wrong + len(bad), known + len(written)
    print(f"precision {right / (right + wrong):.3f}, recall {right / known:.3f} of {known} fields")
    assert right / (right + wrong) >= 0.9
    assert right / known >= 0.8


@pytest.mark.parametrize("name", SHIPPED)
def test_a_draft_completed_as_shipped_maps_as_shipped(name: str, tmp_path: Path) -> None:
    shipped, given = ground.shipped(name), ROOT / f"{name}.full.in.json"
    data = drafted(ground.samples_of(name), shipped["target"]["entity"])
    mapped = compiled(tmp_path, ground.completed_from(data, shipped)).apply(read_input(given))
    assert outcome(mapped) == expected_outcome(given)


# ---- what holds for any sample

_WORDS = ["id", "number", "Currency", "total_amount", "lines", "billing_address", "city", "customer", "Qty__c", "date"]
_KEYS = st.sampled_from(_WORDS) | st.text(max_size=6)
_SCALARS = st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
_LIKELY = st.sampled_from(["EUR", "usd", "2026-01-31", "12.50", "DE", "a@b.example", "Active", "true", "no", "380"])
_VALUES = st.recursive(
    _SCALARS | _LIKELY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=12,
)
_RECORDS = st.lists(st.dictionaries(_KEYS, _VALUES, max_size=8), min_size=1, max_size=3)


@settings(max_examples=30, deadline=None)
@given(records=_RECORDS, entity=st.sampled_from(["customer", "order", "payment"]))
def test_any_sample_gives_a_file_whose_rules_take_the_sample_and_which_names_every_path(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], entity: str
) -> None:
    made = draft(records, SOURCE, entity)
    data = checked(write(made), "crm/thing.yaml", "mapping").data
    mapping = compiled(tmp_path_factory.mktemp("any"), ground.completed(data, entity))
    for record in records:
        untold = set(mapping.unmapped(record)) - set(made.seen.unreadable)
        assert not [path for path in untold if "[][]" not in path]  # no path leads into lists of lists
        refused = {ground.plain(problem.field) for problem in mapping.apply(record).problems}
        assert not refused & set(ground.decided(data["fields"]))


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("record", [{}, INVOICE], ids=["empty", "invoice"])
def test_every_document_can_be_drafted_and_completed(record: dict[str, Any], entity: str, tmp_path: Path) -> None:
    data = drafted([record], entity)
    with pytest.raises(MappingError) as refused:
        compiled(tmp_path, data)
    assert "still to be" in str(refused.value)
    assert not [line for line in str(refused.value).splitlines()[1:] if "still to be" not in line]
    assert compiled(tmp_path, ground.completed(data, entity)).name == "crm/thing"
