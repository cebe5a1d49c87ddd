"""Changing a mapping safely: which versions there are, what a new one would do to past traffic, making it active, and going back."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

import shlex
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from billhub.cli import exits
from billhub.cli.exits import CommandError
from billhub.cli.options import Actor, AsJson, AsOf
from billhub.cli.output import say, show_json
from billhub.cli.session import opened

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from billhub.promotion import Diff, Version

Name = Annotated[str, typer.Argument(metavar="MAPPING", help="Name, for example salesforce/account.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit. Required.")]
Remap = Annotated[
    bool, typer.Option("--remap", help="Put the records concerned back to work; the next sync maps them again.")
]


def versions(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="MAPPING...", help="Only these.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the versions of mappings: active, retired, and drafts, which stand in the files and were never active.

    Example: billhub map versions salesforce/account
    """
    from billhub import promotion
    from billhub.cli.mapping.effects import show_versions
    from billhub.store.engine import reading

    with opened() as hub, reading(hub.engine) as connection:
        found = promotion.versions(connection, names)
    if as_json:
        show_json(found)
    else:
        show_versions(found)


def diff(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            help="Version: NAME@active, NAME@2, NAME@3fa9c1 (fingerprint), NAME (as on disk) or a YAML file.",
        ),
    ],
    new: Annotated[
        str | None,
        typer.Argument(metavar="[NEW]", help="Default: OLD is compared with the active version.", show_default=False),
    ] = None,
    *,
    sample: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Look only at so many records, always the same ones.", show_default=False
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="List every record and field that would change.")] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Show what a change would do to past traffic: every record, field, invoice and amount. Writes nothing.

    Example: billhub map diff salesforce/account
    """
    from billhub import promotion
    from billhub.cli.mapping.effects import JsonWriter, tell, tell_change
    from billhub.store.engine import reading

    with opened(as_of) as hub, reading(hub.engine) as connection:
        compared = _compared(connection, old, new)
        if as_json:
            with JsonWriter() as writer:
                writer.end(promotion.diff(connection, hub, compared, sample=sample, see=writer.write))
            return
        result = promotion.diff(connection, hub, compared, sample=sample, see=tell_change if everything else None)
    tell(result)


def promote(
    mapping: Name,
    *,
    reason: Reason = "",
    diff: Annotated[
        str | None,
        typer.Option("--diff", metavar="HASH", help="Of the diff that was looked at. Required.", show_default=False),
    ] = None,
    remap: Remap = False,
    as_of: AsOf = None,
    actor: Actor = None,
) -> None:
    """Make the mapping as its files stand the active version.

    It must compile, keep to its fixtures and have a new version number, and its effect must be the one that was looked at: without --diff the effect
    is shown, and nothing is changed.

    Example: billhub map promote salesforce/account --reason "billing e-mail moved" --diff HASH
    """
    from billhub import promotion
    from billhub.cli.mapping.effects import tell

    _require(reason)
    with opened(as_of, actor) as hub:
        new = promotion.on_disk(mapping)
        try:
            done = promotion.promote(hub, new, reason=reason, seen=diff, again=remap)
        except promotion.EffectNotSeenError as error:
            tell(error.diff)
            command = _command(error.diff, reason=reason, remap=remap, as_of=as_of)
            raise CommandError(
                f"{error}\nnothing was changed; when the effect is as it should be: {command}", exits.REFUSED
            ) from None
    say(f"{mapping}: version {new.number} ({new.fingerprint[:12]}) is active, promoted by {hub.actor}", style="green")
    if remap:
        say(f"{done.remapped} records wait to be mapped again")


def rollback(
    mapping: Name,
    *,
    reason: Reason = "",
    to: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Version or beginning of a fingerprint. Default: the one that was active before.",
            show_default=False,
        ),
    ] = None,
    remap: Remap = False,
    as_of: AsOf = None,
    actor: Actor = None,
) -> None:
    """Make an earlier version of a mapping the active one again; nothing is deleted.

    Example: billhub map rollback salesforce/account --reason "e-mails were lost" --remap
    """
    from billhub import promotion

    _require(reason)
    with opened(as_of, actor) as hub:
        done = promotion.roll_back(hub, mapping, reason=reason, to=to, again=remap)
    say(f"{mapping}: version {done.new.number} ({done.new.fingerprint[:12]}) is active again", style="green")
    if remap:
        say(f"{done.remapped} records wait to be mapped again")


def _compared(connection: "Connection", old: str, new: str | None) -> "tuple[Version, Version]":
    """The two versions that are meant; a single one is compared with the active one of its mapping."""
    from billhub import promotion

    first = promotion.resolve(connection, old)
    if new is None:
        return promotion.resolve(connection, f"{first.name}@active"), first
    return first, promotion.resolve(connection, new)


def _require(reason: str) -> None:
    if not reason.strip():
        raise typer.BadParameter("say why; it is kept in the audit", param_hint="--reason")


def _command(seen: "Diff", *, reason: str, remap: bool, as_of: date | None) -> str:
    """What to type next."""
    words = ["billhub", "map", "promote", seen.mapping, "--reason", reason, "--diff", seen.hash]
    words += ["--remap"] if remap else []
    words += ["--as-of", as_of.isoformat()] if as_of else []
    return shlex.join(words)
