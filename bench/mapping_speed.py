"""`python -m bench.mapping_speed [RECORDS] [MAPPING...]`: each compiled mapping beside its hand-written function, on the same records."""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

import mappings
from bench.handwritten import FUNCTIONS
from bench.records import bodies, reading

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
    """Measure and print."""
    compare(int(arguments[0]) if arguments else RECORDS, ROUNDS, names=arguments[1:])


def compare(number: int, rounds: int, *, names: Sequence[str] = ()) -> list[Speed]:
    """Measure the mappings named, or all, over `number` records each, and print how they stand."""
    found = [measured(name, number, rounds) for name in names or mappings.names()]
    table = Table(title=f"{number:,} records of 2 kB for each mapping, medians of {rounds} interleaved rounds")
    for column in ("mapping", "compiled/s", "hand-written/s", f"ratio (aim {AIM})"):
        table.add_column(column, justify="left" if column == "mapping" else "right")
    for each in found:
        style = None if each.ratio >= AIM else "red"
        table.add_row(each.mapping, f"{each.ours:,.0f}", f"{each.theirs:,.0f}", f"{each.ratio:.2f}", style=style)
    Console().print(table)
    return found


def measured(name: str, number: int, rounds: int) -> Speed:
    """The speed of one mapping; each round has its own share of the records, which both go through block by block in turn."""
    ours, theirs = mappings.load(name).apply, FUNCTIONS[name]
    source, share = bodies(name, number), number // rounds
    times = [_round(list(islice(source, share)), (ours, theirs), reading(name)) for _ in range(rounds)]
    return Speed(
        mapping=name,
        ours=statistics.median(share / spent for spent, _ in times),
        theirs=statistics.median(share / spent for _, spent in times),
        ratio=statistics.median(hand / compiled for compiled, hand in times),
    )


def _round(
    texts: list[str], functions: tuple[Callable[[Any], Any], ...], read: Callable[[str], Any]
) -> tuple[float, ...]:
    """Seconds that each function takes; the one that goes first changes from block to block."""
    spent = dict.fromkeys(functions, 0.0)
    order = list(functions)
    for start in range(0, len(texts), BLOCK):
        for function in order:
            spent[function] += _time(function, [read(text) for text in texts[start : start + BLOCK]])
        order.reverse()
    return tuple(spent[function] for function in functions)


def _time(function: Callable[[Any], Any], block: list[Any]) -> float:
    gc.collect()
    before = time.perf_counter()
    for record in block:
        function(record)
    return time.perf_counter() - before


if __name__ == "__main__":
    main(sys.argv[1:])
