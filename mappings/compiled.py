"""A compiled mapping: applied to records in bulk, or asked to explain one."""

from collections.abc import Mapping, Set
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from mappings.compiler.emitting import compile_definition
from mappings.compiler.source_text import SourceText
from mappings.language.canonical import ENTITIES
from mappings.language.definition import Definition
from mappings.runtime.records import FieldProblem, FieldTrace, Mapped, shown

_BUILTINS = {"len": len, "enumerate": enumerate}


class Code(NamedTuple):
    """One generated function with its text."""

    function: Any
    text: str


class CompiledMapping:
    """One mapping, ready for use; safe to share between threads.

    Args:
        definition: A mapping without faults.
        fingerprint: SHA-256 of its bundle, in hexadecimal.
    """

    def __init__(self, definition: Definition, fingerprint: str) -> None:
        self._definition = definition
        self.name, self.version, self.fingerprint = definition.name, definition.version, fingerprint
        self._plain = _executed(compile_definition(definition, tracing=False), definition.name)
        self._struct = ENTITIES[definition.entity] if definition.inbound else None

    @property
    def source_text(self) -> str:
        """The Python function that `apply` runs."""
        return self._plain.text

    @property
    def definition(self) -> Definition:
        """The typed rules."""
        return self._definition

    @property
    def ignored(self) -> Mapping[str, str]:
        """Source paths left aside on purpose, with the reason."""
        return self._definition.ignored

    def apply(self, record: Mapping[str, Any]) -> Mapped:
        """Map one record.

        Args:
            record: Plain JSON values, decimals as text or Decimal. For an outbound mapping the canonical document's builtins under
                the entity's name, beside the inputs that the mapping names.

        Returns:
            The document, or all problems of the record. Never raises for a record.
        """
        errors: list[FieldProblem] = []
        plain = self._plain.function(self._as_dict(record, errors), errors)
        if errors:
            return Mapped(document=None, problems=tuple(errors))
        return self._converted(plain) if self._struct else Mapped(document=plain)

    def explain(self, record: Mapping[str, Any]) -> list[FieldTrace]:
        """How each field of the target comes about for one record, nested ones too, in the order of the mapping."""
        errors: list[FieldProblem] = []
        traces: list[FieldTrace] = []
        self._traced.function(self._as_dict(record, errors), errors, traces)
        return traces

    def unmapped(self, record: Mapping[str, Any]) -> list[str]:
        """Source paths of a record that the mapping neither reads nor names under `ignore`: the source has grown a field."""
        found: dict[str, None] = {}
        _unmapped(self._as_dict(record, []), "", (self._definition.paths.keys() | self.ignored.keys()), found)
        return list(found)

    @cached_property
    def _traced(self) -> Code:
        return _executed(compile_definition(self._definition, tracing=True), f"{self.name}, tracing")

    def _converted(self, plain: dict[str, Any]) -> Mapped:
        try:
            return Mapped(document=msgspec.convert(plain, self._struct))
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at `$.")
            return Mapped(document=None, problems=(self._problem(place.rstrip("`"), "", "canonical type", message),))

    def _as_dict(self, record: Any, errors: list[FieldProblem]) -> dict[str, Any]:
        if type(record) is dict:
            return record
        if isinstance(record, Mapping):
            return dict(record)
        errors.append(self._problem("", shown(record), "record", "the record must be an object"))
        return {}

    def _problem(self, field: str, value: str, rule: str, message: str) -> FieldProblem:
        return FieldProblem(
            mapping=self.name,
            version=self.version,
            field=field,
            source_path="",
            value=value,
            rule=rule,
            message=message,
        )


def _executed(written: SourceText, name: str) -> Code:
    namespace = {"__builtins__": _BUILTINS, **written.names}
    exec(compile(written.text, f"<mapping {name}>", "exec"), namespace)  # noqa: S102 - our own text, made from typed rules
    return Code(namespace["map_record"], written.text)


def _unmapped(value: Any, path: str, known: Set[str], found: dict[str, None]) -> None:
    """Gather into `found` the paths below `value` that are not in `known` and lead to nothing in it."""
    if isinstance(value, list | tuple):
        for item in value:
            _unmapped(item, f"{path}[]", known, found)
        return
    for key, item in value.items() if isinstance(value, dict) else ():
        inner = f"{path}.{key}" if path else str(key)
        leads_on = any(name.startswith((f"{inner}.", f"{inner}[]")) for name in known)
        if leads_on:
            _unmapped(item, inner, known, found)
        elif inner not in known:
            found[inner] = None
