"""Contracts beside their mappings: the one that a file states, or the one that a mapping without such a file implies."""

from collections.abc import Iterator
from pathlib import Path

from canonical_model.errors import MappingError
from mappings.files.contracts import ANYTHING, Contract, parent_of, read_contract
from mappings.files.faults import Fault, refusal
from mappings.files.yaml_source import Mark
from mappings.language.definition import Definition


def contract_file(root: Path, name: str) -> Path:
    """Where the contract of a mapping stands."""
    system, _, entity = name.partition("/")
    return root / system / "contracts" / f"{entity}.yaml"


def stated(root: Path, definition: Definition) -> Contract | None:
    """The contract in the file beside a mapping; None where there is no such file.

    Raises:
        MappingError: It is not sound, is about another schema than the mapping, or lacks a field that the mapping reads; all errors in one message.
    """
    path = contract_file(root, definition.name)
    if not path.is_file():
        return None
    contract = read_contract(definition.name, path.read_text("utf-8"))
    faults = list(_disagreements(contract, definition))
    if faults:
        raise refusal(definition.name, faults)
    return contract


def promised(root: Path, name: str) -> dict[str, str]:
    """The one type, besides null, that the source promises of a field, by path; nothing where it promises several, or there is no sound contract."""
    path = contract_file(root, name)
    try:
        fields = read_contract(name, path.read_text("utf-8")).fields if path.is_file() else {}
    except MappingError:
        return {}
    types = {at: [each for each in field.types if each != "null"] for at, field in fields.items()}
    return {at: found[0] for at, found in types.items() if len(found) == 1}


def implied(definition: Definition) -> Contract:
    """What a mapping without a contract file expects: the fields that it reads or ignores, of any type. Others are let through and reported."""
    paths = dict.fromkeys((*definition.paths, *definition.ignored))
    for path in tuple(paths):
        around = parent_of(path)
        while around:
            paths[around], around = None, parent_of(around)
    return Contract(
        name=definition.name,
        version=definition.version,
        schema=definition.schema,
        schema_version=definition.schema_version,
        owner=definition.owner,
        on={"new_field": "allow", "missing_field": "allow", "changed_type": "allow"},
        mark=Mark(f"{definition.name}.yaml", 1),
        fields=dict.fromkeys(paths, ANYTHING),
    )


def _disagreements(contract: Contract, definition: Definition) -> Iterator[Fault]:
    ours, theirs = (contract.schema, contract.schema_version), (definition.schema, definition.schema_version)
    if ours != theirs:
        message = f"is {', '.join(ours)}, but the mapping reads {', '.join(theirs)}; they must name the same schema"
        yield Fault(contract.mark, "schema", message)
    for path, mark in definition.paths.items():
        if not contract.covers(path):
            yield Fault(mark, path, f"is read here, but {contract.mark.file} does not list it; list it with its type")
