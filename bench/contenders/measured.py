"""Runs one contender in a process of its own and says what it took, as one line of JSON: seconds, and the peak of its memory in megabytes."""

import json
import resource
import sys
import time
from collections.abc import Callable


def report(work: Callable[[str, str], None], *, prepare: Callable[[str], None] | None = None) -> None:
    """Time `work(file, url)` with the arguments of the command line; imports, and tables made by `prepare(url)`, do not count."""
    file, url = sys.argv[1:3]
    if prepare:
        prepare(url)
    before = time.perf_counter()
    work(file, url)
    seconds = time.perf_counter() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak}) + "\n")
