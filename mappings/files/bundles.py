"""Bundles: everything a mapping is made of, as text, so that it can be kept and used again when the files have moved on."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
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
        MappingError: A file cannot be read, or an overlay beside the mapping belongs to no mapping; all in one message.
    """
    faults: list[Fault] = []
    files = _texts(root, [f"{name}.yaml", *_overlays(root, name, faults)], faults)
    home = root if (root / "tables").is_dir() else SHIPPED
    named = sorted({f"tables/{table}.yaml" for text in files.values() for table in _tables(text)})
    files |= _texts(home, [file for file in named if (home / file).exists()], faults)
    if faults:
        raise refusal(name, faults)
    return Bundle(name=name, files=files)


def _overlays(root: Path, name: str, faults: list[Fault]) -> Iterator[str]:
    """The overlays of one mapping. One that has no mapping is a fault: nobody would notice that it is not used."""
    system, _, entity = name.partition("/")
    folder = root / system / "overlays"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or path.suffix not in (".yaml", ".yml"):
            continue
        file, (owner, *code) = f"{system}/overlays/{path.name}", path.stem.split(".")
        if not code or path.suffix == ".yml" or not (root / system / f"{owner}.yaml").exists():
            message = "lies on no mapping; overlays are called <entity>.<code>.yaml after the mapping's own file"
            faults.append(Fault(Mark(file, 1), "file", message))
        elif owner == entity:
            yield file


def _texts(root: Path, files: Iterable[str], faults: list[Fault]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for file in files:
        try:
            texts[file] = (root / file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            faults.append(Fault(Mark(file, 1), "file", f"cannot be read: {reason}"))
    return texts


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
