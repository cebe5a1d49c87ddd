"""`billhub invoice`: the invoices and the whole story of one."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

from typing import Annotated

import typer

from billhub.cli.explaining import FieldPath, HtmlFile, only, tell_invoice, write_page
from billhub.cli.options import AsJson, Limit
from billhub.cli.output import show_json, show_table
from billhub.cli.session import opened

app = typer.Typer(help="Look at invoices.")

COLUMNS = ("Number", "Invoice", "Entity", "Customer", "Date", "State", "Net", "With tax")


@app.command("list")
def list_(
    state: Annotated[
        str | None,
        typer.Option(metavar="STATE", help="For example held, awaiting_approval or released.", show_default=False),
    ] = None,
    entity: Annotated[
        str | None, typer.Option(metavar="CODE", help="Legal entity, for example US.", show_default=False)
    ] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="Customer, for example A-0001.", show_default=False)
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List invoices, the latest first.

    Example: billhub invoice list --state held --entity US
    """
    from billhub.store import display
    from billhub.store.engine import reading

    with opened() as hub, reading(hub.engine) as connection:
        found = display.invoice_list(connection, limit=limit, state=state, legal_entity=entity, customer_id=customer)
    if as_json:
        show_json(found)
        return
    rows = [
        (
            each.number,
            each.invoice_id,
            each.legal_entity,
            each.customer_id,
            each.issue_date,
            each.state,
            each.net,
            each.gross,
        )
        for each in found
    ]
    show_table(COLUMNS, rows, right=("Net", "With tax"))


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="INVOICE", help="Number or canonical id.")], as_json: AsJson = False
) -> None:
    """Tell the whole story of one invoice, from contract to delivery.

    Lines and totals, the contract's billing schedule, the records and mappings it was made from, checks, tax by jurisdiction, approvals, postings,
    deliveries and the audit trail.

    Example: billhub invoice show US-000001
    """
    from billhub.cli.telling import tell
    from billhub.store.engine import reading
    from billhub.story import story

    with opened() as hub, reading(hub.engine) as connection:
        told = story(connection, hub, name)
    if as_json:
        show_json(told)
    else:
        tell(told)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="INVOICE", help="Number or canonical id.")],
    *,
    field: FieldPath = None,
    html: HtmlFile = None,
    as_json: AsJson = False,
) -> None:
    """Show how every field of one invoice came about: its rule, the document it rests on, and that field's way from the source.

    Rests on nothing but the store: the document versions that were used, the records as received, and the mapping versions of then. What cannot be
    confirmed by computing it anew is said on standard error.

    Example: billhub invoice explain US-000001 --field "lines[0].*"
    """
    import msgspec

    from billhub.explanation import invoice_page
    from billhub.store.engine import reading
    from billhub.story import explain as explain_invoice

    with opened() as hub, reading(hub.engine) as connection:
        whole = explain_invoice(connection, hub, name)
    explained = msgspec.structs.replace(whole, fields=only(whole.fields, field))
    if html:
        write_page(invoice_page(explained), html)
    if as_json:
        show_json(explained)
    elif not html:
        tell_invoice(explained)
