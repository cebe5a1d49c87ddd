"""E-mail by hand: the message that carries a document."""

from typing import Any

from bench.handwritten.values import Record, canonical_money, day, one_line, optional_text, text

_TITLES = {"380": "Invoice", "381": "Credit note"}
_WORDS = {"380": "invoice", "381": "credit note"}


def message(record: Record) -> dict[str, Any]:
    """What `email/message` gives."""
    invoice = record["invoice"]
    number, issued = text(invoice["number"]), day(invoice["issue_date"])
    seller = one_line(invoice["seller"]["name"])
    payload = {
        "to": [text(record["customer"]["billing_email"])],
        "date": issued,
        "subject": f"{_TITLES[invoice['document_type']]} {number} from {seller}",
        "text": "\n".join(_lines(record, invoice, (number, issued, seller))),
    }
    if reply_to := optional_text(invoice["seller"].get("email")):
        payload["reply_to"] = reply_to
    return payload


def _lines(record: Record, invoice: Record, head: tuple[str, str, str]) -> list[str]:
    number, issued, seller = head
    lines = [
        f"To {one_line(invoice['buyer']['name'])}",
        f"\nPlease find attached {_WORDS[invoice['document_type']]} {number} of {issued}.",
        "",
    ]
    payable = canonical_money(invoice["totals"]["payable"])
    if invoice["document_type"] == "381":
        lines.append(f"Amount credited: {payable}")
    else:
        lines += [f"Amount due: {payable}", f"Due date: {day(invoice['due_date'])}"]
    if contract := optional_text(invoice.get("contract_id")):
        lines.append(f"Contract: {contract}")
    if order := optional_text(invoice.get("purchase_order")):
        lines.append(f"Your order: {order}")
    if url := _payment_url(record.get("context") or {}):
        lines.append(f"Pay online: {url}")
    lines.append(f"\n{seller}")
    return lines


def _payment_url(context: Record) -> str | None:
    url = optional_text(context.get("payment_url"))
    if url:
        return url
    answers = context.get("answers") or {}
    return optional_text((answers.get("stripe") or {}).get("payment_url"))
