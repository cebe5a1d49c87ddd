"""Processes of the demonstration: started in order, always ended with everything they started, also on Ctrl-C."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

STOP_SECONDS = 10


@contextmanager
def running(command: Sequence[str], *, env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One process with its own process group, its output in `log`; ended with all its descendants when the block ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            list(command),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole tree to stop, then make it. Only processes that this one started are touched."""
    with suppress(psutil.NoSuchProcess):
        tree = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        for each in tree:
            with suppress(psutil.NoSuchProcess):
                each.terminate()
        _, alive = psutil.wait_procs(tree, timeout=STOP_SECONDS)
        for each in alive:
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()
