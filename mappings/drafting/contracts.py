"""A first contract for a mapping: what its records hold, or what the system says of them. A person decides what is promised."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from mappings.files.contracts import ANYTHING, TYPES, Field, parent_of
from mappings.language.definition import Definition, From
from mappings.language.walking import all_rules
from mappings.runtime.drift import NUMERAL, type_of

_PLAIN_KEY = re.compile(r"\$|[A-Za-z_][\w.\[\]]*")
_WIDTH = 140


def draft_contract(definition: Definition, fields: Mapping[str, Field]) -> str:
    """The text of a contract file that quarantines whatever drifts.

    Args:
        definition: The mapping; a path that it reads and that `fields` lacks is listed as text with a remark.
        fields: What is known, by path.
    """
    unseen = {path: Field(types=("text", "null"), optional=True) for path in definition.paths if path not in fields}
    unseen = _with_objects({**fields, **unseen}, fields) | unseen
    lines = [
        f"contract: {definition.name}",
        "version: 1",
        f"schema: {{name: {_quoted(definition.schema)}, version: {_quoted(definition.schema_version)}}}",
        f"owner: {definition.owner}",
        "on: {new_field: quarantine, missing_field: quarantine, changed_type: quarantine}",
        "",
        "fields:",
        *(f"  {_key(path)}: {_promise(field)}" for path, field in fields.items() if field != ANYTHING),
        *(f"  {_key(path)}: {_promise(field)}  # read, but in no record" for path, field in unseen.items()),
        *_unread(path for path, field in fields.items() if field == ANYTHING),
    ]
    return "\n".join(lines) + "\n"


def _unread(paths: Iterable[str]) -> Iterator[str]:
    """The lines about what nobody reads, by the object that it stands in."""
    names: dict[str, list[str]] = {}
    for path in paths:
        around, _, name = path.rpartition(".")
        names.setdefault(around or "$", []).append(name)
    if names:
        yield from ("", "unread:")
    for around, of_it in names.items():
        yield from wrap(f"{_key(around)}: [{', '.join(of_it)}]", _WIDTH, initial_indent="  ", subsequent_indent=" " * 6)


def _with_objects(listed: Mapping[str, Field], fields: Mapping[str, Field]) -> dict[str, Field]:
    """The objects and lists that listed fields stand in and that are not listed themselves."""
    found: dict[str, Field] = {}
    for path in listed:
        while path := parent_of(path):
            kind = "list" if any(each.startswith(f"{path}[]") for each in listed) else "object"
            if path not in fields and not path.endswith("[]"):
                found[path] = Field(types=(kind, "null"), optional=True)
    return found


def seen_in(definition: Definition, records: Sequence[Mapping[str, Any]]) -> dict[str, Field]:
    """What records hold, by path in the order of their coming: all types that were seen, and optional where one lacks it.

    Args:
        definition: The mapping; what it ignores may be anything or missing, and text that it reads as a number is one where all texts are numbers.
        records: Plain JSON values, at least one.
    """
    seen = _Seen(definition)
    for record in records:
        seen.add(record, "")
    return seen.fields()


class _Seen:
    """What was seen so far."""

    def __init__(self, definition: Definition) -> None:
        self._ignored = [path for path in definition.ignored if not _leads_on(path, definition.paths)]
        self._numbers = {
            rule.path.full for rule in all_rules(definition.root) if isinstance(rule, From) and _reads_number(rule)
        }
        self._types: dict[str, set[str]] = {}
        self._times: dict[str, int] = {}
        self._objects: dict[str, int] = {"": 0}

    def add(self, record: Mapping[str, Any], path: str) -> None:
        """Look into one object."""
        self._objects[path] = self._objects.get(path, 0) + 1
        for name, value in record.items():
            inner = f"{path}.{name}" if path else str(name)
            self._times[inner] = self._times.get(inner, 0) + 1
            self._look(inner, value)

    def fields(self) -> dict[str, Field]:
        """The promises that all this keeps."""
        ignored = dict.fromkeys(self._ignored, ANYTHING)
        seen = {path: Field(types=self._in_order(path), optional=self._is_optional(path)) for path in self._types}
        return {path: field for path, field in {**seen, **ignored}.items() if not _goes_without_saying(path, field)}

    def _look(self, path: str, value: Any) -> None:
        self._types.setdefault(path, set()).add(self._type_of(path, value))
        if path in self._ignored:
            return
        if isinstance(value, dict):
            self.add(value, path)
        for item in value if isinstance(value, list) else ():
            self._look(f"{path}[]", item)

    def _type_of(self, path: str, value: Any) -> str:
        found = type_of(value)
        if found == "number" or (path in self._numbers and found == "text" and NUMERAL.fullmatch(value)):
            return "decimal"
        return found

    def _in_order(self, path: str) -> tuple[str, ...]:
        seen = self._types[path]
        if "decimal" in seen:
            seen = {"text", *seen} - {"decimal", "integer"} if "text" in seen else seen - {"integer"}
        return tuple(each for each in TYPES if each in seen)

    def _is_optional(self, path: str) -> bool:
        around = path.rpartition(".")[0]
        return not path.endswith("[]") and self._times[path] < self._objects[around]


def _goes_without_saying(path: str, field: Field) -> bool:
    """Items of which fields are listed are objects."""
    return path.endswith("[]") and field.types == ("object",)


def _leads_on(path: str, read: Iterable[str]) -> bool:
    """Whether something inside an ignored path is read after all."""
    return any(each.startswith((f"{path}.", f"{path}[]")) for each in read)


def _reads_number(rule: From) -> bool:
    return bool(rule.uses) and rule.uses[0].name == "decimal"


def _promise(field: Field) -> str:
    types = field.types[0] if len(field.types) == 1 else f"[{', '.join(field.types)}]"
    return f"{{type: {types}, optional: true}}" if field.optional else types


def _key(path: str) -> str:
    return path if _PLAIN_KEY.fullmatch(path) else _quoted(path)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
