"""Mappings: one YAML file per pair of shapes, compiled to a Python function and able to explain itself.

The language is described in docs/mapping-language.md. Nothing here reads or writes anything but the mapping files themselves.
"""

from mappings.catalogue import load, names
from mappings.compiled import CompiledMapping, compile_file
from mappings.runtime.records import FieldProblem, FieldTrace, Mapped
from mappings.testing.fixtures import run_fixtures

__all__ = ["load", "names", "run_fixtures", "compile_file", "CompiledMapping", "Mapped", "FieldProblem", "FieldTrace"]
