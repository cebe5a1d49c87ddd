"""Writing a new connector from the files in `skeleton/`, in which `{{ name }}`, `{{ class_name }}` and `{{ title }}` are filled in."""

import json
import keyword
import re
from collections.abc import Iterator
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from billhub.cli import exits
from mappings import compile_file
from mappings.testing.fixtures import outcome, read_input

PLACES = {
    "connector_init.py": "connectors/NAME/__init__.py",
    "settings.py": "connectors/NAME/settings.py",
    "client.py": "connectors/NAME/client.py",
    "connector.py": "connectors/NAME/connector.py",
    "BEHAVIOR.md": "connectors/NAME/BEHAVIOR.md",
    "deliveries.yaml": "connectors/NAME/deliveries.yaml",
    "customer.yaml": "mappings/NAME/customer.yaml",
    "customer.full.in.json": "mappings/NAME/customer.full.in.json",
    "invoice.yaml": "mappings/NAME/invoice.yaml",
    "invoice.full.in.json": "mappings/NAME/invoice.full.in.json",
    "sandbox_init.py": "sandbox/NAME/__init__.py",
    "app.py": "sandbox/NAME/app.py",
    "Customer.csv": "sandbox/seed/NAME/Customer.csv",
    "test.py": "tests/connectors/test_NAME.py",
}
"""Where each file of the skeleton goes."""

RESERVED = {"tables", "schema", "schemas", "seed", "hub"}
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 30


def write_connector(name: str, root: Path) -> list[Path]:
    """Write all files of a new connector. Returns their paths, in order.

    Args:
        name: Of the connector.
        root: Folder that holds `connectors`, `mappings`, `sandbox` and `tests`.

    Raises:
        CommandError: The name cannot be used, or is in use; nothing was written.
    """
    _refuse_unusable(name)
    targets = {source: root / place.replace("NAME", name) for source, place in PLACES.items()}
    taken = [path for path in _would_touch(name, root) if path.exists()]
    if taken:
        raise exits.CommandError(f"{taken[0]} exists already; choose another name", exits.USAGE)
    for source, path in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(source, name), encoding="utf-8")
    expected = [_expected(path) for path in targets.values() if path.name.endswith(".in.json")]
    return [*targets.values(), *expected]


def _refuse_unusable(name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name in RESERVED or len(name) > LONGEST_NAME:
        raise exits.CommandError(
            f"{name!r} cannot be a connector's name: write up to {LONGEST_NAME} lower-case letters, digits and single underscores, beginning with a "
            f"letter, no word of Python, and none of {', '.join(sorted(RESERVED))}",
            exits.USAGE,
        )


def _would_touch(name: str, root: Path) -> Iterator[Path]:
    """Folders and modules of this name; a module beside a folder of the same name would hide one of them."""
    for room in ("connectors", "mappings", "sandbox", "sandbox/seed"):
        yield root / room / name
        yield root / room / f"{name}.py"
    yield root / "tests" / "connectors" / f"test_{name}.py"


def _filled(source: str, name: str) -> str:
    text = files("billhub.cli").joinpath("skeleton", f"{source}.j2").read_text("utf-8")
    words = name.split("_")
    class_name, title = "".join(word.capitalize() for word in words), " ".join(word.capitalize() for word in words)
    for placeholder, value in (("name", name), ("class_name", class_name), ("title", title)):
        text = text.replace(f"{{{{ {placeholder} }}}}", value)
    return _with_sorted_imports(text) if source.endswith(".py") else text


def _with_sorted_imports(text: str) -> str:
    """Where the new connector's own imports stand among the others depends on its name."""
    runs = groupby(text.splitlines(keepends=True), key=lambda line: line.startswith("from connectors"))
    return "".join(line for ours, run in runs for line in (sorted(run, key=_module) if ours else run))


def _module(line: str) -> str:
    return line.split()[1]


def _expected(given: Path) -> Path:
    """The fixture's outcome, as the new mapping gives it; a person reads it once and keeps it."""
    mapping = compile_file(given.with_name(f"{given.name.split('.')[0]}.yaml"))
    path = given.with_name(given.name.replace(".in.json", ".out.json"))
    text = json.dumps(outcome(mapping.apply(read_input(given))), indent=2, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")
    return path
