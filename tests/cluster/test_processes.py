"""Processes of the demonstration end with the block that started them, and so does everything that they started."""

import sys
from pathlib import Path

import psutil
import pytest

from billhub.demo.processes import running

CHILD = "import time; time.sleep(600)"
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], **{{options}})
print(child.pid, flush=True)
{{then}}
"""


def _code(*, options: str = "{}", then: str = "time.sleep(600)") -> list[str]:
    return [sys.executable, "-c", PARENT.format(options=options, then=then)]


def _child(log: Path, process: psutil.Popen) -> psutil.Process:
    while not log.read_text().strip():
        assert process.poll() is None, "ended before it said which child it has"
    return psutil.Process(int(log.read_text()))


@pytest.mark.parametrize(
    "options", ["{}", "{'process_group': 0}", "{'start_new_session': True}"], ids=["plain", "own group", "own session"]
)
def test_descendants_end_with_the_block(options: str, tmp_path: Path) -> None:
    log = tmp_path / "parent.log"

    with running(_code(options=options), env={}, log=log) as process:
        child = _child(log, process)

    assert process.returncode is not None
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_orphans_end_with_the_block(tmp_path: Path) -> None:
    log = tmp_path / "parent.log"

    with running(_code(then="sys.exit(3)"), env={}, log=log) as process:
        process.wait()
        child = psutil.Process(int(log.read_text()))
        assert child.is_running()

    assert process.returncode == 3
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_they_end_when_the_block_fails(tmp_path: Path) -> None:
    started = []

    def interrupted() -> None:
        with running(_code(), env={}, log=tmp_path / "log") as process:
            started.append(process)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert started[0].returncode is not None
