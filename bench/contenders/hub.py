"""The hub: parse, keep what came, map, check, upsert with a version, a delivery intent and an audit entry; 1,000 a transaction, fully durable."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

import msgspec
from measured import report
from shape import CHUNK, lines_of

from billhub import sync
from billhub.flows import Feed
from billhub.hub import Hub, open_hub
from billhub.store import intents
from billhub.store.engine import transaction
from connectors.contract import ControlTotals, Page, RawRecord

FEED = Feed(source="online_retail", entity="order", document="order")


def prepare(url: str) -> None:
    """Make the tables, and the shipped mappings the active ones."""
    _open(url).close()


def main(file: str, url: str) -> None:
    """Bring in all orders."""
    hub = _open(url)
    records = _records(file)
    while page := tuple(islice(records, CHUNK)):
        _bring_in(hub, Page(records=page, cursor=page[-1].external_id, has_more=True))
    hub.close()


def _open(url: str) -> Hub:
    url = url.replace("postgresql://", "postgresql+psycopg://")
    return open_hub(as_of=date(2011, 7, 1), actor="bench", url=url)


def _bring_in(hub: Hub, page: Page) -> None:
    with transaction(hub.engine) as connection:
        sync.bring_in(connection, hub, FEED, page)
        intents.add(connection, [_intent(record.external_id) for record in page.records])


def _intent(order_id: str) -> dict[str, Any]:
    """The delivery of an order, as a release writes those of an invoice."""
    return {
        "key": f"netsuite:salesOrder:{order_id}:v1",
        "after_key": None,
        "invoice_id": None,
        "subject_id": order_id,
        "target": "netsuite",
        "entity": "salesOrder",
        "external_key": order_id,
        "state": "pending",
        "mapping": "netsuite/sales_order",
    }


def _records(file: str) -> Iterator[RawRecord]:
    for line in lines_of(file):
        body: dict[str, Any] = msgspec.json.decode(line)
        control = ControlTotals(lines=len(body["Lines"]), amount="0", currency="GBP", legal_entity="UK")
        yield RawRecord(external_id=body["InvoiceNo"], version="", body=body, control=control)


if __name__ == "__main__":
    report(main, prepare=prepare)
