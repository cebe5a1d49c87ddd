"""The lists that records point to: subsidiaries, currencies, accounts, items and terms."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.netsuite.refusal import RefusedError
from sandbox.storage import Storage

Body = dict[str, Any]
Ref = dict[str, Any]
"""A RecordRef: "internalId" or "externalId", in answers also "name"."""

RECEIVABLES = "1100"
UNDEPOSITED_FUNDS = "1499"
TAX_PAYABLE = "2200"


class ReferenceList:
    """Entries of one kind, found by internal or external id; external ids ignore case.

    Case: NetSuite help, "Using Internal IDs, External IDs, and References" (section_N3432681).
    """

    def __init__(self, label: str, entries: Iterable[Body]) -> None:
        """Index the entries; `label` names the kind in refusals."""
        self._label = label
        self._by_internal: dict[str, Body] = {}
        self._by_external: dict[str, Body] = {}
        for entry in entries:
            self._by_internal[entry["internalId"]] = entry
            if entry.get("externalId"):
                self._by_external[entry["externalId"].lower()] = entry

    def find(self, ref: Ref) -> Body:
        """Return the entry a reference means; with both ids given, the internal one decides.

        Raises:
            RefusedError: There is none.
        """
        if internal := ref.get("internalId"):
            entry = self._by_internal.get(internal)
        else:
            entry = self._by_external.get((ref.get("externalId") or "").lower())
        if entry is None:
            raise invalid_reference(self._label, ref)
        return entry

    def named(self, key: str) -> Body:
        """Return the entry whose internal or external id is `key`, as a seed names it."""
        if key in self._by_internal:
            return self._by_internal[key]
        return self.find({"externalId": key})


def invalid_reference(label: str, ref: Ref) -> RefusedError:
    """Return the vendor's refusal of a reference that leads nowhere."""
    key = ref.get("internalId") or ref.get("externalId") or ref.get("name") or ""
    return RefusedError("INVALID_KEY_OR_REF", f"Invalid {label} reference key {key}.")


def as_ref(entry: Body, name: str = "name") -> Ref:
    """Return a reference as NetSuite answers with: internal id and name, no external id."""
    return {"internalId": entry["internalId"], "name": entry.get(name) or entry["internalId"]}


@dataclass(frozen=True)
class Reference:
    """All lists of one account."""

    subsidiaries: ReferenceList
    currencies: ReferenceList
    accounts: ReferenceList
    items: ReferenceList
    terms: ReferenceList


def load_reference(storage: Storage) -> Reference:
    """Read the lists from the storage; they are short and do not change while the process runs."""
    return Reference(
        subsidiaries=ReferenceList("subsidiary", storage.list("subsidiary")),
        currencies=ReferenceList("currency", storage.list("currency")),
        accounts=ReferenceList("account", storage.list("account")),
        items=ReferenceList("item", storage.list("item")),
        terms=ReferenceList("terms", storage.list("term")),
    )
