"""Past traffic: what a mapping has worked on, and the store has kept.

Ids are gathered first, eight bytes each, and what they stand for is loaded in chunks: memory stays flat.
"""

import hashlib
import heapq
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, func, select

from billhub.deliver.payloads import inputs
from billhub.hub import Hub
from billhub.promotion.values import Sending
from billhub.routing import deliveries
from billhub.store import invoices
from billhub.store.schema import intents as intent_table
from billhub.store.schema import invoices as invoice_table
from billhub.store.schema import landed
from mappings import CompiledMapping

CHUNK = 500


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a mapping has worked on.

    Attributes:
        place: The store's own number of it.
        subject: What people know it by.
        record: What the mapping is applied to.
        invoice_id: The invoice it belongs to, where the document it gives is about one.
        sending: For a delivery, what follows where the versions differ.
    """

    place: int
    subject: str
    record: Mapping[str, Any]
    invoice_id: str | None = None
    sending: Sending | None = None


class Traffic(NamedTuple):
    """All that a mapping has worked on.

    Attributes:
        words: What it is.
        names: Query of number and subject of each.
        load: Gives those of some numbers, in order.
    """

    words: str
    names: Select[Any]
    load: Callable[[Connection, Sequence[int]], list[Given]]


def traffic_of(hub: Hub, mapping: CompiledMapping) -> Traffic:
    """What a mapping has worked on: landed records, a tax engine's answers, deliveries, or the requests to a tax engine."""
    name, definition = mapping.name, mapping.definition
    if definition.inbound and definition.entity == "tax_quote":
        return _answers(name)
    if definition.inbound:
        return _records(name)
    targets = {target for entity in hub.policy.entities.values() for target in entity.targets}
    if any(each.mapping == name for system in targets for each in deliveries(system)):
        return _deliveries(hub, name)
    return _requests(hub, name)


def chunks(connection: Connection, traffic: Traffic, sample: int | None) -> Iterator[list[Given]]:
    """The traffic in order, or a sample of it that is the same each time: those whose subjects have the smallest hashes."""
    rows = connection.execute(traffic.names)
    chosen = rows if sample is None else heapq.nsmallest(sample, rows, key=_hash_of_subject)
    places = array("q", sorted(row[0] for row in chosen))
    for start in range(0, len(places), CHUNK):
        yield traffic.load(connection, places[start : start + CHUNK].tolist())


def _hash_of_subject(row: Any) -> tuple[bytes, int]:
    return hashlib.sha256(row[1].encode()).digest(), row[0]


def _records(name: str) -> Traffic:
    """The newest version of every landed record, whatever became of it."""
    source, _, entity = name.partition("/")
    of_these = (landed.c.source == source, landed.c.entity == entity)
    newest = select(func.max(landed.c.landed_id)).where(*of_these).group_by(landed.c.native_id)
    names = select(landed.c.landed_id, landed.c.external_id).where(landed.c.landed_id.in_(newest))
    return Traffic(f"landed records of {name}", names, _load_records)


def _load_records(connection: Connection, places: Sequence[int]) -> list[Given]:
    columns = (landed.c.landed_id, landed.c.external_id, landed.c.body)
    rows = connection.execute(select(*columns).where(landed.c.landed_id.in_(places)).order_by(landed.c.landed_id))
    return [Given(place=place, subject=subject, record=msgspec.json.decode(body)) for place, subject, body in rows]


def _answers(name: str) -> Traffic:
    """The answers of a tax engine that this mapping has read."""
    table = invoice_table.c
    names = select(table.seq, table.invoice_id).where(table.tax_mapping == name, table.tax_answer.is_not(None))
    return Traffic(f"tax answers read by {name}", names, _load_answers)


def _load_answers(connection: Connection, places: Sequence[int]) -> list[Given]:
    table = invoice_table.c
    columns = (table.seq, table.invoice_id, table.tax_answer)
    rows = connection.execute(select(*columns).where(table.seq.in_(places)).order_by(table.seq))
    return [
        Given(place=place, subject=invoice_id, record=msgspec.json.decode(answer), invoice_id=invoice_id)
        for place, invoice_id, answer in rows
    ]


def _requests(hub: Hub, name: str) -> Traffic:
    """Released invoices whose tax an engine was asked for with this mapping; none for any other that nothing is delivered by."""
    engine = name.removesuffix("/transaction")
    codes = [code for code, entity in hub.policy.entities.items() if entity.tax_engine == engine]
    table = invoice_table.c
    released = table.state.in_(invoices.RELEASED_STATES)
    names = select(table.seq, table.invoice_id).where(table.legal_entity.in_(codes), released)
    return Traffic(f"released invoices sent by {name}", names, _load_requests)


def _load_requests(connection: Connection, places: Sequence[int]) -> list[Given]:
    ids = connection.execute(select(invoice_table.c.invoice_id).where(invoice_table.c.seq.in_(places))).scalars().all()
    rows = sorted(invoices.by_id(connection, ids).values(), key=lambda row: row.seq)
    return [
        Given(place=row.seq, subject=row.invoice_id, record=_request(row), invoice_id=row.invoice_id) for row in rows
    ]


def _request(row: invoices.Row) -> dict[str, Any]:
    return {"invoice": msgspec.to_builtins(row.invoice, builtin_types=(Decimal,))}


def _deliveries(hub: Hub, name: str) -> Traffic:
    """Everything that was or is to be delivered with this mapping."""
    names = select(intent_table.c.intent_id, intent_table.c.key).where(intent_table.c.mapping == name)
    return Traffic(f"deliveries by {name}", names, partial(_load_deliveries, hub))


def _load_deliveries(hub: Hub, connection: Connection, places: Sequence[int]) -> list[Given]:
    table = intent_table.c
    query = select(intent_table).where(table.intent_id.in_(places)).order_by(table.intent_id)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [
        Given(
            place=row["intent_id"],
            subject=row["key"],
            record=given.record,
            invoice_id=row["subject_id"],
            sending=_sending(row),
        )
        for row, given in zip(rows, inputs(connection, hub, rows), strict=True)
    ]


def _sending(row: Mapping[str, Any]) -> Sending:
    if row["state"] == "confirmed" or row["state"] == "rejected":
        return "confirmed" if row["state"] == "confirmed" else "rejected"
    return "waiting" if row["payload"] in (None, "null") else "as_written"
