"""Ground for the tests of drafting: completing drafts, and comparing them with what people wrote."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mappings.catalogue import ROOT
from mappings.drafting import Source, draft, read_samples, write
from mappings.files.yaml_source import read
from mappings.language.canonical import Shape, entity_shape, fields_of
from mappings.testing.fixtures import cases, expected_outcome, read_input

SAMPLES = Path(__file__).parent / "samples"
SOURCE = Source(system="crm", entity="thing", schema="sample.json")
WRITTEN_SINCE = "confirmed by a person"


def drafted(records: list[dict[str, Any]], entity: str, **options: Any) -> dict[str, Any]:
    """The mapping file of a draft, read as the compiler reads it."""
    return parsed(write(draft(records, SOURCE, entity, **options)))


def parsed(text: str) -> dict[str, Any]:
    data: dict[str, Any] = read(text).data
    return data


def rule(data: Mapping[str, Any], field: str) -> Any:
    """The rule of a field, for example `lines[].quantity`."""
    found: Any = data
    for name in field.replace("[]", "").split("."):
        found = found["fields"][name]
    return found


def is_undecided(rule: Mapping[str, Any]) -> bool:
    return "todo" in rule or any(str(rule.get(key, "")).startswith("TODO") for key in ("absent", "reason"))


def undecided(fields: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Fields that wait for a person."""
    for name, inner in fields.items():
        if is_undecided(inner):
            yield prefix + name
        elif "fields" in inner:
            yield from undecided(inner["fields"], f"{prefix}{name}[]." if "each" in inner else f"{prefix}{name}.")


def completed(data: dict[str, Any], entity: str) -> dict[str, Any]:
    """A draft with all that is open decided, as a person would who knows the types and nothing else."""
    shape = entity_shape(entity)
    return _header(data) | {
        "fields": {name: _decided(each, fields_of(shape.struct)[name]) for name, each in data["fields"].items()}
    }  # type: ignore[arg-type]


def completed_from(data: dict[str, Any], shipped: dict[str, Any]) -> dict[str, Any]:
    """A draft whose open fields are decided as in a shipped mapping."""
    ignore = {"ignore": shipped["ignore"]} if "ignore" in shipped else {}
    return _header(data) | ignore | {"fields": _taken(data["fields"], shipped["fields"])}


def paths(fields: Mapping[str, Any], prefix: str = "") -> dict[str, set[str]]:
    """By field, the paths whose value it may get; lists by the path they go over. Constants and gaps are left out."""
    found: dict[str, set[str]] = {}
    for name, each in fields.items():
        for field, values in _paths(each, prefix + name):
            found.setdefault(field, set()).update(values)
    return {field: values for field, values in found.items() if values}


def samples_of(name: str) -> list[dict[str, Any]]:
    """The inputs of a mapping's fixtures that become a document."""
    return [read_input(path) for path in cases(name) if "problems" not in expected_outcome(path)]


def shipped(name: str) -> dict[str, Any]:
    return parsed((ROOT / f"{name}.yaml").read_text("utf-8"))


def foreign() -> Iterator[tuple[str, list[dict[str, Any]], dict[str, Any]]]:
    """Records of systems that have no mapping here, with what a person would read for each field."""
    for file in sorted(SAMPLES.glob("*.expected.yaml")):
        name = file.name.removesuffix(".expected.yaml")
        (sample,) = (path for path in SAMPLES.glob(f"{name}.*") if path != file)
        yield name, read_samples(sample), parsed(file.read_text("utf-8"))


def as_text(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True)


def _header(data: dict[str, Any]) -> dict[str, Any]:
    source = data["source"] | {"schema": data["source"]["schema"] | {"version": "1"}}
    ignore = [each | {"reason": WRITTEN_SINCE} for each in data.get("ignore", [])]
    return data | {"source": source, "owner": "tests"} | ({"ignore": ignore} if ignore else {})


def _decided(rule: dict[str, Any], shape: Shape) -> dict[str, Any]:
    if "todo" in rule:
        return _by_type(shape)
    rule = {key: WRITTEN_SINCE if str(value).startswith("TODO") else value for key, value in rule.items()}
    if "fields" in rule and shape.kind != "money":
        known = fields_of(shape.struct) if shape.struct else {}
        return rule | {"fields": {name: _decided(inner, known[name]) for name, inner in rule["fields"].items()}}
    return rule


def _by_type(shape: Shape) -> dict[str, Any]:
    constants = {"text": (shape.choices or ("x",))[0], "decimal": 1, "integer": 1, "boolean": True}
    if shape.kind in constants:
        return {"const": constants[shape.kind]}
    if shape.kind == "date":
        return {"from": "day", "transform": "date"}
    if shape.kind == "money":
        return {"from": "amount", "transform": ["decimal", {"money": {"code": "EUR"}}]}
    assert shape.struct is not None
    fields = {name: _by_type(inner) for name, inner in fields_of(shape.struct).items()}
    return {"each": "items", "fields": fields} if shape.kind == "list" else {"fields": fields}


def _taken(fields: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _one_taken(each, known[name]) for name, each in fields.items()}


def _one_taken(each: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    if is_undecided(each):
        return known
    if "fields" in each and "fields" in known:
        return known | {"fields": _taken(each["fields"], known["fields"])}
    return known if "fields" in each else each


def _paths(rule: Mapping[str, Any], field: str) -> Iterator[tuple[str, set[str]]]:
    if "each" in rule:
        yield field, {rule["each"]}
        yield from paths(rule["fields"], f"{field}[].").items()
    elif "fields" in rule and set(rule["fields"]) == {"amount", "currency"}:
        yield from _paths(rule["fields"]["amount"], field)
    elif "fields" in rule:
        yield from paths(rule["fields"], f"{field}.").items()
    elif "when" in rule:
        yield from _paths(rule["then"], field)
        yield from _paths(rule["otherwise"], field)
    elif "lookup" in rule:
        key = rule["lookup"]["key"]
        yield field, set(key if isinstance(key, list) else [key])
    elif "from" in rule:
        yield field, {rule["from"]}


def decided(fields: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Fields that have a rule of the draft's own."""
    for name, each in fields.items():
        if is_undecided(each):
            continue
        yield prefix + name
        yield from decided(each.get("fields", {}), f"{prefix}{name}[]." if "each" in each else f"{prefix}{name}.")


def plain(field: str) -> str:
    """A field without the positions in lists: `lines[2].quantity` is `lines[].quantity`."""
    return re.sub(r"\[\d+\]", "[]", field)
