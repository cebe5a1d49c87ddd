"""docker-compose.yaml as Compose reads it, without an engine."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class ComposeFile:
    """The file, and what its services would be given."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text()
        self.content: Mapping[str, Any] = yaml.safe_load(self.text)
        self.services: Mapping[str, Mapping[str, Any]] = self.content["services"]

    def variables(self) -> set[tuple[str, str | None]]:
        """Every variable with its kind: `?` required, `-` with a default, None neither."""
        return {(found["name"], found["kind"]) for text in _texts(self.content) for found in VARIABLE.finditer(text)}

    def environment(self, service: str, given: Mapping[str, str]) -> dict[str, str]:
        return {name: _filled(str(value), given) for name, value in self.services[service]["environment"].items()}

    def health_command(self, service: str) -> list[str]:
        kind, *rest = self.services[service]["healthcheck"]["test"]
        return rest if kind == "CMD" else ["sh", "-c", rest[0].replace("$$", "$")]


@pytest.fixture(scope="session")
def compose() -> ComposeFile:
    return ComposeFile(ROOT / "docker-compose.yaml")


def _filled(text: str, given: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        default = found["rest"] if found["kind"] == "-" else ""
        return given.get(found["name"]) or default or f"unset-{found['name']}"

    return VARIABLE.sub(value, text)


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from (*_texts(key), *_texts(value))
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
