"""A mapping file as typed, immutable rules."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from mappings.files.tables import Table
from mappings.files.yaml_source import Mark


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value is read.

    Attributes:
        text: As written; `$.` reads from the record, else from the nearest `each` item.
        steps: Keys from the start.
        at_root: Whether it starts at the record.
        full: From the record, items as `[]`, for example `OrderItems[].Quantity`.
    """

    text: str
    steps: tuple[str, ...]
    at_root: bool
    full: str


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A simple comparison.

    Attributes:
        path: What is compared.
        test: `equals`, `in` or `present`.
        value: What it is compared with.
    """

    path: Path
    test: str
    value: Any


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One named transform with its argument, if it takes one.

    Attributes:
        name: Its name in `mappings.runtime.transforms.TRANSFORMS`.
        argument: A path to be read, a condition to be tested, a table, a constant, or None.
    """

    name: str
    argument: Path | Condition | Table | str | int | None = None


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What all rules have.

    Attributes:
        field: Path in the target, items as `[]`.
        mark: File and line.
        version: Version of that file: the mapping's own, or that of the overlay the rule comes from.
        required: Whether an empty result is a problem.
        default: Used for an empty result; None for no default.
        reason: Why the default or constant is right, or the field absent.
    """

    field: str
    mark: Mark
    version: int
    required: bool
    default: str | int | Any = None
    reason: str | None = None


class From(msgspec.Struct, frozen=True):
    """Read one value, then refine it."""

    head: Head
    path: Path
    uses: tuple[Use, ...]
    choices: Mapping[str, str] | None


class Lookup(msgspec.Struct, frozen=True):
    """Find a row by the first key that is present, then refine the column's value.

    With a `scope`, the legal entity whose rows come first is read there.
    """

    head: Head
    table: Table
    column: str
    keys: tuple[Path, ...]
    uses: tuple[Use, ...]
    choices: Mapping[str, str] | None
    scope: Path | None = None


class Const(msgspec.Struct, frozen=True):
    """Always the same value."""

    head: Head
    value: Any


class Index(msgspec.Struct, frozen=True):
    """Position of the item in its `each`, from 1."""

    head: Head


class Absent(msgspec.Struct, frozen=True):
    """Said to be left out."""

    head: Head


class Concat(msgspec.Struct, frozen=True):
    """Texts joined; empty parts are skipped."""

    head: Head
    parts: "tuple[Rule, ...]"
    separator: str
    uses: tuple[Use, ...]


class Arithmetic(msgspec.Struct, frozen=True):
    """Numbers or money added, subtracted or multiplied, exactly; an empty part that may be empty is left out."""

    head: Head
    operation: Literal["add", "subtract", "multiply"]
    parts: "tuple[Rule, ...]"
    uses: tuple[Use, ...]


class When(msgspec.Struct, frozen=True):
    """One of two rules."""

    head: Head
    condition: Condition
    then: "Rule"
    otherwise: "Rule"


class Object(msgspec.Struct, frozen=True):
    """Fields of a nested object, read from the same place."""

    head: Head
    fields: "Mapping[str, Rule]"
    refusals: tuple[tuple[Condition, str], ...] = ()


class Each(msgspec.Struct, frozen=True):
    """One object per item of a source list."""

    head: Head
    path: Path
    body: Object
    sort: str | None


class ListOf(msgspec.Struct, frozen=True):
    """A list written out; an `each` in it contributes all its items."""

    head: Head
    parts: "tuple[Rule, ...]"


Rule = From | Lookup | Const | Index | Absent | Concat | Arithmetic | When | Object | Each | ListOf
Leaf = From | Lookup | Const | Index | Concat | Arithmetic


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A whole mapping.

    Attributes:
        name: `system/entity`.
        version: Raised with every change of meaning.
        inbound: Whether the target is a canonical document.
        entity: The canonical entity: the target's when inbound, else the source's.
        root: The target.
        paths: All source paths it reads, full, with where each stands.
        ignored: Source paths that it leaves aside on purpose, with the reason.
        ignored_marks: Where each of these stands.
        inputs: Names beside the entity that an outbound record may hold.
        system: Source system.
        schema: Name of the source schema.
        schema_version: Its version.
        owner: Who answers for the mapping.
    """

    name: str
    version: int
    inbound: bool
    entity: str
    root: Object
    paths: dict[str, Mark]
    ignored: dict[str, str]
    ignored_marks: dict[str, Mark]
    inputs: tuple[str, ...]
    system: str
    schema: str
    schema_version: str
    owner: str
