"""The demonstration itself: whole, twice on one state, and never leaving a process behind."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

BILLHUB = str(Path(sys.executable).with_name("billhub"))
LIMIT = 600

pytestmark = [pytest.mark.demo, pytest.mark.xdist_group("airflow")]


def demo(state: Path) -> str:
    done = subprocess.run(
        [BILLHUB, "demo", "--state", str(state)], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_main_job_runs_and_a_second_run_finds_nothing_to_do(tmp_path: Path) -> None:
    first = flat(demo(tmp_path))
    assert "net 120,000.00 USD, regional tax 8 % = 9,600.00 USD, total 129,600.00 USD; state delivered" in first
    assert "Over the year: 518,400.00 USD" in first
    assert "refused (403): olive created invoice C-000001_2026-01-01" in first
    assert "Control: everything is accounted for" in first
    assert "netsuite invoice +158" in first
    assert "mailbox +156" in first
    second = flat(demo(tmp_path))
    assert "New objects in the targets since the start of this run, by their own count: none" in second
    assert "Control: everything is accounted for" in second


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_stopping_it_leaves_no_process_behind(tmp_path: Path, stop: signal.Signals) -> None:
    process = subprocess.Popen(
        [BILLHUB, "demo", "--state", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    tree = psutil.Process(process.pid)
    try:
        endpoints = tmp_path / "sandbox" / "endpoints.json"
        log = tmp_path / "airflow" / "scheduler.log"
        wait_until(lambda: endpoints.exists() and log.exists() and process.poll() is None)
        children = tree.children(recursive=True)
        assert len(json.loads(endpoints.read_text())) >= 6
        assert len(children) >= 8
        process.send_signal(stop)
        process.wait(LIMIT)
        _, alive = psutil.wait_procs(children, timeout=30)
        assert alive == []
    finally:
        process.kill()


def wait_until(true: object) -> None:
    deadline = time.monotonic() + LIMIT
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)
