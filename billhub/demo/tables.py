"""Tables of the completeness control for people."""

from collections.abc import Sequence

from rich.table import Table

from billhub.reconcile import Completeness, Count, Volume


def completeness_table(rows: Sequence[Completeness]) -> Table:
    """What came in and where it is, by legal entity and currency."""
    table = Table(
        title="Completeness by legal entity and currency: net before rounding, documents and lines in brackets"
    )
    left = ("entity", "currency")
    right = (
        "came in",
        "released",
        "awaiting approval",
        "held",
        "rejected",
        "difference",
        "rounding",
        "tax",
        "gross released",
    )
    for name in (*left, *right):
        table.add_column(name, justify="left" if name in left else "right")
    for row in rows:
        volumes = (row.came_in, row.released, row.awaiting, row.held, row.rejected, row.difference)
        money = (f"{row.rounding:,f}", f"{row.tax:,f}", f"{row.gross:,f}")
        table.add_row(row.legal_entity or "?", row.currency, *(_cell(volume) for volume in volumes), *money)
    return table


def counts_table(counts: Sequence[Count]) -> Table:
    """Our confirmed deliveries beside each target's own count."""
    table = Table(title="What the targets hold, counted on their side")
    for name in ("target", "record", "ours", "theirs", "equal"):
        table.add_column(name, justify="left" if name in {"target", "record"} else "right")
    for row in counts:
        table.add_row(
            row.target, row.entity, f"{row.ours:,}", f"{row.theirs:,}", "yes" if row.ours == row.theirs else "NO"
        )
    return table


def _cell(volume: Volume) -> str:
    return f"{volume.amount:,f}\n({volume.documents:,} / {volume.lines:,})"
