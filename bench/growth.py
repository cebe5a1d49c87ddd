"""How cost and memory grow with the number of records: is the memory flat, and is the pace?"""

import json
import subprocess
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.ingest import CONTENDERS, HUB, PEERS, PROGRAMS, Took, orders, run

PLOT = Path(__file__).parent.parent / "docs" / "images" / "bench-growth.svg"


def grow(sizes: list[int]) -> None:
    """Run every contender on SQLite with each number of records, print pace and peak memory, and draw the plot."""
    there = [each for each in CONTENDERS if not each.is_peer or PEERS.exists()]
    taken: dict[str, list[tuple[int, Took]]] = {each.name: [] for each in there}
    for size in sizes:
        with orders(size) as file:
            for each in there:
                taken[each.name].append((size, run(each, file, None)))
    Console().print(_table(sizes, taken))
    (fewer, before), (most, last) = taken[HUB.name][-2:]
    more = last.peak_mb / before.peak_mb - 1
    Console().print(f"the hub's peak memory from {fewer:,} to {most:,} records: {more:+.1%} (aim: within 5 %)")
    _draw(taken)


def _table(sizes: list[int], taken: dict[str, list[tuple[int, Took]]]) -> Table:
    table = Table(title="records/s and peak MB by number of records, SQLite", title_justify="left")
    table.add_column("contender")
    for size in sizes:
        table.add_column(f"{size:,}", justify="right")
    for name, points in taken.items():
        table.add_row(name, *(f"{size / took.seconds:,.0f}/s {took.peak_mb:,.0f} MB" for size, took in points))
    return table


def _draw(taken: dict[str, list[tuple[int, Took]]]) -> None:
    if not PEERS.exists():
        Console().print("no plot: it is drawn with what make bench sets up")
        return
    series = {name: [(size, took.seconds, took.peak_mb) for size, took in points] for name, points in taken.items()}
    subprocess.run([str(PEERS), str(PROGRAMS / "plot.py"), str(PLOT)], input=json.dumps(series), text=True, check=True)
    Console().print(f"drawn: {PLOT.parent.name}/{PLOT.name}")
