"""Bundles: everything a mapping is made of, as text, so that it can be kept and used again when the files have moved on."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from mappings.files.faults import Fault, refusal
from mappings.files.yaml_source import Mark, SourceError, read

SHIPPED = Path(__file__).parent.parent
"""The mappings folder, whose tables are used where a folder has none of its own."""

TABLE_USERS = ("lookup", "country_from_name")
"""What names a table in a rule."""


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of one mapping.

    Attributes:
        name: `system/entity`.
        files: Text by file name below the mappings folder: the mapping, its overlays, and the tables that they name.
    """

    name: str
    files: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, over names and texts of all files."""
        return hashlib.sha256(msgspec.json.encode(dict(self.files), order="sorted")).hexdigest()

    @property
    def file(self) -> str:
        """Name of the mapping's own file."""
        return f"{self.name}.yaml"

    @property
    def overlays(self) -> list[str]:
        """Names of the overlay files, sorted."""
        return sorted(file for file in self.files if "/overlays/" in file)

    def table(self, name: str) -> str | None:
        """Text of a table; None where the bundle has none of this name."""
        return self.files.get(f"tables/{name}.yaml")


def gather(root: Path, name: str) -> Bundle:
    """The bundle of the mapping `name` as it stands in a folder of mappings. Files are read, not judged: that is the compiler's work.

    Raises:
        MappingError: The mapping's own file cannot be read.
    """
    system, _, entity = name.partition("/")
    files = {f"{name}.yaml": _text(root, f"{name}.yaml")}
    for path in sorted(root.glob(f"{system}/overlays/{entity}.*.yaml")):
        files[f"{system}/overlays/{path.name}"] = path.read_text("utf-8")
    tables = root if (root / "tables").is_dir() else SHIPPED
    for table in sorted({table for text in files.values() for table in _tables(text)}):
        if (tables / "tables" / f"{table}.yaml").is_file():
            files[f"tables/{table}.yaml"] = _text(tables, f"tables/{table}.yaml")
    return Bundle(name=name, files=files)


def _text(root: Path, file: str) -> str:
    try:
        return (root / file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise refusal(
            file.removesuffix(".yaml"), [Fault(Mark(file, 1), "file", f"cannot be read: {reason}")]
        ) from error


def _tables(text: str) -> Iterator[str]:
    try:
        yield from _named(read(text).data)
    except SourceError:
        return


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _named(item)
    for key, item in value.items() if isinstance(value, dict) else ():
        name = item.get("table") if isinstance(item, dict) else item
        if key in TABLE_USERS and isinstance(name, str) and name.isidentifier():
            yield name
        else:
            yield from _named(item)
