"""What the whole suite shares: tests that need something outside say so by a marker, and where it must be there, a skip is a failure."""

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

NEEDS = {
    "spec": ("HUB_SPEC_DIR", "the folder of the vendors' official contracts"),
    "postgres": ("HUB_TEST_POSTGRES_URL", "a PostgreSQL server to make schemas in"),
    "services": ("HUB_TEST_SERVICES", "PostgreSQL and Redis for a whole Airflow cluster"),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, (variable, what) in NEEDS.items():
        if item.get_closest_marker(marker) and not os.environ.get(variable):
            pytest.skip(f"{variable} is not set: {what}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With HUB_TEST_ALL=1 (CI) a skipped test of these markers counts as a failure."""
    report = yield
    if report.skipped and os.environ.get("HUB_TEST_ALL") and any(item.get_closest_marker(marker) for marker in NEEDS):
        report.outcome = "failed"
        report.longrepr = f"skipped, and HUB_TEST_ALL is set: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """No test sees another's settings, nor those of the person who runs it."""
    kept = dict(os.environ)
    for name in list(os.environ):
        if name.startswith("AIRFLOW_CONN_BILLHUB") or name in {
            "HUB_DATABASE_URL",
            "HUB_STATE_DIR",
            "HUB_AS_OF",
            "HUB_POLICY_FILE",
            "HUB_ACTOR",
        }:
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture
def account_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder `salesforce` of a mappings folder that holds one mapping, `salesforce/account`, and two fixtures of it."""
    from mappings import catalogue

    folder = tmp_path / "shipped" / "salesforce"
    folder.mkdir(parents=True)
    shutil.copytree(catalogue.ROOT / "tables", folder.parent / "tables")
    fixtures = (f"account.{case}.{end}.json" for case in ("full", "problems") for end in ("in", "out"))
    for file in ("account.yaml", *fixtures):
        shutil.copy(catalogue.ROOT / "salesforce" / file, folder / file)
    monkeypatch.setattr(catalogue, "ROOT", folder.parent)
    catalogue.load.cache_clear()
    yield folder
    catalogue.load.cache_clear()
