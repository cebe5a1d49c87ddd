"""Processes of the demonstration: started in order, always ended with everything they started, also on Ctrl-C."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

STOP_SECONDS = 10


@contextmanager
def running(command: Sequence[str], *, env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One process with its own session, its output in `log`; ended with all its descendants when the block ends."""
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
    """Ask all that it started to stop, then make them; nothing else is touched."""
    started = _started_by(process.pid)
    for each in started:
        with suppress(psutil.NoSuchProcess):
            each.terminate()
    _, alive = psutil.wait_procs(started, timeout=STOP_SECONDS)
    for each in alive:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()


def _started_by(pid: int) -> list[psutil.Process]:
    """A process and its descendants. They share its session, by which they are found even when those between have ended."""
    found = [each for each in psutil.process_iter() if _session(each.pid) == pid]
    with suppress(psutil.NoSuchProcess):
        found += [each for each in psutil.Process(pid).children(recursive=True) if each not in found]
    return found


def _session(pid: int) -> int | None:
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(pid)
    return None
