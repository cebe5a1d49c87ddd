"""`billhub drift`: what sources give, or say they will give, that their contracts do not promise."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from billhub.cli import exits
from billhub.cli.exits import CommandError
from billhub.cli.options import Actor, AsJson, AsOf, Limit
from billhub.cli.output import complain, counted, heading, say, show_facts, show_json, show_table
from billhub.cli.session import opened

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from billhub.drift import Description
    from billhub.hub import Hub
    from billhub.store.drifts import KnownDrift

app = typer.Typer(help="Decide on records that do not keep the contract of their source.")

COLUMNS = ("Drift", "Source", "Kind", "Field", "Promised", "Found", "Value", "Records", "Policy", "State", "Seen on")

Number = Annotated[int, typer.Argument(metavar="DRIFT", help="Number, as drift list shows it.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the decision. Required.")]


@app.command("list")
def list_(
    state: Annotated[str, typer.Option(metavar="STATE", help="open, accepted, refused, settled or all.")] = "open",
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """List drift, one row for each cause, however many records have it.

    Example: billhub drift list --state all
    """
    from billhub.store import drifts
    from billhub.store.engine import reading

    with opened() as hub, reading(hub.engine) as connection:
        found = drifts.listed(connection, state=None if state == "all" else state, limit=limit)
        records = drifts.records(connection, [each.drift_id for each in found])
    if as_json:
        show_json([_data(each, records[each.drift_id]) for each in found])
    else:
        show_table(COLUMNS, [_row(each, records[each.drift_id]) for each in found], right=("Drift", "Records"))


@app.command()
def show(drift: Number, as_json: AsJson = False) -> None:
    """Show one drift: the offending value, the records that have it, what was promised, and who reads the field.

    Example: billhub drift show 7
    """
    from billhub.store import drifts
    from billhub.store.engine import reading

    with opened() as hub, reading(hub.engine) as connection:
        found = drifts.known(connection, drift)
        if found is None:
            raise CommandError(f"there is no drift {drift}; see billhub drift list --state all", exits.REFUSED)
        data = _data(found, drifts.records(connection, [drift])[drift]) | _context(connection, hub, found)
    if as_json:
        show_json(data)
        return
    show_facts({name.replace("_", " "): _told(value) for name, value in data.items()})
    if found.state == "open":
        say(f"Decide: billhub drift accept {drift} --reason TEXT, or billhub drift refuse {drift} --reason TEXT")


@app.command()
def accept(drift: Number, *, reason: Reason = "", as_of: AsOf = None, actor: Actor = None) -> None:
    """Accept drift: the records that wait for it go back to work, and later ones go on.

    The decision holds until the contract itself promises what was found. The next run maps the records.

    Example: billhub drift accept 7 --reason "the field is for marketing, no mapping reads it"
    """
    _decide(drift, accept=True, reason=reason, as_of=as_of, actor=actor)


@app.command()
def refuse(drift: Number, *, reason: Reason = "", as_of: AsOf = None, actor: Actor = None) -> None:
    """Refuse drift: records with it are refused until their source sends another version, or the decision is changed.

    Example: billhub drift refuse 7 --reason "amounts must be numbers; the CRM team puts the type back"
    """
    _decide(drift, accept=False, reason=reason, as_of=as_of, actor=actor)


@app.command()
def check(
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="Only this source, for example salesforce.")
    ] = None,
    *,
    as_json: AsJson = False,
    as_of: AsOf = None,
    actor: Actor = None,
) -> None:
    """Ask systems which fields they have, and report what does not fit before a record fails.

    Exit code 1 where something waits for a decision.

    Example: billhub drift check salesforce
    """
    from billhub import drift
    from billhub.flows import feeds

    asked = [feed for feed in feeds() if source in (None, feed.source)]
    if not asked:
        raise CommandError(f"no flow brings in anything from {source!r}; see dags/flows", exits.CONFIGURATION)
    with opened(as_of, actor) as hub:
        found = drift.check(hub, asked)
    silent = sorted({feed.source for feed in asked if not drift.can_describe(feed)})
    if as_json:
        show_json({"described": found, "cannot_describe": silent})
    else:
        _tell_check(found, silent)
    if any(row.state == "open" for each in found for row in each.found):
        raise typer.Exit(exits.FAILED)


def _decide(drift_id: int, *, accept: bool, reason: str, **session: Any) -> None:
    from billhub import drift
    from billhub.store.engine import transaction

    with opened(session["as_of"], session["actor"]) as hub, transaction(hub.engine) as connection:
        moved = drift.decide(connection, hub, drift_id, accept=accept, reason=reason)
    names = {"new": "back to work", "quarantined": "quarantined", "refused": "refused"}
    told = (
        counted({names[state]: count for state, count in moved.items()}) if any(moved.values()) else "none had waited"
    )
    say(f"drift {drift_id} {'accepted' if accept else 'refused'}; records: {told}")


def _context(connection: "Connection", hub: "Hub", row: "KnownDrift") -> dict[str, Any]:
    """What the row itself does not say: who reads the field, and some records."""
    from billhub.store import drifts
    from mappings.expectations import readers

    mapping = hub.mapping(f"{row.source}/{row.entity}")
    return {
        "mapping": f"{mapping.name} version {mapping.version}",
        "read_by": readers(mapping.definition, row.path),
        "ignored_because": mapping.ignored.get(row.path),
        "examples": drifts.examples(connection, row.drift_id),
    }


def _data(row: "KnownDrift", records: Mapping[str, int]) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in row.__struct_fields__}, "records": records}


def _row(row: "KnownDrift", records: Mapping[str, int]) -> tuple[object, ...]:
    what = (row.kind, row.path, row.expected, row.found, row.sample)
    return (
        row.drift_id,
        f"{row.source}/{row.entity}",
        *what,
        sum(records.values()),
        row.policy,
        row.state,
        row.last_seen_on,
    )


def _told(value: object) -> object:
    if isinstance(value, Mapping):
        return counted(value) if value else "none"
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else value


def _tell_check(found: "Sequence[Description]", silent: Sequence[str]) -> None:
    for each in found:
        heading(f"{each.source}/{each.entity}")
        if each.is_first:
            beside = (
                f"{len(each.unread)} fields that no record holds" if each.unread else "no field beside those we read"
            )
            say(f"asked for the first time: {beside}; later ones will be reported as new")
        if each.found:
            show_table((*COLUMNS[:7], "State"), [(*_row(row, {})[:7], row.state) for row in each.found])
        else:
            say("as promised")
    for name in silent:
        complain(f"{name} cannot describe its fields: drift shows only on its records", style="yellow")
