"""A first mapping for a new source, drafted from sample records."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from billhub.cli.exits import USAGE, CommandError
from billhub.cli.options import AsJson
from billhub.cli.output import complain, say, show_json

if TYPE_CHECKING:
    from mappings.drafting import Draft

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)

Sample = Annotated[
    Path,
    typer.Option(
        "--from", dir_okay=False, metavar="FILE", help="Sample records: JSON, JSON lines, or CSV with a header."
    ),
]
Target = Annotated[str, typer.Option("--to", metavar="ENTITY", help="Canonical document, for example invoice.")]
System = Annotated[str, typer.Option(metavar="NAME", help="Default: how the file's name begins.", show_default=False)]
Entity = Annotated[str, typer.Option(metavar="NAME", help="Default: how the file's name goes on.", show_default=False)]
Owner = Annotated[
    str, typer.Option(metavar="TEAM", help="Who answers for it. Default: still to be said.", show_default=False)
]
Out = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        metavar="FILE",
        help="Write it here instead of to the screen; nothing is overwritten.",
        show_default=False,
    ),
]
Threshold = Annotated[float, typer.Option(min=0.5, max=1, help="Confidence from which a rule is proposed.")]


def new(  # noqa: PLR0913 - one parameter for each choice on the command line
    sample: Sample,
    target: Target,
    *,
    system: System = "",
    entity: Entity = "",
    owner: Owner = "",
    threshold: Threshold = 0.6,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Draft a mapping from sample records: rules where names, types and values say enough, else a todo, which the compiler refuses.

    Example: billhub map new --from xero_invoice.json --to invoice --out mappings/xero/invoice.yaml
    """
    from mappings.drafting import Source, as_data, draft, read_samples, write

    names = _names(sample, system, entity or _entity_of(sample) or target)
    source = Source(system=names[0], entity=names[1], schema=sample.name, owner=owner)
    drafted = draft(read_samples(sample), source, _known(target), threshold=threshold)
    if out:
        _write(out, write(drafted))
    if as_json:
        show_json(as_data(drafted))
    elif out:
        say(f"wrote {out}")
    else:
        sys.stdout.write(write(drafted))
    _tell(drafted)


def _known(entity: str) -> str:
    from mappings.language.canonical import ENTITIES

    if entity not in ENTITIES:
        raise CommandError(
            f"there is no canonical document {entity!r} for --to; there are {', '.join(ENTITIES)}", USAGE
        )
    return entity


def _names(sample: Path, system: str, entity: str) -> tuple[str, str]:
    """System and entity of the source, as the file's name or the options say them."""
    names = (system or _plain(sample.stem).partition("_")[0] or "source", entity)
    for option, name in zip(("--system", "--entity"), names, strict=True):
        if not _NAME.fullmatch(name):
            raise CommandError(
                f"{name!r} cannot be a name in a mapping; say {option} in small letters, digits and _", USAGE
            )
    return names


def _entity_of(sample: Path) -> str:
    return _plain(_plain(sample.stem).partition("_")[2])


def _plain(name: str) -> str:
    """A name as mappings have them, as far as there is one in it."""
    return re.sub(r"^[0-9_]+|_+$", "", re.sub(r"[^a-z0-9]+", "_", name.lower()))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CommandError(f"{path} exists already and stays as it is; name another file with --out", USAGE) from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}; name another file with --out") from error


def _tell(drafted: "Draft") -> None:
    undecided = sum(each.undecided for each in drafted.leaves)
    decided, left = len(drafted.leaves) - undecided, len(drafted.unread)
    complain(
        f"{decided} fields have a rule, {undecided} wait for a decision; {left} source paths are read by no rule",
        style="yellow",
    )
    for path in drafted.seen.unreadable:
        complain(
            f"no path can say {path!r}: have the connector rename its keys to letters, digits and _", style="yellow"
        )
