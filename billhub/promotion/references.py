"""How a person names a version of a mapping, and the version that is meant.

`system/entity` is the mapping as its files stand, `system/entity@active` the one in use, `system/entity@2` a kept one by its number,
`system/entity@3fa9c1` one by the first letters of its fingerprint, and `folder/system/entity.yaml` a file anywhere.
"""

import re
from pathlib import Path

import msgspec
from sqlalchemy import Connection

import mappings
from billhub.hub import compiled
from billhub.store import mapping_versions
from billhub.store.mapping_versions import Kept
from canonical_model.errors import ConfigurationError, MappingError
from mappings import Bundle, CompiledMapping
from mappings.files.bundles import gather

_NUMBER = re.compile(r"\d{1,5}")
_FINGERPRINT = re.compile(r"[0-9a-f]{6,64}")


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a mapping, ready for use.

    Attributes:
        reference: How it was named.
        bundle: Its texts.
        mapping: The same, compiled.
    """

    reference: str
    bundle: Bundle
    mapping: CompiledMapping

    @property
    def name(self) -> str:
        """Name of the mapping."""
        return self.bundle.name

    @property
    def number(self) -> int:
        """The version that its file states."""
        return self.mapping.version

    @property
    def fingerprint(self) -> str:
        """Of its bundle."""
        return self.mapping.fingerprint


def resolve(connection: Connection, reference: str) -> Version:
    """The version that a person means.

    Raises:
        ConfigurationError: There is none, or there are several; the message lists what there is.
        MappingError: It does not compile; the message lists every fault with file, line and field.
    """
    if reference.endswith((".yaml", ".yml")):
        return _in_file(reference)
    if "@" not in reference:
        return on_disk(reference)
    return of_kept(kept_version(connection, reference), reference)


def on_disk(name: str) -> Version:
    """The mapping as its files stood when this process first used it.

    Raises:
        MappingError: There is no such mapping, or it does not compile.
    """
    return Version(reference=name, bundle=mappings.bundle_of(name), mapping=mappings.load(name))


def of_bundle(bundle: Bundle, reference: str) -> Version:
    """A version from its texts.

    Raises:
        MappingError: It does not compile.
    """
    return Version(reference=reference, bundle=bundle, mapping=mappings.compile_bundle(bundle))


def of_kept(kept: Kept, reference: str) -> Version:
    """A version that the store keeps.

    Raises:
        MappingError: This release of the hub cannot compile it any more.
    """
    try:
        return Version(reference=reference, bundle=kept.texts, mapping=compiled(kept.mapping, kept.bundle))
    except MappingError as error:
        error.add_note(f"{reference} was kept on {kept.kept_on}; this release of the hub cannot compile it any more")
        raise


def kept_version(connection: Connection, reference: str) -> Kept:
    """The kept version that `system/entity@...` means, whether it still compiles or not.

    Raises:
        ConfigurationError: There is none, or there are several; the message lists what there is.
    """
    name, _, which = reference.partition("@")
    kept = mapping_versions.all_versions(connection, name)
    if not kept:
        raise ConfigurationError(f"no version of {name!r} was ever active; see billhub map versions")
    if which == "active":
        present = mapping_versions.active(connection, name)
        found = [present] if present else []
    elif _NUMBER.fullmatch(which):
        found = [each for each in kept if each.version == int(which)]
    elif _FINGERPRINT.fullmatch(which):
        found = [each for each in kept if each.fingerprint.startswith(which)]
    else:
        raise ConfigurationError(
            f"{name}@{which}: after @ comes `active`, a version, or 6 or more letters of a fingerprint"
        )
    if len(found) != 1:
        raise ConfigurationError(_ambiguous(f"{name}@{which}", found) if found else _unknown(name, which, kept))
    return found[0]


def _in_file(reference: str) -> Version:
    path = Path(reference)
    if not path.is_file():
        raise ConfigurationError(f"there is no file {reference}; a mapping file is FOLDER/system/entity.yaml")
    name = f"{path.resolve().parent.name}/{path.stem}"
    return of_bundle(gather(path.resolve().parent.parent, name), reference)


def _unknown(name: str, which: str, kept: list[Kept]) -> str:
    return f"there is no version {which} of {name}; kept are {_listed(kept)}"


def _ambiguous(reference: str, found: list[Kept]) -> str:
    first = found[0]
    return (
        f"{reference} may be {_listed(found)}, which differ in texts, tables or overlays; "
        f"name one by its fingerprint: {first.mapping}@{first.fingerprint[:12]}"
    )


def _listed(kept: list[Kept]) -> str:
    return ", ".join(f"{each.version} ({each.fingerprint[:12]})" for each in kept)
