"""Whether mappings keep to their fixtures, what the fixtures catch, and fixtures made of records that have come in."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from billhub.cli.exits import CommandError
from billhub.cli.options import AsJson
from billhub.cli.output import heading, say, show_json, show_table
from billhub.cli.session import opened

if TYPE_CHECKING:
    from billhub.cli.mapping.recording import Recorded
    from mappings.testing.fixtures import Difference
    from mappings.testing.mutations import Score

Names = Annotated[list[str] | None, typer.Argument(metavar="MAPPING...", help="Only these.", show_default=False)]
Update = Annotated[
    bool,
    typer.Option("--update", help="Then write the outcomes that differ or are not there as the mapping gives them."),
]
AtLeast = Annotated[
    int,
    typer.Option(min=0, max=100, metavar="PERCENT", help="End with 1 when the fixtures of a mapping catch less."),
]
Id = Annotated[
    str | None,
    typer.Argument(metavar="ID", help="Of the record in its source; its newest version.", show_default=False),
]
Case = Annotated[str, typer.Option(metavar="NAME", help="Of the fixture: small letters, digits and _.")]
LandedId = Annotated[
    int | None,
    typer.Option(metavar="N", help="Instead of ID: a landed record by its number in the store.", show_default=False),
]
To = Annotated[
    Path | None,
    typer.Option(metavar="DIR", file_okay=False, help="Instead of the mapping's folder.", show_default=False),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH", help="A source path that is not personal, items as []. Repeatable.", show_default=False
    ),
]
Salt = Annotated[
    str | None,
    typer.Option(
        envvar="HUB_MASK_SALT",
        metavar="SECRET",
        help="Gives one value the same mask in every fixture. Default: a new one, thrown away.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the fixture if it is there.")]


def check_fixtures(names: Names = None, *, update: Update = False, as_json: AsJson = False) -> None:
    """Run the fixtures beside the mappings; ends with 1 when a mapping does not give what its fixture says.

    Each difference is shown with the rule that made the field and its line.

    Example: billhub map test salesforce/account
    """
    import mappings
    from mappings.testing.fixtures import run_fixtures, update_fixtures

    found = {name: run_fixtures(name) for name in names or mappings.names()}
    written = {name: update_fixtures(name) for name, differences in found.items() if update and differences}
    if as_json:
        show_json([_told(name, differences, written.get(name, [])) for name, differences in found.items()])
    else:
        for name, differences in found.items():
            _tell_fixtures(name, differences, written.get(name, []))
    _require_sound({name: run_fixtures(name) if name in written else found[name] for name in found})
    if not as_json:
        say(f"all fixtures of {len(found)} mappings hold", style="green")


def _told(name: str, differences: "list[Difference]", written: list[Path]) -> dict[str, Any]:
    from mappings.testing.fixtures import cases

    counts = {"mapping": name, "fixtures": len(cases(name))}
    return {**counts, "differences": differences, "written": [path.name for path in written]}


def _require_sound(found: "Mapping[str, list[Difference]]") -> None:
    broken = [name for name, differences in found.items() if differences]
    if broken:
        fixtures = {(name, each.case) for name in broken for each in found[name]}
        count = sum(len(found[name]) for name in broken)
        raise CommandError(
            f"{len(broken)} of {len(found)} mappings do not keep to their fixtures: "
            f"{count} differences in {len(fixtures)} fixtures"
        )


def _tell_fixtures(name: str, differences: "list[Difference]", written: list[Path]) -> None:
    from billhub.cli.mapping.differing import tell_differences
    from mappings.testing.fixtures import cases

    broken = ", broken" if differences else ""
    say(f"{name}: {len(cases(name))} fixtures{broken}", style="red" if differences else None)
    tell_differences(differences)
    for path in written:
        say(f"  wrote {path.name}", style="yellow")


def mutate(names: Names = None, *, at_least: AtLeast = 0, as_json: AsJson = False) -> None:
    """Change the rules of mappings one by one and report which changes no fixture catches.

    A change is caught when a fixture gets another document, or problems in other fields. Changes that the compiler refuses are not counted.

    Example: billhub map mutate salesforce/account --at-least 80
    """
    import mappings
    from mappings.testing import mutations

    scores = [mutations.mutate(name) for name in names or mappings.names()]
    if as_json:
        show_json([_score(each) for each in scores])
    else:
        rows = [(each.mapping, each.total, each.caught, f"{each.percent} %", each.refused) for each in scores]
        numbers = ("Mutants", "Caught", "Share", "Refused by the compiler")
        show_table(("Mapping", *numbers), rows, right=numbers)
        _tell_survivors(scores)
    below = [f"{each.mapping} ({each.percent} %)" for each in scores if each.percent < at_least]
    if below:
        raise CommandError(
            f"the fixtures catch less than {at_least} % of the mutants of {', '.join(below)}; add fixtures that notice the ones above"
        )


def _score(score: "Score") -> dict[str, Any]:
    counts = {"mapping": score.mapping, "mutants": score.total, "caught": score.caught, "percent": score.percent}
    return {**counts, "refused": score.refused, "survivors": score.survivors}


def _tell_survivors(scores: "list[Score]") -> None:
    survivors = [each for score in scores for each in score.survivors]
    if survivors:
        heading("No fixture notices")
    for each in survivors:
        say(f"{each.origin}: {each.field or 'the record'} {each.change} [{each.operator}]", style="yellow")
    total = sum(score.total for score in scores)
    say(f"{total - len(survivors)} of {total} mutants are caught")


def record(  # noqa: PLR0913 - one parameter for each choice on the command line
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="Name, for example salesforce/account.")],
    external_id: Id = None,
    *,
    case: Case,
    landed_id: LandedId = None,
    to: To = None,
    keep: Keep = None,
    salt: Salt = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make a fixture of a record that has come in, with personal data masked, and of what the mapping makes of it.

    Every text and number is masked, read or not, unless the mapping knows it as a code, date, number or entry of a map.

    Example: billhub map record salesforce/account A-0001 --case recycle_bin
    """
    from billhub.cli.mapping.recording import Recording, write_fixture

    paths = tuple(keep or ())
    wanted = Recording(
        mapping=mapping, case=case, external_id=external_id, landed_id=landed_id, folder=to, keep=paths, salt=salt
    )
    with opened() as hub:
        written = write_fixture(hub.engine, wanted, force=force)
    if as_json:
        show_json(written)
    else:
        _tell_recorded(written)


def _tell_recorded(written: "Recorded") -> None:
    for file in written.files:
        say(f"wrote {file}", style="green")
    masked = [(path, f"masked ({count})") for path, count in written.masked.items()]
    kept = [(path, f"kept: {why}") for path, why in written.kept.items()]
    show_table(("Source path", "What became of it"), [*masked, *kept])
    say("look through the fixture before you commit it: what is kept was found by rule, not by reading")
