"""Who holds a lease: a process on a host. One that is known to be dead does not make others wait for its lease to end."""

import os
import socket

import psutil


def worker_name() -> str:
    """This process, as it is written into a lease: host, process id and start time."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def is_dead(worker: str) -> bool:
    """Whether a lease's holder is certainly gone: it was on this host, and no such process runs any more."""
    host, pid, started = worker.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        return f"{process.create_time():.2f}" != started or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
