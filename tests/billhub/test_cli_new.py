"""`billhub new connector`: the skeleton is sound as it is written."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import billhub
from billhub.cli import app
from billhub.cli.scaffold import PLACES

PROJECT = Path(billhub.__file__).parent.parent
NAME = "zoho_books"  # its imports stand behind those of `connectors.settings`, those of others before
WRITTEN = [place.replace("NAME", NAME) for place in PLACES.values()]
PYTHON = [place for place in WRITTEN if place.endswith(".py")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a connector stands on, with a new connector in it."""
    root = tmp_path_factory.mktemp("project")
    leave_out = shutil.ignore_patterns("__pycache__", "seed")
    for room in ("connectors", "mappings", "sandbox", "canonical_model"):
        shutil.copytree(PROJECT / room, root / room, ignore=leave_out)
    shutil.copy(PROJECT / "pyproject.toml", root)
    (root / "tests" / "connectors").mkdir(parents=True)
    shutil.copy(PROJECT / "tests" / "connectors" / "conftest.py", root / "tests" / "connectors")
    result = CliRunner().invoke(app, ["new", "connector", NAME, "--root", str(root)])
    assert result.exit_code == 0, result.output
    return root


@pytest.fixture
def in_project(project: Path) -> Callable[..., str]:
    """Runs a module of Python in the project; its own packages come before the installed ones."""

    def run(*arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(project)}
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_everything_is_written(project: Path) -> None:
    assert [place for place in WRITTEN if not (project / place).is_file()] == []
    assert sorted(path.name for path in (project / "mappings" / NAME).iterdir()) == [
        "customer.full.in.json",
        "customer.full.out.json",
        "customer.yaml",
        "invoice.full.in.json",
        "invoice.full.out.json",
        "invoice.yaml",
    ]


def test_no_placeholder_is_left(project: Path) -> None:
    assert [place for place in WRITTEN if "{{" in (project / place).read_text("utf-8")] == []


def test_its_own_test_passes_with_the_whole_conformance_kit(in_project: Callable[..., str]) -> None:
    output = in_project("pytest", "-p", "no:cacheprovider", "-v", f"tests/connectors/test_{NAME}.py")
    assert " passed" in output


@pytest.mark.parametrize("command", [("check", "--no-cache"), ("format", "--check", "--no-cache")])
def test_it_is_lint_clean(in_project: Callable[..., str], command: tuple[str, ...]) -> None:
    in_project("ruff", *command, *PYTHON)


def test_it_is_typed(in_project: Callable[..., str], tmp_path: Path) -> None:
    packages = ["-p", f"connectors.{NAME}", "-p", f"sandbox.{NAME}"]
    output = in_project("mypy", "--strict", "--follow-imports=silent", "--cache-dir", str(tmp_path), *packages)
    assert "Success" in output


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Acme",
        "1acme",
        "acme-billing",
        "_acme",
        "acme__x",
        "acme_",
        "class",
        "tables",
        "seed",
        "a" * 31,
        "../acme",
        "hub",
    ],
)
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    result = refused(tmp_path, name)
    assert "cannot be a connector's name" in result.stderr


@pytest.mark.parametrize(
    "taken", ["connectors/acme", "mappings/acme", "sandbox/acme", "connectors/acme.py", "tests/connectors/test_acme.py"]
)
def test_an_existing_name_is_refused_and_nothing_is_changed(tmp_path: Path, taken: str) -> None:
    path = tmp_path / taken
    path.parent.mkdir(parents=True)
    path.write_text("mine") if path.suffix else path.mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert f"{path} exists already" in refused(tmp_path, "acme").stderr
    assert sorted(tmp_path.rglob("*")) == before


def refused(root: Path, name: str) -> Any:
    result = CliRunner().invoke(app, ["new", "connector", name, "--root", str(root)])
    assert result.exit_code == 2, result.output
    return result
