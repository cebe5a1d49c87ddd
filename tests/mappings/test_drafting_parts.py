"""What drafting stands on: samples from files, what they hold, the words of billing, and how paths are held against fields."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings.drafting import SampleError, read_samples
from mappings.drafting.fitting import Fit, Misfit
from mappings.drafting.scoring import Candidate, candidate
from mappings.drafting.sources import Seen, Sources, observe
from mappings.drafting.targets import Target, document, fields_in, leaves
from mappings.drafting.vocabulary import names_of, terms
from mappings.language.canonical import ENTITIES


@pytest.fixture
def sample(tmp_path: Path) -> Any:
    """Writes a sample file."""

    def written(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return written


# ---- samples from files


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("one.json", '{"a": 1.50, "b": "x"}'),
        ("some.json", '[{"a": 1.50, "b": "x"}]'),
        ("lines.jsonl", '{"a": 1.50, "b": "x"}\n\n'),
        ("marked.json", b'\xef\xbb\xbf{"a": 1.50, "b": "x"}'),
    ],
)
def test_json_in_all_its_forms(sample: Any, name: str, text: str | bytes) -> None:
    (record,) = read_samples(sample(name, text))
    assert record == {"a": Decimal("1.50"), "b": "x"}
    assert type(record["a"]) is Decimal


def test_several_lines_are_several_records(sample: Any) -> None:
    assert read_samples(sample("s.json", '{"a": 1}\n{"a": 2}\n')) == [{"a": 1}, {"a": 2}]


def test_a_csv_gives_text_and_nothing(sample: Any) -> None:
    assert read_samples(sample("s.csv", 'Nr,Name\n1,"Huber, Wien"\n2,\n')) == [
        {"Nr": "1", "Name": "Huber, Wien"},
        {"Nr": "2", "Name": None},
    ]


def test_a_csv_value_may_have_several_lines(sample: Any) -> None:
    assert read_samples(sample("s.csv", 'Nr,Street\n1,"Am Markt 1\nHof"\n')) == [
        {"Nr": "1", "Street": "Am Markt 1\nHof"}
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.json", '{"a": 1', "s.json is not JSON: Expecting ',' delimiter in line 1, column 8; mend it there"),
        ("s.json", '{"a": 1}\n{"a": ', "s.json is not JSON: Extra data in line 2, column 1; mend it there"),
        ("s.json", "[]", "s.json holds no record; give at least one"),
        ("s.json", '[{"a": 1}, 2]', "s.json holds int as record 2, not an object; give one record"),
        ("s.json", '"text"', "s.json holds str as record 1, not an object"),
        ("s.json", b"\xff{}", "s.json is not UTF-8 from byte 0 on; save it as UTF-8"),
        ("s.json", "[" * 100_000, "s.json is not JSON that can be read"),
        ("s.json", "9" * 5_000, "s.json is not JSON that can be read"),
        ("s.csv", "a,b\n1,2,3\n", "s.csv has more values than the header in row 1; quote values that hold a comma"),
        ("s.csv", 'a\n"open\n', "s.csv is not CSV with commas: unexpected end of data"),
        ("s.csv", "a,b\n", "s.csv holds no record"),
    ],
)
def test_what_is_no_sample_is_refused_with_place_and_next_step(
    sample: Any, name: str, text: str | bytes, message: str
) -> None:
    with pytest.raises(SampleError) as refused:
        read_samples(sample(name, text))
    assert str(refused.value).startswith(message)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SampleError, match=r"s\.json cannot be read: No such file or directory; name a file that exists"
    ):
        read_samples(tmp_path / "s.json")


# ---- what samples hold


def seen(sources: Sources, path: str) -> Seen:
    (found,) = (each for each in sources.leaves if each.path == path)
    return found


def test_paths_of_objects_and_lists_with_their_values() -> None:
    sources = observe([{"a": {"b": "x"}, "l": [{"c": 1}, {"c": 2, "m": [{"d": "y"}]}]}, {"a": {"b": None}, "l": []}])
    assert [each.path for each in sources.leaves] == ["a.b", "l[].c", "l[].m[].d"]
    assert [each.path for each in sources.lists] == ["l[]", "l[].m[]"]
    assert (seen(sources, "a.b").values, seen(sources, "a.b").kinds) == (("x",), {"text", "nothing"})
    assert (seen(sources, "a.b").filled, seen(sources, "a.b").places) == (1, 2)
    assert (seen(sources, "l[].c").steps, seen(sources, "l[].c").items, seen(sources, "l[].c").places) == (
        ("c",),
        "l[]",
        2,
    )
    assert [each.path for each in sources.within("l[]")] == ["l[].c"]


def test_whether_a_list_is_always_there() -> None:
    assert observe([{"l": [{"a": 1}]}, {"l": []}]).lists[0].always_there
    assert not observe([{"l": [{"a": 1}]}, {"l": None}]).lists[0].always_there
    assert not observe([{"l": [{"a": 1}]}, {}]).lists[0].always_there


@pytest.mark.parametrize("other", ["x", [], [{"b": 1}], 1])
def test_what_stands_below_something_unsteady_is_known(other: object) -> None:
    assert not seen(observe([{"a": {"b": 1}}, {"a": other}]), "a.b").steady
    assert seen(observe([{"a": {"b": 1}}, {"a": None}, {}]), "a.b").steady


def test_empty_containers_and_lists_of_values_are_paths_themselves() -> None:
    sources = observe([{"a": {}, "b": [], "c": ["x", "y"], "d": [{}], "e": [1, {"f": 2}]}])
    assert {each.path: (set(each.kinds), each.values) for each in sources.leaves} == {
        **{"a": ({"object"}, ()), "b": ({"list"}, ()), "c": ({"list"}, ()), "d": ({"list"}, ())},
        **{"e": ({"list"}, ()), "e[].f": ({"whole number"}, (2,))},
    }


def test_a_deep_record_is_known_down_to_a_depth() -> None:
    record = json.loads('{"a": ' * 500 + "1" + "}" * 500)
    assert [each.path.count(".") for each in observe([record]).leaves] == [19]


# ---- words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Billing_Cust_No__c", ("billing", "customer", "number")),
        ("AccountNumber", ("customer", "number")),
        ("invoicedate", ("invoice", "date")),
        ("VATRegNo", ("tax_id",)),
        ("UStId", ("tax_id",)),
        ("shipToCity", ("shipping", "city")),
        ("addressLine1", ("street",)),
        ("addressLine2", ("street_more",)),
        ("PO_Number__c", ("purchase_order", "number")),
        ("QuantityUnitOfMeasure", ("unit",)),
        ("subTotal", ("net",)),
        ("totalTax", ("total", "tax")),
        ("notes", ("note",)),
        ("corporate", ("corporate",)),
        ("Pricebook2", ("price_book",)),
        ("", ()),
    ],
)
def test_the_terms_in_a_name(name: str, expected: tuple[str, ...]) -> None:
    assert terms(name) == expected


def test_every_field_of_the_model_is_known_by_names_that_are_more_than_its_own() -> None:
    known = {field.field: field.names for entity in ENTITIES for field in everything(document(entity))}
    assert len(known) > 100
    assert not [field for field, names in known.items() if not names.names or not all(names.names)]


def test_a_field_without_an_entry_is_known_by_its_own_name() -> None:
    assert names_of("invoice", "shoe_size").names == (("shoe", "size"),)


# ---- a path held against a field


def everything(target: Target) -> list[Target]:
    found = []
    for field in leaves(target):
        found += [field, *(everything(field) if field.shape.kind == "list" else ())]
    return found


def field(entity: str, path: str) -> Target:
    (found,) = (each for each in everything(document(entity)) if each.field == path)
    return found


def held(entity: str, path: str, *records: dict[str, Any]) -> Candidate:
    """The first path of some records against a field."""
    return candidate(field(entity, path), observe(records).leaves[0])


def test_a_name_that_says_the_field_outright() -> None:
    found = held("invoice", "due_date", {"DueDate": "2026-01-31"})
    assert (found.confidence, found.components.name, found.components.place) == (1.0, 1.0, 1.0)


def test_a_name_that_is_misspelled_or_says_more_is_less_likely() -> None:
    exact = held("customer", "address.city", {"city": "Ulm"}).confidence
    more = held("customer", "address.city", {"birth_city": "Ulm"}).confidence
    misspelled = held("order", "lines[].quantity", {"quantitty": "1"}).confidence
    assert more < 0.6 < misspelled < exact


def test_the_key_above_says_the_thing_where_the_last_one_leaves_it_to_that() -> None:
    assert held("invoice", "totals.gross", {"total": {"amount": "1.00"}}).confidence > 0.8
    assert held("invoice", "totals.gross", {"total": {"id": "1.00"}}).confidence < 0.6


def test_a_path_of_somebody_else_is_unlikely() -> None:
    assert held("customer", "address.city", {"ShippingCity": "Ulm"}).confidence < 0.5
    assert held("invoice", "buyer.name", {"supplier": {"name": "Brandt"}}).confidence < 0.5
    assert held("invoice", "seller.name", {"supplier": {"name": "Brandt"}}).confidence > 0.8


@pytest.mark.parametrize(
    ("entity", "path", "record", "transforms"),
    [
        ("invoice", "currency", {"currency": "eur"}, ("text", "upper", "currency_code")),
        ("order", "buyer_country", {"country": "de"}, ("text", "upper", "country_code")),
        ("order", "buyer_country", {"country": "Germany"}, ("text", {"country_from_name": "country_name"})),
        ("order", "order_date", {"order_date": "2026-01-31"}, ("date",)),
        ("order", "order_date", {"order_date": "2026-01-31T08:00:00Z"}, ("date_of_datetime",)),
        ("customer", "address.line1", {"street": "Am Markt 1\nHof"}, ("text", "one_line")),
        ("customer", "tax_id", {"vat_id": "DE 811569869"}, ("text", "vat_id_normalise")),
        ("customer", "payment_terms_days", {"payment_terms_days": "30"}, ("integer",)),
        ("customer", "purchase_order_required", {"po_required": "TRUE"}, ("boolean",)),
        ("tax_quote", "lines[].jurisdictions[].rate", {"rate": "0.04"}, ("decimal",)),
        ("tax_quote", "lines[].jurisdictions[].rate", {"rate": "4"}, ("decimal", "percent_to_fraction")),
    ],
)
def test_the_transforms_that_take_every_value(
    entity: str, path: str, record: dict[str, Any], transforms: tuple[Any, ...]
) -> None:
    found = held(entity, path, record)
    assert isinstance(found.fit, Fit)
    assert found.fit.transforms == transforms


@pytest.mark.parametrize(
    ("entity", "path", "values", "why"),
    [
        ("invoice", "currency", ["EUR", "Euro"], "is not a currency of ISO 4217"),
        ("invoice", "due_date", [1769817600], "must be a day written as 2026-01-31"),
        ("customer", "payment_terms_days", ["Net 30"], "is not a number"),
        ("customer", "billing_email", ["ask Jo"], "has a value that is not an e-mail address"),
        ("customer", "name", [Decimal("1.5")], "must be text, not a decimal number"),
        ("customer", "status", [None], "has no value in the sample"),
        ("customer", "name", [{"first": "Jo"}, "Jo"], "is sometimes object, not a value"),
        ("customer", "name", [["Jo"]], "is list, not a value"),
        ("customer", "name", [{}, "Jo"], "is sometimes object, not a value"),
    ],
)
def test_values_that_a_field_cannot_take(entity: str, path: str, values: list[Any], why: str) -> None:
    found = held(entity, path, *({path: value} for value in values))
    assert isinstance(found.fit, Misfit)
    assert why in found.fit.why
    assert found.confidence == 0


@pytest.mark.parametrize(
    ("entity", "path", "likely", "unlikely"),
    [
        ("customer", "name", [{"name": "Brandt"}], [{"name": "2026-01-31"}]),
        ("order", "order_id", [{"order_no": "1"}, {"order_no": "2"}], [{"order_no": "1"}, {"order_no": "1"}]),
        ("order", "customer_id", [{"customer_id": "A-1"}], [{"customer_id": "4f6c1a9e-52c8-4a3b-9f0e-6b1d7c2e8a10"}]),
        ("contract", "discount_percent", [{"discount_percent": "10"}], [{"discount_percent": "0.1"}]),
        ("product", "unit", [{"unit": "C62"}], [{"unit": "pieces"}]),
        ("invoice", "due_date", [{"due_date": "2026-01-31"}], [{"due_date": None}]),
    ],
)
def test_values_speak_for_a_field_or_against_it(
    entity: str, path: str, likely: list[dict[str, Any]], unlikely: list[dict[str, Any]]
) -> None:
    assert held(entity, path, *likely).confidence > held(entity, path, *unlikely).confidence > 0


def test_the_fields_of_items_are_named_with_their_list() -> None:
    lines = next(each for each in leaves(document("order")) if each.field == "lines")
    assert [each.field for each in fields_in(lines)][:2] == ["lines[].line_id", "lines[].product_code"]
