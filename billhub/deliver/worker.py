"""Who holds a lease: a process on a host. One that is known to be dead does not make others wait for its lease to end."""

import hashlib
import os
import secrets
import socket
from functools import cache
from pathlib import Path

import psutil

_NAMESPACE = Path("/proc/self/ns/pid")


def worker_name() -> str:
    """This process, as it is written into a lease (at most 80 characters): place, process id, and a token no later process has."""
    return f"{_place()}/{os.getpid()}/{_token(os.getpid())}"


def is_dead(worker: str) -> bool:
    """Whether a lease's holder is certainly gone: it was in this place, and no such process runs any more.

    A process that happens to have the same id counts as alive, and the lease is waited for: start times cannot tell the two apart, because they
    move when the clock is set.
    """
    place, pid, _ = worker.rsplit("/", 2)
    if place != _place():
        return False
    if int(pid) == os.getpid():
        return worker != worker_name()
    try:
        return bool(psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _place() -> str:
    """Where process ids mean the same: host and process namespace, because containers may share the name of their host."""
    host = socket.gethostname()
    namespace = _NAMESPACE.stat().st_ino if _NAMESPACE.exists() else 0
    return f"{host[:40]}-{hashlib.sha256(f'{host}/{namespace}'.encode()).hexdigest()[:12]}"


@cache
def _token(_pid: int) -> str:
    # Bound to the process id, so that a forked process does not go by its parent's name.
    return secrets.token_hex(4)
