"""Small mapping files for tests."""

from pathlib import Path
from textwrap import dedent, indent

from mappings import CompiledMapping, compile_file

INBOUND = """\
mapping: crm/thing
version: 3
direction: inbound
source: {system: crm, entity: thing, schema: v1}
target: {entity: erp_contract}
owner: tests
"""
OUTBOUND = """\
mapping: crm/thing
version: 3
direction: outbound
source: {system: hub, entity: invoice, schema: canonical, inputs: [context]}
target: {system: crm, entity: thing}
owner: tests
"""
ERP_FIELDS = """\
contract_id: {from: number, transform: text}
customer_id: {from: customer, transform: text}
annual_value:
  fields:
    amount: {from: total, transform: decimal}
    currency: {const: USD}
purchase_order: {from: po, transform: text}
"""


def write(folder: Path, text: str) -> Path:
    """A mapping file."""
    path = folder / "crm" / "thing.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def outbound(folder: Path, fields: str, *, header: str = OUTBOUND) -> CompiledMapping:
    """An outbound mapping with these fields."""
    return compile_file(write(folder, f"{header}fields:\n{indent(dedent(fields), '  ')}"))


def inbound(folder: Path, fields: str = ERP_FIELDS, *, header: str = INBOUND) -> CompiledMapping:
    """An inbound mapping, of an ERP contract unless the header says otherwise, with these fields."""
    return outbound(folder, fields, header=header)
