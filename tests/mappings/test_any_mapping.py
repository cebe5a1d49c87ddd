"""Any rules of sound types compile, and map any record to a document or to problems; what is not sound is refused by name."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from canonical_model.errors import MappingError
from mappings import Bundle, CompiledMapping, compile_bundle

Rules = st.SearchStrategy[dict[str, Any]]

BASE = {
    "mapping": "crm/thing",
    "version": 1,
    "direction": "outbound",
    "source": {
        "system": "hub",
        "entity": "invoice",
        "schema": {"name": "Invoice", "version": "1"},
        "inputs": ["context", "x"],
    },
    "target": {"system": "crm", "entity": "thing"},
    "owner": "tests",
    "overlays": {"legal_entity": "context.code", "customer": "context.a"},
}
OVERLAY = {"overlay": "crm/thing", "version": 2, "owner": "tests", "reason": "they are special"}

PATHS = st.sampled_from(["context.a", "context.b", "$.context.a", "x", "invoice.number"])
LISTS = st.sampled_from(["context.rows", "$.context.rows", "x", "invoice.lines"])
OPTIONAL = st.sampled_from([{}, {}, {"required": False}])
CONDITIONS = PATHS.flatmap(
    lambda path: st.sampled_from([{"present": True}, {"equals": "1"}, {"equals": 1}, {"in": ["", 0, "b"]}]).map(
        lambda test: {"path": path, **test}
    )
)
TEXTS = [["text"], ["text", "upper"], ["text", {"truncate": 2}], ["date", "iso_date"], ["text", {"format": "<{}>"}]]
NUMBERS = [["decimal"], ["integer"], ["decimal", "percent_to_fraction"], [{"sum_of": "net"}]]
MONEYS = [
    ["decimal", {"money": {"code": "USD"}}],
    ["read_money"],
    ["decimal", {"money": {"currency": "context.b"}}, {"rounded": "half_up"}],
]
FINISHED = ["money_text", "minor_units", [{"rounded": "half_even"}, "money_text"]]


def read(chains: list[Any]) -> Rules:
    """Rules that read one value."""
    return st.builds(
        lambda path, chain, more: {"from": path, "transform": chain, **more}, PATHS, st.sampled_from(chains), OPTIONAL
    )


def either(inner: Rules) -> Rules:
    return st.builds(
        lambda when, then, other: {"when": when, "then": then, "otherwise": other}, CONDITIONS, inner, inner
    )


def calculated(inner: Rules, operations: list[str], **more: Any) -> Rules:
    parts = st.lists(inner, min_size=2, max_size=3)
    return st.builds(
        lambda name, each, also: {name: each, **also, **more}, st.sampled_from(operations), parts, OPTIONAL
    )


def joined(inner: Rules) -> Rules:
    return st.builds(
        lambda parts, more: {"concat": parts, "separator": "-", **more},
        st.lists(inner, min_size=1, max_size=3),
        OPTIONAL,
    )


def fields(inner: Rules) -> Rules:
    return st.dictionaries(st.sampled_from("pq"), inner, min_size=1, max_size=2).map(lambda each: {"fields": each})


def for_each(inner: Rules) -> Rules:
    return st.builds(lambda path, body, more: {"each": path, **body, **more}, LISTS, fields(inner), OPTIONAL)


def around(inner: Rules) -> Rules:
    return st.one_of(
        either(inner),
        fields(inner),
        for_each(inner),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"list": parts}),
    )


def constants(*values: Any) -> Rules:
    return st.sampled_from(values).map(lambda value: {"const": value})


NUMBER = st.recursive(
    read(NUMBERS) | constants(0, 7, 10**20),
    lambda inner: either(inner) | calculated(inner, ["add", "subtract", "multiply"]),
    max_leaves=3,
)
MONEY = st.sampled_from(FINISHED).flatmap(lambda last: calculated(read(MONEYS), ["add", "subtract"], transform=last))
TEXT = st.recursive(read(TEXTS) | constants("", "a"), lambda inner: either(inner) | joined(inner), max_leaves=3)
RULE = st.recursive(TEXT | NUMBER | MONEY | st.just({"absent": "not here"}), around, max_leaves=5)

ROOT = st.dictionaries(st.sampled_from("abc"), RULE, min_size=1, max_size=3)
PATCH = st.dictionaries(st.sampled_from(["a", "b", "a.p", "a[].p", "z"]), RULE, min_size=1, max_size=2)
MEANT = [{"legal_entity": "UK"}, {"customer": "1"}, {"customer": "1", "legal_entity": "UK"}]
PATCHES = st.dictionaries(st.integers(0, 2), PATCH, max_size=2)

VALUES = st.recursive(
    st.sampled_from(
        [
            None,
            True,
            0,
            1,
            10**20,
            "",
            "1",
            "1.50",
            "UK",
            "USD",
            "2026-01-31",
            "b",
            "1e30",
            {"amount": "1.00", "currency": "USD"},
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["x", "net", "code"]), inner, max_size=2)
    ),
    max_leaves=4,
)
CONTEXTS = st.dictionaries(st.sampled_from(["a", "b", "code", "rows"]), VALUES, max_size=4)


def outcome(root: Any, patches: Any) -> tuple[CompiledMapping | None, list[str]]:
    """The mapping, or the faults by line."""
    files = {"crm/thing.yaml": json.dumps(BASE | {"fields": root})}
    for number, patch in patches.items():
        files[f"crm/overlays/thing.{number}.yaml"] = json.dumps(OVERLAY | {"for": MEANT[number], "set": patch})
    try:
        return compile_bundle(Bundle(name="crm/thing", files=files)), []
    except MappingError as error:
        return None, error.text.splitlines()[1:]


@given(root=ROOT, patches=PATCHES, contexts=st.lists(CONTEXTS, min_size=2, max_size=3), beside=VALUES)
@settings(max_examples=120, deadline=None)
def test_any_mapping_maps_any_record_or_is_refused(root: Any, patches: Any, contexts: list[Any], beside: Any) -> None:
    mapping, refused = outcome(root, patches)
    assert all(line.startswith(("crm/thing.yaml:1:", "crm/overlays/thing.")) for line in refused)
    if mapping is None:
        assert refused
        return
    for context in contexts:
        record = {"context": context, "x": beside}
        mapped = mapping.apply(record)
        assert mapped == mapping.carefully(record)
        assert (mapped.document is None) == bool(mapped.problems)
        assert mapping.explain(record)
