"""Accounts that keep their contract, and contracts of the test's own in place of the one that ships."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from billhub import sync
from billhub.drift import screening
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.store import landed
from billhub.store.engine import transaction
from connectors.contract import Page, RawRecord
from mappings import catalogue
from mappings.testing.fixtures import read_input

ACCOUNTS = Feed(source="salesforce", entity="account", document="customer")
SHIPPED = catalogue.ROOT
WHOLE: Mapping[str, Any] = read_input(SHIPPED / "salesforce" / "account.full.in.json")

NEW, CHANGED = {"Segment__c": "Enterprise"}, {"PO_Required__c": "yes"}
"""Changes of an account that are drift; a missing field is the third kind, see `account`."""

ON = "{new_field: quarantine, missing_field: quarantine, changed_type: quarantine}"


def account(number: str, *, without: str | None = None, version: str = "1", **changes: Any) -> RawRecord:
    """The account of the full fixture under another number; `without` one of its fields."""
    body = {**WHOLE, "AccountNumber": number, "Name": f"Buyer {number}", **changes}
    kept = {name: value for name, value in body.items() if name != without}
    return RawRecord(external_id=number, version=version, body=kept)


def bring_in(hub: Hub, *records: RawRecord, size: int = 1000) -> dict[str, int]:
    """Land records and map all that waits, in batches. Returns how many came to which state."""
    with transaction(hub.engine) as connection:
        landed.land(connection, "salesforce", "account", Page(records=records, cursor=None, has_more=False))
    return map_all(hub, size=size)


def map_all(hub: Hub, *, size: int = 1000) -> dict[str, int]:
    """Map all that waits. Returns how many records came to which state."""
    counts: dict[str, int] = {}
    for batch in sync.batches(hub, ACCOUNTS, size=size):
        for name, count in sync.map_batch(hub, ACCOUNTS, batch).items():
            if name != "changed" and count:
                counts[name] = counts.get(name, 0) + count
    return counts


@contextmanager
def contracts_in(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Mappings in a folder of the test's own; gives what rewrites the contract of accounts there."""
    for system in ("salesforce", "tables"):
        shutil.copytree(SHIPPED / system, folder / system)
    patch.setattr(catalogue, "ROOT", folder)
    file = folder / "salesforce" / "contracts" / "account.yaml"

    def rewrite(*changes: tuple[str, str]) -> None:
        text = (SHIPPED / "salesforce" / "contracts" / "account.yaml").read_text("utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file.write_text(text, "utf-8")
        _forget()

    _forget()
    yield rewrite
    patch.undo()
    _forget()


def _forget() -> None:
    catalogue.contract.cache_clear()
    screening._stated.cache_clear()
