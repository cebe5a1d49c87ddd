"""Runs one contender in a process of its own and says what it took, as one line of JSON: seconds, and the peak of its memory in megabytes."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path


def report(work: Callable[[str, str], None], *, prepare: Callable[[str], None] | None = None) -> None:
    """Time `work(file, url)` with the arguments of the command line; imports, and tables made by `prepare(url)`, do not count."""
    file, url = sys.argv[1:3]
    if prepare:
        prepare(url)
    before = time.perf_counter()
    work(file, url)
    seconds = time.perf_counter() - before
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": _peak_mb()}) + "\n")


def _peak_mb() -> float:
    """The peak of this program alone; what getrusage says begins with that of the process that started it."""
    [line] = [line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024
