"""The story of an invoice, written for a finance person."""

from collections import Counter
from decimal import Decimal

from billhub.cli.output import complain, counted, facts, heading, say, show_facts, show_table
from billhub.store.views import DeliveryView
from billhub.story import InvoiceStory, SchedulePeriod
from canonical_model.invoices import CREDIT_NOTE, InvoiceLine, TaxSubtotal
from canonical_model.money import Money


def tell(story: InvoiceStory) -> None:
    """All parts, in the order of the invoice's life."""
    for part in (
        _header,
        _lines,
        _totals,
        _schedule,
        _sources,
        _checks,
        _taxes,
        _approvals,
        _postings,
        _deliveries,
        _trail,
    ):
        part(story)


def _header(story: InvoiceStory) -> None:
    invoice = story.invoice
    kind = "Credit note" if invoice.document_type == CREDIT_NOTE else "Invoice"
    heading(f"{kind} {invoice.number or '(no number yet)'}")
    period = f"{invoice.period_start} to {invoice.period_end}" if invoice.period_start else None
    registration = f", {invoice.buyer.tax_id}" if invoice.buyer.tax_id else ""
    show_facts(
        {
            "State": story.state.replace("_", " "),
            "Seller": f"{invoice.seller.name} ({invoice.legal_entity})",
            "Buyer": f"{invoice.buyer.name} ({invoice.buyer.party_id}{registration})",
            "Date": invoice.issue_date,
            "Due": f"{invoice.due_date} ({invoice.payment_terms})",
            "Period": period,
            "Purchase order": invoice.purchase_order,
            "Contract": invoice.contract_id,
            "Order": invoice.order_id,
            "Identifier": invoice.invoice_id,
            "Created by": story.created_by,
            "Released on": story.released_on,
            "Content hash": story.content_hash,
        }
    )


def _lines(story: InvoiceStory) -> None:
    heading("Lines")
    rows = [_line(each) for each in story.invoice.lines]
    columns = ("Line", "Product", "Description", "Quantity", "Amount", "Discount", "Net", "Tax rate")
    show_table(columns, rows, right=("Quantity", "Amount", "Discount", "Net", "Tax rate"))


def _line(line: InvoiceLine) -> tuple[object, ...]:
    discount = sum((each.amount.amount for each in line.allowances), Decimal(0))
    before = Money(line.net.amount + discount, line.net.currency)
    shown = Money(discount, line.net.currency) if discount else None
    rate = None if line.tax_rate is None else _percent(line.tax_rate)
    return (
        line.line_id,
        line.product_code,
        line.description,
        f"{line.quantity.normalize():f}",
        before,
        shown,
        line.net,
        rate,
    )


def _totals(story: InvoiceStory) -> None:
    totals, invoice = story.invoice.totals, story.invoice
    heading("Totals")
    rows: list[tuple[str, object]] = [("Net", totals.net)]
    if invoice.tax_subtotals:
        rows += [(_tax_name(each), each.tax) for each in invoice.tax_subtotals]
        rows += [("With tax", totals.gross), ("Amount due", totals.payable)]
    else:
        rows.append(("Tax", "not decided yet"))
    show_table(("", invoice.currency), rows, right=(invoice.currency,))


def _tax_name(subtotal: TaxSubtotal) -> str:
    reason = f", {subtotal.exemption_reason}" if subtotal.exemption_reason else ""
    return f"Tax {_percent(subtotal.rate)} ({subtotal.category}{reason})"


def _schedule(story: InvoiceStory) -> None:
    schedule = story.schedule
    if schedule is None:
        return
    heading(f"Billing schedule of {schedule.contract_id}: {schedule.frequency}, {schedule.timing.replace('_', ' ')}")
    rows = [_period(each) for each in schedule.periods]
    rows.append(("", "", "", "", "One year", schedule.year, ""))
    rows.append(("", "", "", "", "Whole term", schedule.whole, ""))
    show_table(("", "Period", "From", "To", "May be billed from", "Net", "Invoice"), rows, right=("Period", "Net"))


def _period(each: SchedulePeriod) -> tuple[object, ...]:
    billed = f"{each.number or each.invoice_id}, {(each.state or '').replace('_', ' ')}" if each.invoice_id else ""
    return "->" if each.is_this else "", each.index + 1, each.start, each.end, each.due_on, each.net, billed


def _sources(story: InvoiceStory) -> None:
    heading("Made from")
    rows = [
        (
            each.document.replace("_", " "),
            f"{each.canonical_id}, version {each.document_version}",
            f"{each.source} {each.record} {each.external_id}",
            each.source_version,
            f"{each.mapping}, version {each.mapping_version}",
        )
        for each in story.sources
    ]
    show_table(("Document", "In the hub", "As received from", "Source version", "Mapping"), rows)


def _checks(story: InvoiceStory) -> None:
    heading(f"Checks: {counted(Counter(each.result for each in story.checks))}")
    notable = [(each.rule, each.result, each.text) for each in story.checks if each.result not in {"passed", "waiting"}]
    if notable:
        show_table(("Rule", "Result", "What it demands"), notable)
    if story.exceptions:
        columns = ("Exception", "Category", "State", "Opened", "Closed", "By", "What was wrong", "Resolution")
        rows = [
            (
                each.exception_id,
                each.category,
                each.state,
                each.opened_on,
                each.closed_on,
                each.closed_by,
                each.message,
                each.resolution,
            )
            for each in story.exceptions
        ]
        show_table(columns, rows)


def _taxes(story: InvoiceStory) -> None:
    heading(f"Tax, decided by {story.tax_engine}")
    if not story.invoice.tax_subtotals:
        say("not decided yet")
        return
    rows = [
        (each.jurisdiction, each.kind, each.name, _percent(each.rate * 100), each.taxable, each.tax)
        for each in story.taxes
    ]
    show_table(("Jurisdiction", "Kind", "Tax", "Rate", "On", "Amount"), rows, right=("Rate", "On", "Amount"))


def _approvals(story: InvoiceStory) -> None:
    heading("Approvals")
    if not story.approvals:
        say("none was needed" if story.released_on else "none asked for")
        return
    rows = [
        (
            each.state,
            each.reason,
            each.created_by,
            each.requested_on,
            each.decided_by,
            each.decided_on,
            each.comment,
            each.content_hash[:12],
        )
        for each in story.approvals
    ]
    show_table(("State", "Why", "Created by", "Asked on", "Decided by", "On", "Comment", "Content"), rows)


def _postings(story: InvoiceStory) -> None:
    heading("Postings")
    if not story.postings:
        say("none before its release")
    for each in story.postings:
        rows = [
            (
                line.account,
                line.memo,
                line.debit if line.debit.amount else None,
                line.credit if line.credit.amount else None,
            )
            for line in each.entry.lines
        ]
        title = f"{each.entry.memo}, {each.entry.posting_date}: {'balanced' if each.is_balanced else 'NOT BALANCED'}, {each.meaning}"
        show_table(("Account", "", "Debit", "Credit"), rows, title=title, right=("Debit", "Credit"))


def _deliveries(story: InvoiceStory) -> None:
    heading("Deliveries")
    if not story.deliveries:
        say("none before its release")
        return
    columns = ("Target", "What", "Key", "State", "Identifier there", "Attempts", "Mapping", "Answer or error")
    show_table(columns, [_delivery(each) for each in story.deliveries], right=("Attempts",))


def _delivery(each: DeliveryView) -> tuple[object, ...]:
    answer = each.error or facts(each.answer or {})
    version = f", version {each.mapping_version}" if each.mapping_version else ""
    return (
        each.target,
        each.entity,
        each.key,
        each.state,
        each.native_id,
        len(each.attempts),
        f"{each.mapping}{version}",
        answer,
    )


def _trail(story: InvoiceStory) -> None:
    heading("Audit trail")
    rows = [(each.seq, each.at, each.actor, each.action, facts(each.detail)) for each in story.trail]
    show_table(("Entry", "When", "Who", "What", "With"), rows, right=("Entry",))
    if story.trail_holds:
        say("every entry has the hash of its contents and of the entry before it", style="green")
    else:
        broken = ", ".join(str(each.seq) for each in story.trail if not each.holds)
        complain(f"the audit is broken at {broken}: billhub audit verify")


def _percent(rate: Decimal) -> str:
    return f"{rate.normalize():f} %"
