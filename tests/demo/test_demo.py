"""The demonstration itself: whole, twice on one state, and never leaving a process behind."""

import json
import re
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


def demo(state: Path, *more: str) -> str:
    done = subprocess.run(
        [BILLHUB, "demo", "--state", str(state), *more], capture_output=True, text=True, timeout=LIMIT, check=False
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


def test_orders_of_a_file_run_through_the_same_flow(tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text(ORDERS)
    shown = flat(demo(tmp_path / "state", "--input", str(orders)))
    assert "UK │ GBP │ 46.60 │ 28.60 │ 0 │ 18.00 │ 0.00 │ 0.00" in shown
    assert "(5 / 6) │ (3 / 4) │ (0 / 0) │ (1 / 1) │ (1 / 1)" in shown
    assert "netsuite customer +2, netsuite invoice +2, netsuite creditMemo +1" in shown
    assert "Control: everything is accounted for" in shown
    assert re.search(r"6 lines, [\d,]+ lines/s over all of it; peak memory of the largest process \d+ MB", shown)


ORDERS = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
536370,22728,ALARM CLOCK BAKELIKE PINK,2,2010-12-01 08:45:00,3.75,12583.0,France
C536379,D,Discount,-1,2010-12-01 09:41:00,14.54,17850.0,United Kingdom
536414,22139,,56,2010-12-01 11:52:00,0.0,,United Kingdom
536544,21773,DECORATIVE ROSE BATHROOM BOTTLE,4,2010-12-01 14:32:00,4.50,,United Kingdom
"""


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
