"""The summary a finance person reads: what came in and where it is, what the targets hold by their own count, and what is left to do."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, case, func, select

from billhub import reconcile
from billhub.demo.systems import Holdings, trial_balance
from billhub.demo.tables import completeness_table, counts_table
from billhub.hub import Hub
from billhub.store import documents, invoices
from billhub.store.engine import reading
from billhub.store.schema import exceptions as exception_table
from billhub.store.schema import invoices as invoice_table
from canonical_model.contracts import Contract
from canonical_model.encoding import decode
from canonical_model.invoices import Invoice
from canonical_model.money import Money, total
from canonical_model.schedule import annual_value, billing_periods, instalments
from mappings import catalogue

WORKED_EXAMPLE = "C-000001"


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of the demonstration came to.

    Attributes:
        completeness: The control by legal entity and currency.
        counts: Our confirmed deliveries beside each target's own count.
        before: What the systems held at the start.
        after: What they hold now.
        receivables: Released and posted amounts beside NetSuite's own receivables.
        unreadable: Records that no mapping could read, so that they have no amount yet.
        worked_number: Number of its first invoice, or of the first invoice there is.
        worked_example: Lines about the contract of the worked example; empty where it is not there.
        exceptions: Open rows: category, owner, number, first deadline, next step.
        reported: Findings that hold nothing back, by category.
        trial_balance: NetSuite's own totals by subsidiary, currency and account.
        console_url: Where to look next.
    """

    completeness: list[reconcile.Completeness]
    counts: list[reconcile.Count]
    before: Holdings
    after: Holdings
    receivables: list[tuple[reconcile.Receivable, Decimal]]
    unreadable: list[str]
    worked_number: str
    worked_example: list[str]
    exceptions: list[tuple[str, str, int, str, str]]
    reported: Mapping[str, int]
    trial_balance: list[Mapping[str, Any]]
    console_url: str

    @property
    def is_good(self) -> bool:
        """Whether everything is accounted for, and the targets have what we say."""
        agreed = all(each.ours == each.theirs for each in self.counts)
        in_books = all(ours.posted == theirs for ours, theirs in self.receivables)
        return reconcile.all_complete(self.completeness) and agreed and in_books


def gather(hub: Hub, *, before: Holdings, after: Holdings, endpoints: Mapping[str, str], console_url: str) -> Summary:
    """Everything the summary shows, asked for once."""
    balance = trial_balance(endpoints)
    with reading(hub.engine) as connection:
        return Summary(
            receivables=_receivables(connection, hub, balance),
            unreadable=_unreadable(connection),
            completeness=reconcile.completeness(connection, hub),
            counts=reconcile.counts(connection, hub),
            before=before,
            after=after,
            worked_number=_worked_number(connection),
            worked_example=_worked_example(connection),
            exceptions=_open(connection),
            reported=_reported(connection),
            trial_balance=balance,
            console_url=console_url,
        )


def show(summary: Summary, console: Console) -> None:
    """Print the summary."""
    for line in summary.worked_example:
        console.print(line)
    console.print(completeness_table(summary.completeness))
    console.print(counts_table(summary.counts))
    console.print(_receivables_table(summary))
    console.print(_ledger_table(summary))
    console.print(_exceptions_table(summary))
    for record in summary.unreadable:
        console.print(f"Not in the amounts above, because it could not be read: {record}")
    for category, number in sorted(summary.reported.items()):
        console.print(f"Reported, holding nothing back: {category}: {number:,}")
    new = _difference(summary.before, summary.after)
    console.print(f"New objects in the targets since the start of this run, by their own count: {new or 'none'}")
    verdict = "[green]everything is accounted for" if summary.is_good else "[bold red]NOT everything is accounted for"
    console.print(f"Control: {verdict}.[/]")


def _worked_number(connection: Connection) -> str:
    of_example = case((invoice_table.c.source_id == WORKED_EXAMPLE, 0), else_=1)
    query = select(invoice_table.c.number).where(invoice_table.c.number.is_not(None))
    first = connection.execute(query.order_by(of_example, invoice_table.c.seq).limit(1)).scalar_one_or_none()
    return str(first or "NUMBER")


def _worked_example(connection: Connection) -> list[str]:
    stored = documents.load(connection, "contract", [WORKED_EXAMPLE], Contract).get(WORKED_EXAMPLE)
    if stored is None:
        return []
    parts = [
        total((part.net for part in instalments(stored, period)), stored.currency) for period in billing_periods(stored)
    ]
    lines = [
        f"[bold]Worked example, contract {stored.contract_id}[/]: {annual_value(stored)} a year, billed in {len(parts)} parts: "
        + ", ".join(str(part) for part in parts)
    ]
    row = invoices.find(connection, f"{stored.contract_id}_{stored.start_date}")
    if row is None or row["gross_minor"] is None:
        return lines
    invoice = decode(row["body"], Invoice)
    rate = sum((subtotal.rate for subtotal in invoice.tax_subtotals), Decimal(0))
    year = _year(invoice, parts)
    totals = invoice.totals
    lines.append(
        f"  First quarter, invoice {invoice.number or 'without number'} to {invoice.buyer.name}: net {totals.net}, regional tax "
        f"{rate.normalize():f} % = {totals.tax}, total {totals.payable}; state {row['state']}. Over the year: {year}."
    )
    return lines


def _receivables(
    connection: Connection, hub: Hub, balance: list[Mapping[str, Any]]
) -> list[tuple[reconcile.Receivable, Decimal]]:
    """Our receivables beside the balance of NetSuite's own account, by subsidiary and currency."""
    account = hub.policy.accounts["receivable"]
    theirs = {
        (str(row["subsidiary"]), row["currency"]): Decimal(str(row["debit"])) - Decimal(str(row["credit"]))
        for row in balance
        if row["account"] == account
    }
    subsidiaries = catalogue.table("netsuite_subsidiary").rows
    ours = reconcile.receivables(connection, hub)
    return [
        (each, theirs.get((subsidiaries[each.legal_entity]["internal_id"], each.currency), Decimal(0))) for each in ours
    ]


def _unreadable(connection: Connection) -> list[str]:
    query = (
        select(exception_table.c.subject_id, exception_table.c.message)
        .where(exception_table.c.state == "open", exception_table.c.subject_type == "record")
        .order_by(exception_table.c.subject_id)
    )
    return [f"{row.subject_id}: {row.message}" for row in connection.execute(query)]


def _year(invoice: Invoice, parts: list[Money]) -> Money:
    """All parts with tax at the rate of the first."""
    rate = sum((subtotal.rate for subtotal in invoice.tax_subtotals), Decimal(0)) / 100
    return total((part + (part * rate).rounded() for part in parts), invoice.currency)


def _open(connection: Connection) -> list[tuple[str, str, int, str, str]]:
    columns = (exception_table.c.category, exception_table.c.owner, exception_table.c.next_step)
    query = (
        select(*columns, func.count().label("number"), func.min(exception_table.c.deadline).label("deadline"))
        .where(exception_table.c.state == "open")
        .group_by(*columns)
        .order_by(exception_table.c.category)
    )
    return [(row.category, row.owner, row.number, row.deadline, row.next_step) for row in connection.execute(query)]


def _reported(connection: Connection) -> dict[str, int]:
    query = (
        select(exception_table.c.category, func.count())
        .where(exception_table.c.state == "reported")
        .group_by(exception_table.c.category)
    )
    return {category: number for category, number in connection.execute(query).tuples()}


def _receivables_table(summary: Summary) -> Table:
    table = Table(title="Receivables: what was released, what the books confirmed, what the books say themselves")
    for name in (
        "entity",
        "currency",
        "released",
        "posted",
        "not yet posted",
        "NetSuite account of receivables",
        "equal",
    ):
        table.add_column(name, justify="left" if name in {"entity", "currency"} else "right")
    for ours, theirs in summary.receivables:
        amounts = (ours.released, ours.posted, ours.released - ours.posted, theirs)
        equal = "yes" if ours.posted == theirs else "NO"
        table.add_row(ours.legal_entity, ours.currency, *(f"{amount:,f}" for amount in amounts), equal)
    return table


def _ledger_table(summary: Summary) -> Table:
    table = Table(title="NetSuite's own trial balance")
    for name in ("subsidiary", "currency", "account", "debit", "credit"):
        table.add_column(name, justify="right" if name in {"debit", "credit"} else "left")
    for row in summary.trial_balance:
        debit, credit = (f"{Decimal(str(row[name])):,f}" for name in ("debit", "credit"))
        table.add_row(str(row["subsidiary"]), str(row["currency"]), str(row["account"]), debit, credit)
    return table


def _exceptions_table(summary: Summary) -> Table:
    table = Table(title="Exceptions: who does what by when")
    for name in ("category", "number", "owner", "first deadline", "next step"):
        table.add_column(name, justify="right" if name == "number" else "left")
    for category, owner, number, deadline, next_step in summary.exceptions:
        table.add_row(category, f"{number:,}", owner, deadline, next_step)
    return table


def _difference(before: Holdings, after: Holdings) -> str:
    then, now = _flat(before), _flat(after)
    return ", ".join(f"{name} {now[name] - then[name]:+,}" for name in now if now[name] != then[name])


def _flat(holdings: Holdings) -> Counter[str]:
    flat: Counter[str] = Counter()
    for system, value in msgspec.structs.asdict(holdings).items():
        if isinstance(value, Mapping):
            flat.update({f"{system} {name}": number for name, number in value.items()})
        else:
            flat[system] = value
    return flat
