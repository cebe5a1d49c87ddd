"""`billhub reconcile`: is everything that came in accounted for, and do the targets have what we say?"""

from billhub.cli import exits
from billhub.cli.options import Actor, AsJson, AsOf


def reconcile(*, as_of: AsOf = None, actor: Actor = None, as_json: AsJson = False) -> None:
    """Show the completeness control and compare our deliveries with each target's own count; exit 1 when something differs.

    Example: billhub reconcile --as-of 2026-01-15
    """
    from billhub import reconcile as control  # noqa: PLC0415 - only what the command needs
    from billhub.cli.output import say, screen, show_json  # noqa: PLC0415
    from billhub.cli.session import opened  # noqa: PLC0415
    from billhub.demo.tables import completeness_table, counts_table  # noqa: PLC0415
    from billhub.store.engine import reading  # noqa: PLC0415

    with opened(as_of, actor) as hub, reading(hub.engine) as connection:
        rows, counts = control.completeness(connection, hub), control.counts(connection, hub)
    if as_json:
        show_json({"completeness": rows, "counts": counts})
    else:
        say(f"Business date {hub.as_of}")
        screen().print(completeness_table(rows), counts_table(counts))
    if not control.all_complete(rows) or any(each.ours != each.theirs for each in counts):
        raise exits.CommandError("something is not accounted for; see the differences above")
