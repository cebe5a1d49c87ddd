"""Payloads: what is sent, made by the outbound mapping from the released invoice and what other targets answered."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from billhub.hub import Hub
from billhub.outbound import shaped
from billhub.posting import deferral
from billhub.rendering import invoice_pdf
from billhub.routing import buyer_of, deliveries
from billhub.store import documents, intents, invoices
from canonical_model.encoding import content_hash, decode_payload, encode_payload
from canonical_model.errors import MappingError
from canonical_model.invoices import Invoice
from canonical_model.parties import Customer
from connectors.contract import WriteRequest


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """An intent ready to be sent.

    Attributes:
        intent: Its row.
        invoice: The released invoice it is about.
        payload: In the target's own shape; None when the mapping cannot express the invoice.
        error: Why there is no payload.
    """

    intent: Mapping[str, Any]
    invoice: Invoice
    payload: Mapping[str, Any] | None
    error: MappingError | None = None

    def request(self) -> WriteRequest:
        """The write request, with the renderings that go along."""
        rendered = {name: RENDERINGS[name](self.invoice) for name in _delivery(self.intent).attachments}
        return WriteRequest(key=self.intent["external_key"], payload=self.payload or {}, attachments=rendered)


RENDERINGS = {"invoice.pdf": invoice_pdf}


def prepare(connection: Connection, hub: Hub, rows: Sequence[Mapping[str, Any]]) -> list[Prepared]:
    """Payloads of claimed intents, in order; one that was sent before is sent again exactly as it was."""
    return [_prepare(hub, row, given) for row, given in zip(rows, inputs(connection, hub, rows), strict=True)]


class Input(NamedTuple):
    """What an outbound mapping is applied to.

    Attributes:
        invoice: The released invoice.
        record: It, its buyer and what other targets answered, as the mapping reads them.
    """

    invoice: Invoice
    record: dict[str, Any]


def inputs(connection: Connection, hub: Hub, rows: Sequence[Mapping[str, Any]]) -> list[Input]:
    """What the payloads of intents are made from, as the store is now, in order."""
    ids = [row["subject_id"] for row in rows]
    subjects = {invoice_id: row.invoice for invoice_id, row in invoices.by_id(connection, ids).items()}
    buyer_ids = [invoice.buyer.party_id for invoice in subjects.values()]
    buyers = documents.load(connection, "customer", buyer_ids, Customer)
    answers = intents.answers(connection, ids)
    return [
        Input(subjects[each], _source(hub, subjects[each], buyer_of(subjects[each], buyers), answers.get(each, {})))
        for each in ids
    ]


def write_ahead_row(hub: Hub, prepared: Prepared) -> dict[str, Any]:
    """What is kept of a payload before it is sent."""
    intent = prepared.intent
    mapping = hub.mapping(intent["mapping"])
    return {
        "intent_id": intent["intent_id"],
        "payload": encode_payload(prepared.payload),
        "content_hash": content_hash(prepared.payload),
        "mapping_version": intent["mapping_version"] or mapping.version,
        "mapping_fingerprint": intent["mapping_fingerprint"] or mapping.fingerprint,
    }


def _prepare(hub: Hub, row: Mapping[str, Any], given: Input) -> Prepared:
    if row["payload"] is not None and row["payload"] != "null":
        return Prepared(intent=row, invoice=given.invoice, payload=decode_payload(row["payload"]))
    try:
        payload = shaped(hub.mapping(row["mapping"]), given.record)
    except MappingError as error:
        return Prepared(intent=row, invoice=given.invoice, payload=None, error=error)
    return Prepared(intent=row, invoice=given.invoice, payload=payload)


def _source(hub: Hub, invoice: Invoice, buyer: Customer, answers: Mapping[str, str]) -> dict[str, Any]:
    """The same input for every outbound mapping."""
    entry = deferral(invoice, hub.policy)
    answered = {target: msgspec.json.decode(answer) for target, answer in answers.items()}
    links = [answer["payment_url"] for answer in answered.values() if answer.get("payment_url")]
    return {
        "invoice": _plain(invoice),
        "customer": _plain(buyer),
        "entry": _plain(entry) if entry else None,
        "legal_entity": invoice.legal_entity,
        "currency": invoice.currency,
        "context": {
            "accounts": dict(hub.policy.accounts),
            "payment_url": links[0] if links else None,
        },
    }


def _plain(document: msgspec.Struct) -> Any:
    return msgspec.to_builtins(document, builtin_types=(Decimal,))


def _delivery(intent: Mapping[str, Any]) -> Any:
    return next(each for each in deliveries(intent["target"]) if each.entity == intent["entity"])
