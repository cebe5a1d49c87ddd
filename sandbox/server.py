"""The supervisor: one child process per stand-in, none of which outlives it.

A child holds the read end of a pipe whose write end only the supervisor has. However the supervisor
ends, kill -9 included, the kernel closes that end and the child leaves at once. On Linux the child
also asks for SIGKILL at its parent's death, which covers a write end that a fork of the parent still
holds. Nothing is lost by leaving at once: `Storage` is durable with every answered request.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import IO

Endpoints = Mapping[str, str]
"""Base URL by endpoint name, e.g. {"avatax": "http://127.0.0.1:40123"}; without a final slash."""

PACKAGE = Path(__file__).parent
DEFAULT_SEED = PACKAGE / "seed"
DEFAULT_AS_OF = date(2026, 1, 15)
START_SECONDS = 60.0
STOP_SECONDS = 5.0


class SandboxError(Exception):
    """A stand-in did not start, or ended by itself."""


@dataclass(frozen=True)
class Child:
    """A running stand-in."""

    system: str
    process: subprocess.Popen[bytes]
    log: Path


def known_systems() -> list[str]:
    """Return the names of all systems: the folders that hold an `app.py`, sorted."""
    return sorted(path.parent.name for path in PACKAGE.glob("*/app.py"))


@contextmanager
def serve(
    state_dir: Path,
    *,
    systems: Sequence[str] | None = None,
    seed_dir: Path | None = None,
    as_of: date = DEFAULT_AS_OF,
) -> Iterator[Endpoints]:
    """Run stand-ins until the block ends.

    Args:
        state_dir: Folder for `<system>.sqlite`, `<system>.log` and `endpoints.json`; made if missing.
            State found there is continued.
        systems: Names of the systems; None means all.
        seed_dir: Root of the seed folders, read where a system has no state yet; None means the
            seed that comes with the sandbox.
        as_of: The day on which the stand-ins live.

    Yields:
        The endpoints, once all systems answer.

    Raises:
        SandboxError: A system is unknown or did not start; the message ends with its log.
    """
    with start(state_dir, systems=systems, seed_dir=seed_dir, as_of=as_of) as (endpoints, _):
        yield endpoints


@contextmanager
def start(
    state_dir: Path,
    *,
    systems: Sequence[str] | None = None,
    seed_dir: Path | None = None,
    as_of: date = DEFAULT_AS_OF,
) -> Iterator[tuple[Endpoints, Sequence[Child]]]:
    """Do what `serve` does and also hand out the child processes, for a caller that watches them."""
    names = known_systems() if systems is None else list(systems)
    if unknown := sorted(set(names) - set(known_systems())):
        raise SandboxError(f"no such system: {', '.join(unknown)}; known: {', '.join(known_systems())}")
    state = Path(state_dir).resolve()
    state.mkdir(parents=True, exist_ok=True)
    options = ["--state", str(state), "--seed", str(seed_dir or DEFAULT_SEED), "--as-of", as_of.isoformat()]
    with ExitStack() as stack:
        children = [stack.enter_context(_child(name, state, options)) for name in names]
        endpoints = _wait_until_ready(children)
        _write_atomically(state / "endpoints.json", json.dumps(endpoints, indent=2) + "\n")
        yield MappingProxyType(endpoints), children


@contextmanager
def _child(system: str, state: Path, options: Sequence[str]) -> Iterator[Child]:
    command = [sys.executable, "-m", "sandbox", "run", system, *options]
    if threading.current_thread() is threading.main_thread():
        # The death signal goes by the thread that started the child, so only the main thread's counts.
        command += ["--parent", str(os.getpid())]
    log = state / f"{system}.log"
    with log.open("ab") as log_file:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log_file,
            env=_child_environment(),
            # Ctrl-C shall reach the supervisor alone; the children follow when it ends.
            start_new_session=True,
        )
    try:
        yield Child(system, process, log)
    finally:
        _end(process)


def _child_environment() -> dict[str, str]:
    paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def _end(process: subprocess.Popen[bytes]) -> None:
    _pipe(process.stdin).close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _pipe(process.stdout).close()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the child was started without pipes")
    return stream


def _wait_until_ready(children: Sequence[Child]) -> dict[str, str]:
    deadline = time.monotonic() + START_SECONDS
    endpoints: dict[str, str] = {}
    for child in children:
        endpoints.update(_read_report(child, deadline - time.monotonic()))
    return endpoints


def _read_report(child: Child, seconds: float) -> dict[str, str]:
    output = _pipe(child.process.stdout)
    ready, _, _ = select.select([output], [], [], max(0.0, seconds))
    line = output.readline() if ready else b""
    if not line:
        reason = "ended" if ready else f"was not ready after {START_SECONDS:.0f} s"
        raise SandboxError(f"{child.system} {reason}; its log {child.log} ends with:\n{_tail(child.log)}")
    report: dict[str, str] = json.loads(line)
    return report


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def _write_atomically(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
