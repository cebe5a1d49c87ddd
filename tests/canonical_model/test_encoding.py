"""One spelling for every document, and a hash that sees meaning only."""

import json
from collections import OrderedDict
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from canonical_model.catalog import DOCUMENTS
from canonical_model.encoding import content_hash, decode, decode_payload, encode, encode_payload
from canonical_model.invoices import Invoice
from canonical_model.money import Money

decimals = st.decimals(allow_nan=False, allow_infinity=False, places=None, min_value=-(10**15), max_value=10**15)
leaves = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | decimals | st.text(max_size=5) | st.dates()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def refuse_float(text: str) -> None:
    raise AssertionError(f"{text} is a JSON number with a point or an exponent")


def respelled(value: object) -> object:
    """The same meaning with other zeros, another order of keys and empty keys."""
    if isinstance(value, Decimal):
        sign, digits, exponent = value.as_tuple()
        return Decimal((sign, (*digits, 0, 0), exponent - 2))
    if isinstance(value, dict):
        return {key: respelled(value[key]) for key in reversed(value)} | {"key of nothing": None}
    return [respelled(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_documents_come_back(documents, name):
    assert decode(encode(documents[name]), DOCUMENTS[name]) == documents[name]
    assert decode(encode(documents[name]).decode(), DOCUMENTS[name]) == documents[name]


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_json_has_no_floats_and_sorted_keys(documents, name):
    body = encode(documents[name])
    plain = json.loads(body, parse_float=refuse_float)
    assert json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == body


@given(values)
def test_any_json_has_no_floats(value):
    json.loads(encode(value), parse_float=refuse_float)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_decimals_are_plain_strings(number):
    (text,) = json.loads(encode([number]))
    assert not set(text) - set("-.0123456789")
    assert Decimal(text) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [("0E-8", "0.00000000"), ("1E+3", "1000"), ("-1.5E-9", "-0.0000000015"), ("1.50", "1.50"), ("-0.00", "-0.00")],
)
def test_spelling_of_decimals(number, text):
    assert encode({"b": Decimal(number), "a": "1E-8"}) == f'{{"a":"1E-8","b":"{text}"}}'.encode()


def test_a_document_with_a_tiny_residual_comes_back(invoice):
    line = replace(invoice.lines[0], rounding=Money(Decimal("0E-26"), "USD"))
    tiny = replace(invoice, lines=(line,))
    assert b"E-" not in encode(tiny)
    assert decode(encode(tiny), Invoice) == tiny


def test_what_does_not_fit_names_the_path(invoice):
    body = encode(invoice).replace(b'"14604"', b"14604")
    with pytest.raises(msgspec.ValidationError, match=r"buyer\.address\.postal_code"):
        decode(body, Invoice)


def test_json_numbers_are_read_digit_for_digit(invoice):
    body = encode(invoice).replace(b'"0.04"', b"0.04")
    assert decode(body, Invoice) == invoice


@given(values)
def test_key_order_number_spelling_and_nothing_do_not_matter(value):
    assert content_hash(respelled(value)) == content_hash(value)


def specified_hash(value: object) -> str:
    """The hash as it was first written, plain and slow: stored documents and approvals are bound to it, so it must never change."""
    plain = normal(msgspec.to_builtins(value, builtin_types=(Decimal,)))
    return sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


def normal(value: object) -> object:
    match value:
        case dict():
            return {key: normal(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [normal(item) for item in value]
        case bool():
            return value
        case Decimal() | int():
            text = format(Decimal(value), "f") if value else "0"
            return text.rstrip("0").rstrip(".") if "." in text else text
    return value


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type of the canonical model."""
    match kind:
        case msgspec.inspect.StructType():
            fields = {field.name: values_of(field.type) for field in kind.fields}
            return st.fixed_dictionaries(fields).map(lambda given: kind.cls(**given))
        case msgspec.inspect.UnionType():
            return st.one_of([values_of(each) for each in kind.types])
        case msgspec.inspect.VarTupleType():
            return st.lists(values_of(kind.item_type), max_size=2).map(tuple)
        case msgspec.inspect.LiteralType():
            return st.sampled_from(kind.values)
    return LEAVES[type(kind).__name__]


LEAVES = {
    "StrType": st.text(max_size=5),
    "IntType": st.integers(-(10**18), 10**18),
    "BoolType": st.booleans(),
    "DecimalType": decimals,
    "DateType": st.dates(),
    "NoneType": st.none(),
}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_the_hash_of_a_document_never_changes(name):
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(values_of(msgspec.inspect.type_info(DOCUMENTS[name])))
    def check(document):
        assert content_hash(document) == specified_hash(document)

    check()


@given(values)
def test_the_hash_of_plain_values_never_changes(value):
    assert content_hash(value) == specified_hash(value)


class Colour(Enum):
    RED = "red"


class Tagged(msgspec.Struct, tag="kind"):
    amount: Decimal


class Short(msgspec.Struct, omit_defaults=True, rename="camel"):
    the_amount: Decimal = Decimal("1.0")
    the_name: str = "x"


class Listed(msgspec.Struct, array_like=True):
    amount: Decimal
    name: str | None = None


@pytest.mark.parametrize(
    "value",
    [
        {Colour.RED: Colour.RED},
        Tagged(Decimal("1.0")),
        Short(),
        Short(Decimal("2.0"), "y"),
        Listed(Decimal("1.0")),
        {"at": datetime(2026, 1, 15, tzinfo=UTC), "raw": b"x"},
        OrderedDict(a=Decimal("1.0"), b=(None, 1)),
        None,
        Decimal("NaN"),
    ],
)
def test_the_hash_of_rarer_values_never_changes(value):
    assert content_hash(value) == specified_hash(value)


@pytest.mark.parametrize(
    "same",
    [
        [Decimal("1.50"), Decimal("1.5"), Decimal("1.500")],
        [Decimal(100), Decimal("1E+2"), Decimal("100.00"), 100],
        [Decimal(0), Decimal("-0.00"), Decimal("0E-9"), 0],
        [{"a": 1, "b": [2]}, {"b": [Decimal("2.0")], "a": 1, "c": None}],
        [(1, 2), [1, 2]],
        [date(2026, 1, 15), "2026-01-15"],
    ],
)
def test_same_meaning(same):
    assert len({content_hash(each) for each in same}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("1.5"), Decimal("1.51")),
        (Decimal("1.5"), Decimal("-1.5")),
        (Decimal(1), Decimal(10)),
        (Decimal("1" * 28 + "1"), Decimal("1" * 28 + "2")),
        (True, 1),
        (["a", "b"], ["b", "a"]),
        ({"a": "b"}, {"b": "a"}),
        ({"a": None}, {"a": ""}),
        ({"a": ["b"]}, {"a": "b"}),
        ("1.50", "1.5"),
    ],
)
def test_other_meaning(one, other):
    assert content_hash(one) != content_hash(other)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_hashes_as_its_json_does(documents, name):
    document = documents[name]
    assert content_hash(decode(encode(document), DOCUMENTS[name])) == content_hash(document)


def test_every_field_counts(invoice):
    changed = [
        replace(invoice, number="US-1"),
        replace(invoice, due_date=date(2026, 2, 15)),
        replace(invoice, totals=replace(invoice.totals, payable=Money(Decimal("129600.01"), "USD"))),
        replace(invoice, totals=replace(invoice.totals, payable=Money(Decimal("129600.00"), "EUR"))),
        replace(invoice, lines=invoice.lines * 2),
    ]
    assert len({content_hash(each) for each in (invoice, *changed)}) == len(changed) + 1


def test_a_float_has_no_content():
    with pytest.raises(TypeError, match=r"0\.1 is a float"):
        content_hash({"amount": [0.1]})


def test_the_hash_is_sha_256_of_the_normal_spelling():
    assert content_hash({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_a_payload_comes_back_exactly_as_it_was():
    payload = {"amount": Decimal("120000.00"), "count": 3, "text": "1.50", "lines": [{"rate": Decimal("0.0400")}]}
    again = decode_payload(encode_payload(payload))
    assert again == payload
    assert [type(again[name]) for name in ("amount", "count", "text")] == [Decimal, int, str]
    assert str(again["amount"]) == "120000.00"
    assert content_hash(again) == content_hash(payload)
