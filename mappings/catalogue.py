"""The mappings that are there: found by their folders, compiled once."""

from functools import lru_cache
from pathlib import Path

from canonical_model.errors import MappingError
from mappings.compiled import CompiledMapping, compile_file

ROOT = Path(__file__).parent
_NOT_SYSTEMS = ("tables",)


def names() -> list[str]:
    """Names of all mappings, `system/entity`, sorted."""
    files = ROOT.glob("*/*.yaml")
    return sorted(f"{file.parent.name}/{file.stem}" for file in files if file.parent.name not in _NOT_SYSTEMS)


@lru_cache(maxsize=256)
def load(name: str) -> CompiledMapping:
    """A mapping by name, compiled on first use.

    Raises:
        MappingError: There is no such mapping, or it does not compile.
    """
    if name not in names():
        raise MappingError(f"there is no such mapping; there are {', '.join(names())}", mapping=name, field="mapping")
    compiled = compile_file(ROOT / f"{name}.yaml")
    if compiled.name != name:
        raise MappingError(
            f"the file calls itself {compiled.name!r}; name and place must agree", mapping=name, field="mapping"
        )
    return compiled
