"""The hub's steps from landing to release: records a second of each, and what share of a plain loop's pace that is."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import plain
from bench.orders import raw_orders
from billhub import release, sync
from billhub.flows import Feed
from billhub.hub import Hub, open_hub
from billhub.store import landed
from billhub.store.engine import transaction
from canonical_model.encoding import encode
from connectors.contract import Page, RawRecord

FEED = Feed(source="online_retail", entity="order", document="order")


def compare(number: int, rounds: int) -> None:
    """Run all rounds interleaved and print the medians."""
    records = list(raw_orders(number))
    bodies = [encode(record.body).decode() for record in records]
    os.environ["AIRFLOW_CONN_BILLHUB_TAX_TABLE"] = '{"conn_type": "billhub_tax_table"}'
    taken = [_round(records, bodies) for _ in range(rounds)]
    table = Table(
        title=f"{number:,} orders to release, medians of {rounds} interleaved rounds, SQLite with full durability"
    )
    for name in ("step", "records/s", "share of the plain loop's pace"):
        table.add_column(name, justify="left" if name == "step" else "right")
    for step in taken[0]:
        pace = statistics.median(number / each[step] for each in taken)
        ratio = statistics.median(each["plain loop"] / each[step] for each in taken)
        table.add_row(step, f"{pace:,.0f}", f"{ratio:.3f}")
    Console().print(table)


def _round(records: list[RawRecord], bodies: list[str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        times = {"plain loop": _timed(lambda: plain.run(bodies, Path(folder) / "plain.sqlite"))}
        hub = open_hub(as_of=date(2011, 7, 1), actor="bench", url=f"sqlite:///{folder}/hub.sqlite")
        for step, work in _steps(hub, records).items():
            times[step] = _timed(work)
        hub.close()
    times["end to end"] = sum(spent for step, spent in times.items() if step != "plain loop")
    return times


def _steps(hub: Hub, records: list[RawRecord]) -> dict[str, Callable[[], object]]:
    return {
        "land": lambda: _land(hub, records),
        "map, check, commit": lambda: [sync.map_batch(hub, FEED, batch) for batch in sync.batches(hub, FEED)],
        "plan drafts": lambda: release.plan(hub),
        "check drafts": lambda: [release.check_batch(hub, batch) for batch in release.batches(hub, ("draft",))],
        "tax": lambda: [release.tax_batch(hub, batch) for batch in release.batches(hub, ("checked",))],
        "approval policy": lambda: release.route_approvals(hub),
        "number, release, write intents": lambda: release.release_ready(hub),
    }


def _land(hub: Hub, records: list[RawRecord]) -> None:
    for start in range(0, len(records), 1000):
        page = Page(records=tuple(records[start : start + 1000]), cursor=str(start), has_more=True)
        with transaction(hub.engine) as connection:
            landed.land(connection, FEED.source, FEED.entity, page)


def _timed(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return time.perf_counter() - before
