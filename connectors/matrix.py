"""The capability matrix, generated from what each connector declares: `python -m connectors.matrix [--check]`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from connectors import registry
from connectors.contract import Capabilities

FILE = Path(__file__).parent.parent / "docs" / "connectors.md"
_HEAD = """# Connectors

Generated from the capabilities that each connector declares (`make generate`). How a vendor behaves, with the source of each fact, stands in the
`BEHAVIOR.md` of its folder.

| connector | reads | writes | other roles | cursor | records a call | one effect by | window (s) | at once | a second |
|---|---|---|---|---|---|---|---|---|---|
"""


def render() -> str:
    """The whole page."""
    rows = "".join(_row(registry.capabilities(name)) for name in registry.names())
    return _HEAD + rows


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with `--check` say whether it is up to date (exit 1 when not)."""
    page = render()
    if "--check" not in arguments:
        FILE.write_text(page, encoding="utf-8")
        return 0
    if FILE.exists() and FILE.read_text(encoding="utf-8") == page:
        return 0
    sys.stderr.write(f"{FILE.name} is not up to date: run make generate\n")
    return 1


def _row(found: Capabilities) -> str:
    keys = sorted({str(each) for each in found.idempotency.values()})
    cells = (
        found.system,
        ", ".join(found.reads),
        ", ".join(found.writes),
        ", ".join(found.roles),
        "yes" if found.incremental else "",
        str(found.bulk_size),
        "; ".join(keys),
        str(found.in_flight_window or ""),
        str(found.concurrency),
        str(found.requests_per_second or ""),
    )
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
