"""Mappings: one YAML file per pair of shapes, compiled to a Python function and able to explain itself.

The language is described in docs/mapping-guide.md. Nothing here reads or writes anything but the mapping files themselves.
"""

from mappings.catalogue import bundle_of, contract, load, names, promises
from mappings.compilation import compile_bundle, compile_file
from mappings.compiled import CompiledMapping
from mappings.files.bundles import Bundle
from mappings.files.contracts import Contract
from mappings.runtime.records import FieldProblem, FieldTrace, Mapped
from mappings.testing.fixtures import run_fixtures

__all__ = [
    "load",
    "names",
    "run_fixtures",
    "bundle_of",
    "contract",
    "promises",
    "Bundle",
    "Contract",
    "compile_bundle",
    "compile_file",
    "CompiledMapping",
    "Mapped",
    "FieldProblem",
    "FieldTrace",
]
