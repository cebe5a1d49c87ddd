"""A compiled mapping: applied to records in bulk, or asked to explain one."""

from collections.abc import Callable, Mapping, Sequence, Set
from functools import cached_property
from types import MappingProxyType
from typing import Any

import msgspec

from mappings.compiler.careful import compile_careful
from mappings.compiler.direct import compile_direct
from mappings.language.canonical import ENTITIES
from mappings.language.definition import Definition
from mappings.runtime.records import FieldProblem, FieldTrace, Mapped, shown


class CompiledMapping:
    """One mapping, ready for use; safe to share between threads.

    Args:
        definition: A mapping without faults.
        fingerprint: SHA-256 of its bundle, in hexadecimal.
        promised: The type that the source promises of a field, by path: a hint for speed, which changes no outcome.
    """

    apply: Callable[[Mapping[str, Any]], Mapped]
    """Maps one record.

    It takes plain JSON values, decimals as text or Decimal; for an outbound mapping the canonical document's builtins under the entity's
    name, beside the inputs that the mapping names. It gives the document, or all problems of the record, and never raises for a record.
    """

    source_text: str
    """The Python function that `apply` is."""

    def __init__(
        self, definition: Definition, fingerprint: str, promised: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._definition = definition
        self.name, self.version, self.fingerprint = definition.name, definition.version, fingerprint
        self._struct = ENTITIES[definition.entity] if definition.inbound else None
        direct = compile_direct(definition, promised)
        direct.names["carefully"] = self.carefully
        self.apply, self.source_text = direct.function(definition.name), direct.text

    @property
    def definition(self) -> Definition:
        """The typed rules."""
        return self._definition

    def variant(self, record: Mapping[str, Any]) -> "CompiledMapping":
        """The mapping that a record is mapped by: itself, or with overlays the one that suits the record."""
        return self

    @property
    def variants(self) -> Sequence["CompiledMapping"]:
        """The mappings that records are mapped by: itself, or with overlays the base, then one for each combination of patches."""
        return [self]

    @property
    def ignored(self) -> Mapping[str, str]:
        """Source paths left aside on purpose, with the reason."""
        return self._definition.ignored

    def carefully(self, record: Mapping[str, Any]) -> Mapped:
        """Map one record step by step, noting every problem: as `apply` does, only slower. It does so itself for what is out of the ordinary."""
        errors: list[FieldProblem] = []
        plain = self._careful(self._as_dict(record, errors), errors)
        if errors:
            return Mapped(document=None, problems=tuple(errors))
        return self._converted(plain) if self._struct else Mapped(document=plain)

    def explain(self, record: Mapping[str, Any]) -> list[FieldTrace]:
        """How each field of the target comes about for one record, nested ones too, in the order of the mapping."""
        errors: list[FieldProblem] = []
        traces: list[FieldTrace] = []
        self._traced(self._as_dict(record, errors), errors, traces)
        return traces

    def unmapped(self, record: Mapping[str, Any]) -> list[str]:
        """Source paths of a record that the mapping neither reads nor names under `ignore`: the source has grown a field."""
        found: dict[str, None] = {}
        _unmapped(self._as_dict(record, []), "", (self._definition.paths.keys() | self.ignored.keys()), found)
        return list(found)

    @property
    def careful_text(self) -> str:
        """The Python function that `carefully` runs."""
        return compile_careful(self._definition, tracing=False).text

    @cached_property
    def _careful(self) -> Callable[..., Any]:
        return compile_careful(self._definition, tracing=False).function(f"{self.name}, careful")

    @cached_property
    def _traced(self) -> Callable[..., Any]:
        return compile_careful(self._definition, tracing=True).function(f"{self.name}, tracing")

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


def _unmapped(value: Any, path: str, known: Set[str], found: dict[str, None]) -> None:
    """Gather into `found` the paths below `value` that are not in `known` and lead to nothing in it."""
    if isinstance(value, dict):
        for key, item in value.items():
            _unmapped_at(item, f"{path}.{key}" if path else str(key), known, found)
    elif isinstance(value, list | tuple):
        for item in value:
            if item is not None:
                _unmapped_at(item, f"{path}[]", known, found)


def _unmapped_at(value: Any, path: str, known: Set[str], found: dict[str, None]) -> None:
    if any(name.startswith((f"{path}.", f"{path}[]")) for name in known):
        _unmapped(value, path, known, found)
    elif path not in known:
        found[path] = None
