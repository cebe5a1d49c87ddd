"""`python -m bench.mapping_speed [RECORDS] [MAPPING...]`: each compiled mapping beside its hand-written function, on the same records."""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

import mappings
from bench.handwritten import FUNCTIONS
from bench.records import records

RECORDS, ROUNDS, BLOCK = 100_000, 7, 500
AIM = 0.95


class Speed(NamedTuple):
    """What was measured of one mapping.

    Attributes:
        mapping: Its name.
        ours: Records a second of the compiled mapping, median over the rounds.
        theirs: Records a second of the hand-written function.
        ratio: Median over the rounds of ours to theirs in the same round.
    """

    mapping: str
    ours: float
    theirs: float
    ratio: float


def main(arguments: Sequence[str]) -> None:
    """Measure and print; RECORDS is the number for each mapping."""
    number = int(arguments[0]) if arguments else RECORDS
    found = [measured(name, number) for name in arguments[1:] or mappings.names()]
    table = Table(title=f"{number:,} records of 2 kB, medians of {ROUNDS} interleaved rounds")
    for column in ("mapping", "compiled/s", "hand-written/s", f"ratio (aim {AIM})"):
        table.add_column(column, justify="left" if column == "mapping" else "right")
    for each in found:
        style = None if each.ratio >= AIM else "red"
        table.add_row(each.mapping, f"{each.ours:,.0f}", f"{each.theirs:,.0f}", f"{each.ratio:.2f}", style=style)
    Console().print(table)


def measured(name: str, number: int) -> Speed:
    """The speed of one mapping over `number` records: in each round both go through all of them, block by block in turn."""
    ours, theirs = mappings.load(name).apply, FUNCTIONS[name]
    spent = [{ours: 0.0, theirs: 0.0} for _ in range(ROUNDS)]
    for block in _blocks(records(name, number)):
        for place, times in enumerate(spent):
            for function in (ours, theirs) if place % 2 else (theirs, ours):
                times[function] += _time(function, block)
    return Speed(
        mapping=name,
        ours=statistics.median(number / times[ours] for times in spent),
        theirs=statistics.median(number / times[theirs] for times in spent),
        ratio=statistics.median(times[theirs] / times[ours] for times in spent),
    )


def _blocks(source: Iterator[Any]) -> Iterator[list[Any]]:
    while block := list(islice(source, BLOCK)):
        yield block


def _time(function: Callable[[Any], Any], block: list[Any]) -> float:
    gc.collect()
    before = time.perf_counter()
    for record in block:
        function(record)
    return time.perf_counter() - before


if __name__ == "__main__":
    main(sys.argv[1:])
