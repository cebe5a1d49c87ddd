"""Small mapping files written on the spot."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest

from mappings import CompiledMapping, compile_file

Make = Callable[..., CompiledMapping]

_INBOUND = """\
mapping: crm/thing
version: 3
direction: inbound
source: {{system: crm, entity: thing, schema: {{name: thing, version: v1}}}}
target: {{entity: {entity}}}
owner: tests
"""
_OUTBOUND = """\
mapping: crm/thing
version: 3
direction: outbound
source: {system: hub, entity: invoice, schema: {name: Invoice, version: "1"}, inputs: [context]}
target: {system: crm, entity: thing}
owner: tests
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the text as mapping file `crm/thing.yaml`."""

    def write_text(text: str) -> Path:
        path = tmp_path / "crm" / "thing.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    return write_text


@pytest.fixture
def outbound(write: Callable[[str], Path]) -> Make:
    """Compiles these fields as a mapping of an invoice, beside it `context`; the fields begin on line 8."""
    return lambda fields, extra="": compile_file(write(f"{_OUTBOUND}{extra}fields:\n{_indented(fields)}"))


@pytest.fixture
def inbound(write: Callable[[str], Path]) -> Make:
    """Compiles these fields as a mapping to a canonical entity; the fields begin on line 8."""

    def make(fields: str, entity: str = "erp_contract", extra: str = "") -> CompiledMapping:
        return compile_file(write(f"{_INBOUND.format(entity=entity)}{extra}fields:\n{_indented(fields)}"))

    return make


def _indented(fields: str) -> str:
    return indent(dedent(fields), "  ")
