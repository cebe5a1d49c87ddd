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

RECORDS, ROUNDS, BLOCK = 100_000, 7, 100
AIM = 0.95

Function = Callable[[Any], Any]


class Speed(NamedTuple):
    """What was measured of one mapping; medians over the rounds.

    Attributes:
        mapping: Its name.
        ours: Records that the compiled mapping maps in a second of processor time.
        theirs: Records that the hand-written function maps.
        ratio: Ours to theirs: the median of the blocks of a round, each of which both map one right after the other.
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
    gc.collect()
    gc.freeze()  # so that collecting what a block leaves behind takes no time
    found = [measured(name, number, rounds) for name in names or mappings.names()]
    gc.unfreeze()
    table = Table(title=f"{number:,} records of 2 kB for each mapping, medians of {rounds} interleaved rounds")
    for column in ("mapping", "compiled/s", "hand-written/s", f"ratio (aim {AIM})"):
        table.add_column(column, justify="left" if column == "mapping" else "right")
    for each in found:
        style = None if each.ratio >= AIM else "red"
        table.add_row(each.mapping, f"{each.ours:,.0f}", f"{each.theirs:,.0f}", f"{each.ratio:.2f}", style=style)
    Console().print(table)
    return found


def measured(name: str, number: int, rounds: int) -> Speed:
    """The speed of one mapping; each round has its own share of the records."""
    functions, source = (mappings.load(name).apply, FUNCTIONS[name]), bodies(name, number)
    found = [_round(list(islice(source, number // rounds)), functions, reading(name)) for _ in range(rounds)]
    return Speed(name, *(statistics.median(figures) for figures in zip(*found, strict=True)))


def _round(texts: list[str], functions: tuple[Function, Function], read: Function) -> tuple[float, float, float]:
    """Records a second of both functions, and the ratio; the one that goes first changes from block to block."""
    times = []
    for number, start in enumerate(range(0, len(texts), BLOCK)):
        spent = {}
        for function in functions if number % 2 else reversed(functions):
            block = [read(text) for text in texts[start : start + BLOCK]]  # each has its own, down to the texts
            spent[function] = _time(function, block) / len(block)
        times.append([spent[function] for function in functions])
    ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    return 1 / ours, 1 / theirs, statistics.median(hand / compiled for compiled, hand in times)


def _time(function: Function, block: list[Any]) -> float:
    gc.collect()
    before = time.process_time()
    for record in block:
        function(record)
    return time.process_time() - before


if __name__ == "__main__":
    main(sys.argv[1:])
