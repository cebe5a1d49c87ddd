"""A mapping as it stands for one legal entity and customer, with where each line comes from."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

import sys
from typing import Annotated

import typer

from billhub.cli.options import AsJson
from billhub.cli.output import show_json


def show(
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="Name, for example netsuite/invoice.")],
    *,
    legal_entity: Annotated[
        str | None, typer.Option(metavar="CODE", help="Lay on what is for this legal entity.", show_default=False)
    ] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="Lay on what is for this customer.", show_default=False)
    ] = None,
    origins: Annotated[
        bool, typer.Option("--origins", help="Say of every line where it comes from, not only of those of overlays.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print a mapping with its overlays laid on; lines of an overlay say file, line and version. Without comments it is the same mapping.

    Example: billhub map show netsuite/invoice --legal-entity UK
    """
    import mappings
    from billhub.cli.mapping.layered import layered, written

    bundle, chosen = mappings.bundle_of(mapping), {"legal_entity": legal_entity, "customer": customer}
    if as_json:
        show_json(layered(bundle, chosen))
    else:
        sys.stdout.write(written(bundle, chosen, all_origins=origins))
