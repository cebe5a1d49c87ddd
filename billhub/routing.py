"""Routing: which deliveries a released invoice causes, in which order.

What a system is sent is declared in its connector's folder (`deliveries.yaml`); which systems a legal entity has is the policy's. All deliveries of
one invoice form a chain: each waits until the one before is confirmed, so the books come before the customer's mail. Deliveries that several
invoices share (the customer in the ERP) come first and have a key of their own, made of what they contain.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from billhub.hub import Hub
from billhub.posting import deferral
from billhub.store import documents
from canonical_model.encoding import content_hash
from canonical_model.errors import ConfigurationError
from canonical_model.invoices import CREDIT_NOTE, INVOICE, Invoice
from canonical_model.parties import Customer


class Delivery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing a system is sent when an invoice is released.

    Attributes:
        entity: The connector's name of it.
        mapping: The outbound mapping that shapes it.
        of: What it is about: the buyer, any document, an invoice, a credit note, a document that comes from a contract, or the deferral of
            its revenue.
        key: Which identifier it has in the target.
        attachments: Renderings of the invoice that go with it.
    """

    entity: str
    mapping: str
    of: Literal["customer", "document", "invoice", "credit_note", "contract", "deferral"]
    key: Literal["customer_id", "invoice_id", "number", "entry_id"] = "invoice_id"
    attachments: tuple[str, ...] = ()


@cache
def deliveries(system: str) -> tuple[Delivery, ...]:
    """What a system is sent, in order.

    Raises:
        ConfigurationError: The connector declares nothing, or not in the right form.
    """
    try:
        text = files("connectors").joinpath(system, "deliveries.yaml").read_bytes()
        return msgspec.yaml.decode(text, type=tuple[Delivery, ...])
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(
            f"connectors/{system}/deliveries.yaml: {error}; the policy names {system} as a target"
        ) from None


def plan_intents(connection: Connection, hub: Hub, released: Sequence[Invoice]) -> list[dict[str, Any]]:
    """The delivery intents of released invoices, in order; what is there already keeps its key and is not doubled."""
    stored = documents.current(connection, "customer", [invoice.buyer.party_id for invoice in released])
    chained = (_chain(hub, invoice, _version(invoice, stored)) for invoice in released)
    rows = [row for chain in chained for row in chain]
    return list({row["key"]: row for row in rows}.values())


def buyer_of(invoice: Invoice, buyers: Mapping[str, Customer]) -> Customer:
    """The buyer's master data; where there is none (retail), what the document itself says."""
    buyer = invoice.buyer
    return buyers.get(buyer.party_id) or Customer(
        customer_id=buyer.party_id,
        name=buyer.name,
        address=buyer.address,
        tax_id=buyer.tax_id,
        currency=invoice.currency,
        billing_email=buyer.email,
    )


def _version(invoice: Invoice, stored: Mapping[str, documents.Stored]) -> str:
    """Which version of the buyer a document means: a buyer that is changed and changed back is a new one, and is written again."""
    known = stored.get(invoice.buyer.party_id)
    return f"v{known.version}" if known else content_hash(buyer_of(invoice, {}))[:16]


def _chain(hub: Hub, invoice: Invoice, version: str) -> Iterator[dict[str, Any]]:
    wanted = [
        (target, delivery)
        for target in hub.policy.entities[invoice.legal_entity].targets
        for delivery in deliveries(target)
        if _applies(hub, delivery, invoice)
    ]
    after = None
    for target, delivery in sorted(wanted, key=lambda each: each[1].of != "customer"):
        row = _intent(hub, target, delivery, invoice, version)
        shared = delivery.of == "customer"
        yield row | {"after_key": None if shared else after, "invoice_id": None if shared else invoice.invoice_id}
        after = row["key"]


def _applies(hub: Hub, delivery: Delivery, invoice: Invoice) -> bool:
    match delivery.of:
        case "invoice":
            return invoice.document_type == INVOICE
        case "credit_note":
            return invoice.document_type == CREDIT_NOTE
        case "contract":
            return invoice.contract_id is not None
        case "deferral":
            return deferral(invoice, hub.policy) is not None
        case _:
            return True


def _intent(hub: Hub, target: str, delivery: Delivery, invoice: Invoice, version: str) -> dict[str, Any]:
    entry = deferral(invoice, hub.policy)
    external = {
        "customer_id": invoice.buyer.party_id,
        "invoice_id": invoice.invoice_id,
        "number": invoice.number or "",
        "entry_id": entry.entry_id if entry else "",
    }[delivery.key]
    meant = f"{invoice.legal_entity}:{version}" if delivery.of == "customer" else "1"
    return {
        "key": f"{target}:{delivery.entity}:{external}:{meant}",
        "subject_id": invoice.invoice_id,
        "target": target,
        "entity": delivery.entity,
        "external_key": external,
        "state": "pending",
        "mapping": delivery.mapping,
    }
