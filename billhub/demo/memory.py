"""Peak memory of everything the demonstration runs, as the kernel counts it for each process."""

import re
from pathlib import Path

import psutil

_HIGH_WATER = re.compile(r"VmHWM:\s+(\d+) kB")


class Peaks:
    """The largest process seen, over all samples."""

    def __init__(self) -> None:
        self.largest_mb = 0

    def sample(self) -> None:
        """Look at this process and all it started, directly or not; each tells its own highest mark so far."""
        own = psutil.Process()
        for process in (own, *own.children(recursive=True)):
            self.largest_mb = max(self.largest_mb, _peak_mb(process.pid))


def _peak_mb(pid: int) -> int:
    try:
        found = _HIGH_WATER.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:  # it ended meanwhile, or this system has no /proc
        return 0
    return int(found[1]) // 1024 if found else 0
