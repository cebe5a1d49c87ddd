"""Explaining an invoice: for every field its value, how that came about, and the source fields it rests on with the trace of their mapping.

Nothing but what the store keeps is used: the invoice, the document versions it was made from, the records they came from, and the texts of the
mapping versions of then. So the explanation stays the same when documents, mappings and days have moved on.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from billhub import audit
from billhub.hub import Hub
from billhub.store import invoices
from billhub.store.lineage import CHECK
from billhub.story.circumstances import Case, Circumstances
from billhub.story.derivation import Derivation, derivations, expanded
from billhub.story.explained import Basis, FieldExplanation, InvoiceExplanation, Origin
from billhub.story.fields import at, leaves, pattern_of, positions, worded
from billhub.story.lineage import Traced, rows_of, traced
from billhub.story.rebuilding import rebuilt
from billhub.story.taxing import tax_answer
from billhub.story.values import UnknownInvoiceError
from canonical_model.contracts import Contract
from canonical_model.encoding import decode
from canonical_model.invoices import Invoice
from canonical_model.orders import Order
from canonical_model.parties import Customer
from canonical_model.tax import TaxQuote

Document = TypeVar("Document", bound=msgspec.Struct)


def explain(connection: Connection, hub: Hub, name: str) -> InvoiceExplanation:
    """The explanation of the invoice with this number or canonical identifier.

    Raises:
        UnknownInvoiceError: There is none.
    """
    row = invoices.find(connection, name)
    if row is None:
        raise UnknownInvoiceError(f"there is no invoice {name!r}; see billhub invoice list")
    noted, rows = rows_of(connection, hub, row)
    tax = tax_answer(connection, row)
    known = [*(traced(connection, each) for each in rows), *([tax] if tax else [])]
    case = _case(connection, row, known)
    again = rebuilt(case)
    fields = tuple(_fields(case, known, again, derivations(row["source_entity"])))
    origins = tuple(each.origin for each in known)
    return InvoiceExplanation(
        buyer=case.invoice.buyer.name,
        payable=str(case.invoice.totals.payable),
        **{each: row[each] for each in ("invoice_id", "document_type", "number", "released_on")},
        **{each: row[each] for each in ("source_entity", "source_id", "source_version")},
        warnings=(*_missing(row, noted, again), *_disagreeing(origins), *_unconfirmed(fields)),
        documents=origins,
        fields=fields,
    )


def _case(connection: Connection, row: Mapping[str, Any], known: Sequence[Traced]) -> Case:
    return Case(
        invoice=decode(row["body"], Invoice),
        contract=_document(known, "contract", Contract),
        order=_document(known, "order", Order),
        customer=_document(known, "customer", Customer),
        quote=_document(known, "tax_quote", TaxQuote),
        released_on=row["released_on"],
        policy_version=_policy_version(connection, row["invoice_id"]),
    )


def _document(known: Sequence[Traced], entity: str, kind: type[Document]) -> Document | None:
    """What the fields come from; None where it is not known, or this release of the hub has another idea of such a document."""
    used = _used(known).get(entity)
    try:
        return None if used is None or used.body is None else msgspec.convert(used.body, kind, strict=False)
    except msgspec.ValidationError:
        return None


def _used(known: Sequence[Traced]) -> dict[str, Traced]:
    """What the fields come from, by entity: of each there is one."""
    return {each.origin.entity: each for each in known if each.origin.used_for != CHECK}


def _policy_version(connection: Connection, invoice_id: str) -> int | None:
    trail = audit.trail(connection, [invoice_id])
    versions = [each.detail.get("policy_version") for each in trail if each.action == "invoice.released"]
    return versions[-1] if versions else None


def _fields(
    case: Case, known: Sequence[Traced], again: Invoice | None, table: Mapping[str, Derivation]
) -> Iterator[FieldExplanation]:
    circumstances, used = Circumstances(case), _used(known)
    computed = leaves(again) if again else {}
    for field, value in leaves(case.invoice).items():
        pattern, place = pattern_of(field), positions(field)
        derivation, places = table[pattern], circumstances.places(pattern, place)
        sources = [source for each in derivation.sources for source in expanded(each, places)]
        is_same = computed.get(field) == value
        yield FieldExplanation(
            field=field,
            value=value,
            how=derivation.words.format_map(circumstances.words(pattern, place)),
            computed_from=derivation.own,
            is_confirmed=None if derivation.is_given or again is None else is_same,
            computed=None if is_same else computed.get(field),
            bases=tuple(_basis(used[document], path) for document, path in sources if document in used),
        )


def _basis(used: Traced, path: str) -> Basis:
    return Basis(document=used.origin.name, path=path, value=at(used.body, path), trace=used.traces.get(path))


def _missing(row: Mapping[str, Any], noted: bool, again: Invoice | None) -> Iterator[str]:
    if not noted:
        yield "the documents were not noted when this invoice was made: buyer and prices are shown in their current versions"
    if row["tax_answer"] and not row["tax_mapping_fingerprint"]:
        yield "the mapping that read the tax engine's answer was not noted when this invoice was taxed"
    if again is None:
        yield "the documents do not say enough to compute this invoice anew, so its values cannot be confirmed"


def _disagreeing(origins: Sequence[Origin]) -> Iterator[str]:
    for each in origins:
        if each.agreement != "same":
            yield f"{each.name} cannot be confirmed: {each.finding}; the document as it is kept is shown"


def _unconfirmed(fields: Sequence[FieldExplanation]) -> Iterator[str]:
    for each in fields:
        if each.is_confirmed is False:
            yield f"{each.field} is {worded(each.value)}; computed anew from the documents it is {worded(each.computed)}"
