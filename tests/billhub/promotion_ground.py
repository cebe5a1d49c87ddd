"""Ground for the tests of promotion: versions of shipped mappings with a changed line, landed records, and the whole store as a value."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from sqlalchemy import select

import mappings
from billhub import promotion, release, sync
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.promotion import Change, Diff, Version
from billhub.promotion.references import of_bundle
from billhub.store import landed, mapping_versions
from billhub.store.engine import reading, transaction
from billhub.store.mapping_versions import Activation
from billhub.store.schema import metadata
from connectors.contract import Page, RawRecord
from mappings import Bundle, catalogue

ACCOUNTS = Feed(source="salesforce", entity="account", document="customer")
CONTRACTS = Feed(source="salesforce", entity="contract", document="contract")
PRICES = Feed(source="salesforce", entity="price_book_entry", document="price_book_entry")
ORDERS = Feed(source="online_retail", entity="order", document="order")

_STATUS = "otherwise: {from: Active__c, map: {Yes: active, No: inactive}, required: true}"
_NAME = "{from: Name, transform: text}"
PERHAPS = (
    _STATUS,
    "otherwise:\n      when: {path: Active__c, equals: Perhaps}\n      then: {const: inactive, reason: not yet decided}\n      "
    + _STATUS,
)
LEGAL_NAME = (
    f"name: {_NAME}",
    f"name:\n    when: {{path: Hub_Id__c, present: true}}\n    then: {{from: Hub_Id__c, transform: text}}\n    otherwise: {_NAME}",
)
"""Changes of salesforce/account that its fixtures do not notice: another status passes, and another field gives the name."""
ONE_LINE = ("name: {from: Name, transform: text}", "name: {from: Name, transform: [text, one_line]}")


def altered(name: str, *changes: tuple[str, str], version: int | None = 9, file: str | None = None) -> Version:
    """The shipped mapping with texts replaced in one of its files; `version` is what that file then states, None as it was."""
    bundle = mappings.bundle_of(name)
    file = file or bundle.file
    text = bundle.files[file]
    stated = next(line for line in text.splitlines() if line.startswith("version: "))
    for old, new in (*changes, *([(stated, f"version: {version}")] if version else [])):
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return of_bundle(Bundle(name=name, files={**bundle.files, file: text}), f"{name}@altered")


def activate(hub: Hub, version: Version) -> None:
    """Make a version the active one as an older release of the hub would have left it."""
    made = Activation(
        mapping=version.name,
        fingerprint=version.fingerprint,
        action="shipped",
        activated_on="2026-01-01",
        activated_by="ada",
        reason="came with the hub",
    )
    with transaction(hub.engine) as connection:
        mapping_versions.keep(connection, [(version.bundle, version.number)], on="2026-01-01", by="ada")
        mapping_versions.activate(connection, [made])


def account(number: str, **changes: Any) -> RawRecord:
    """The account of the full fixture under another number."""
    body = deepcopy(_ACCOUNT) | {"AccountNumber": number, "Name": "Northwind"} | changes
    return RawRecord(external_id=number, version=str(changes), body=body)


def contract(number: str, **changes: Any) -> RawRecord:
    """The contract of the full fixture under another number."""
    body = deepcopy(_CONTRACT) | {"ContractNumber": number} | changes
    return RawRecord(external_id=number, version=str(changes), body=body)


def price(code: str, name: str) -> RawRecord:
    """The price of the full fixture for another product."""
    product = _PRICE["Product2"] | {"ProductCode": code, "Name": name}
    return RawRecord(external_id=code, version="1", body=_PRICE | {"Product2": product})


def order(number: str, *lines: tuple[str, str], country: str = "United Kingdom") -> RawRecord:
    """A retail order; lines are quantity and price."""
    body = {
        "InvoiceNo": number,
        "InvoiceDate": "2010-12-01 08:26:00",
        "CustomerID": "17850",
        "Country": country,
        "Lines": [
            {
                "LineNo": place,
                "Row": place,
                "StockCode": f"P{place}",
                "Description": "",
                "Quantity": amount,
                "UnitPrice": price,
            }
            for place, (amount, price) in enumerate(lines or (("2", "10.00"),), start=1)
        ],
    }
    return RawRecord(external_id=number, version="1", body=body)


_ACCOUNT, _CONTRACT, _PRICE = (
    json.loads((catalogue.ROOT / "salesforce" / f"{entity}.full.in.json").read_text("utf-8"))
    for entity in ("account", "contract", "price_book_entry")
)


def land(hub: Hub, feed: Feed, *records: RawRecord) -> None:
    with transaction(hub.engine) as connection:
        landed.land(connection, feed.source, feed.entity, Page(records=records, cursor=None, has_more=False))


def map_all(hub: Hub, feed: Feed) -> None:
    for batch in sync.batches(hub, feed):
        sync.map_batch(hub, feed, batch)


def brought_in(hub: Hub, feed: Feed, *records: RawRecord) -> None:
    land(hub, feed, *records)
    map_all(hub, feed)


def release_orders(hub: Hub) -> None:
    """Everything up to the release, as the flow does it; the rate table needs no system outside."""
    release.plan(hub)
    for states, step in ((release.UNCHECKED, release.check_batch), (("checked",), release.tax_batch)):
        for batch in release.batches(hub, states):
            step(hub, batch)
    release.route_approvals(hub)
    release.release_ready(hub)


def compared(hub: Hub, old: Version, new: Version, sample: int | None = None) -> tuple[Diff, list[Change]]:
    """The diff with all its changes."""
    changes: list[Change] = []
    with reading(hub.engine) as connection:
        return promotion.diff(connection, hub, (old, new), sample=sample, see=changes.append), changes


def promoted(hub: Hub, new: Version, **options: Any) -> Any:
    """A version promoted by somebody who looked at its effect."""
    with reading(hub.engine) as connection:
        old = promotion.resolve(connection, f"{new.name}@active")
        seen = promotion.diff(connection, hub, (old, new)).hash
    return promotion.promote(hub, new, **{"reason": "as agreed", "seen": seen, **options})


def dump(hub: Hub) -> Mapping[str, list[Any]]:
    """Every row of every table."""
    with reading(hub.engine) as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table)).all())) for name, table in metadata.tables.items()
        }
