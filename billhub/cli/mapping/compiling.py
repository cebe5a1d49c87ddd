"""What a mapping is compiled to."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from billhub.cli.options import AsJson
from billhub.cli.output import say, show_json

if TYPE_CHECKING:
    from mappings import CompiledMapping


def compile_(
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="Name, for example salesforce/account.")],
    *,
    show: Annotated[bool, typer.Option("--show", help="Print the Python function that maps records.")] = False,
    careful: Annotated[
        bool, typer.Option("--careful", help="Print the function that notes every problem of a record.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compile a mapping and say how many rules it has, with its overlays on it as well; all faults come at once, with file, line and field.

    Example: billhub map compile salesforce/account --show
    """
    import mappings

    variants = mappings.load(mapping).variants
    if as_json:
        show_json([_facts(each) for each in variants])
    elif show or careful:
        sys.stdout.write("\n\n".join(_code(each, careful=careful) for each in variants))
    else:
        for each in variants:
            facts = _facts(each)
            overlays = f" with {', '.join(facts['overlays'])}" if facts["overlays"] else ""
            say(
                f"{each.name}{overlays}: version {each.version}, {facts['rules']} rules, fingerprint {each.fingerprint}"
            )


def _facts(mapping: "CompiledMapping") -> dict[str, Any]:
    from mappings.language.walking import all_rules

    rules = list(all_rules(mapping.definition.root))
    files = {rule.head.mark.file for rule in rules} - {f"{mapping.name}.yaml"}
    return {
        "mapping": mapping.name,
        "version": mapping.version,
        "fingerprint": mapping.fingerprint,
        "overlays": sorted(files),
        "rules": len(rules) - 1,  # the root is no rule of its own
    }


def _code(mapping: "CompiledMapping", *, careful: bool) -> str:
    overlays = _facts(mapping)["overlays"]
    title = f"# with {', '.join(overlays)}\n" if overlays else ""
    return title + (mapping.careful_text if careful else mapping.source_text)
