"""The page that explains an invoice."""

from billhub.explanation.page import Page, Record, Row, in_sections, step
from billhub.story.explained import FieldExplanation, InvoiceExplanation, Origin
from billhub.story.fields import worded
from canonical_model.invoices import CREDIT_NOTE

_ROLES = {"draft": "its fields come from it", "check": "its checks looked at it", "tax": "its tax comes from it"}


def invoice_page(explanation: InvoiceExplanation) -> Page:
    """The fields that the explanation holds, in sections, after the documents they rest on."""
    kind = "Credit note" if explanation.document_type == CREDIT_NOTE else "Invoice"
    facts = {
        "Buyer": explanation.buyer,
        "Payable": explanation.payable,
        "Made from": f"{explanation.source_entity} {explanation.source_id} v{explanation.source_version}",
        "Released on": explanation.released_on or "not yet",
        "Identifier": explanation.invoice_id,
    }
    return Page(
        title=f"{kind} {explanation.number or explanation.invoice_id}",
        lead=_lead(explanation),
        facts=facts,
        warnings=explanation.warnings,
        records=tuple(_record(each) for each in explanation.documents),
        sections=in_sections((_row(each) for each in explanation.fields), "Document"),
        remarks={},
    )


def _lead(explanation: InvoiceExplanation) -> str:
    confirmed = sum(each.is_confirmed is True for each in explanation.fields)
    given = sum(each.is_confirmed is None for each in explanation.fields)
    told = f"How {len(explanation.fields)} fields came about. {confirmed} were computed anew from the stored documents and agree"
    return f"{told}; {given} are decided outside of documents, such as number, seller and day of issue."


def _record(origin: Origin) -> Record:
    version = f", version {origin.source_version}" if origin.source_version else ""
    landed = f", landed as {origin.landed_id}" if origin.landed_id is not None else ""
    return Record(
        name=origin.name,
        role=_ROLES[origin.used_for],
        record=f"{origin.source} {origin.record} {origin.external_id}{version}{landed}",
        mapping=f"{origin.mapping}@{origin.mapping_version}, fingerprint {origin.mapping_fingerprint[:12]}",
        finding=origin.finding,
        agrees=origin.agreement == "same",
    )


def _row(explained: FieldExplanation) -> Row:
    from_own = f" (from {', '.join(explained.computed_from)})" if explained.computed_from else ""
    is_doubtful = explained.is_confirmed is False
    return Row(
        field=explained.field,
        value=worded(explained.value),
        how=explained.how + from_own,
        doubt=f"computed anew it is {worded(explained.computed)}" if is_doubtful else "",
        steps=tuple(
            step(each.trace, document=each.document, path=each.path, value=each.value) for each in explained.bases
        ),
    )
