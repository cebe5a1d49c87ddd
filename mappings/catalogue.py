"""The mappings that are there: found by their folders, compiled once."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from canonical_model.errors import MappingError
from mappings.compilation import compile_bundle
from mappings.compiled import CompiledMapping
from mappings.contracts import promised, stated
from mappings.files.bundles import Bundle, gather
from mappings.files.contracts import Contract
from mappings.files.tables import Table, read_table

ROOT = Path(__file__).parent
_NOT_SYSTEMS = ("tables",)


def names() -> list[str]:
    """Names of all mappings, `system/entity`, sorted."""
    files = ROOT.glob("*/*.yaml")
    return sorted(f"{file.parent.name}/{file.stem}" for file in files if file.parent.name not in _NOT_SYSTEMS)


@lru_cache(maxsize=256)
def bundle_of(name: str) -> Bundle:
    """The texts of a mapping as its files stood at its first use.

    Raises:
        MappingError: There is no such mapping.
    """
    if name not in names():
        raise MappingError(f"there is no such mapping; there are {', '.join(names())}", mapping=name, field="mapping")
    return gather(ROOT, name)


@lru_cache(maxsize=256)
def load(name: str) -> CompiledMapping:
    """A mapping by name as its files stood at its first use, compiled.

    Raises:
        MappingError: There is no such mapping, or it does not compile.
    """
    return compile_bundle(bundle_of(name), promises(name))


@lru_cache(maxsize=256)
def promises(name: str) -> Mapping[str, str]:
    """The type that a mapping's contract promises of each field, by path, where it promises one: what makes a compiled mapping faster."""
    return promised(ROOT, name)


@lru_cache(maxsize=256)
def contract(name: str) -> Contract | None:
    """The drift contract of a mapping as its file stood at its first use; None for a mapping without one.

    Raises:
        MappingError: There is no such mapping, or the contract is not sound or does not fit the mapping.
    """
    return stated(ROOT, load(name).definition)


def tables() -> list[str]:
    """Names of all lookup tables, sorted."""
    return sorted(file.stem for file in (ROOT / "tables").glob("*.yaml"))


def table(name: str) -> Table:
    """A lookup table by name.

    Raises:
        MappingError: There is no such table, or it breaks its schema.
    """
    if name not in tables():
        raise MappingError(
            f"there is no such table; there are {', '.join(tables())}", mapping=f"tables/{name}", field="table"
        )
    return read_table(name, (ROOT / "tables" / f"{name}.yaml").read_text("utf-8"))
