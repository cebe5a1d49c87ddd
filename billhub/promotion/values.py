"""What a diff of two versions of a mapping says."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from canonical_model.money import Money

Effect = Literal["changed", "excepted", "passes", "other_problem"]
"""Another document or payload; a problem where there was none; none where there was one; another problem."""

Sending = Literal["confirmed", "as_written", "rejected", "waiting"]
"""Was sent and is not sent again; is sent as it was written down; would differ when it is retried; would be sent differently."""


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field that would change.

    Attributes:
        path: Field of the target, items as `[0]`.
        kind: What happens to it; `refused` where only the new version has a problem with it, `accepted` where only the old one has.
        old: By the old version: the value, or the problem.
        new: By the new version.
    """

    path: str
    kind: Literal["changed", "removed", "added", "refused", "accepted"]
    old: Any
    new: Any


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A record that would become another document.

    Attributes:
        old: Canonical id by the old version.
        new: By the new one.
        taken: Whether another document has the new one already, or another record would get it too.
    """

    old: str
    new: str
    taken: bool


class InvoiceEffect(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice that rests on something that would change.

    Attributes:
        invoice_id: Canonical identifier.
        number: Its number, once released.
        state: Where it is in its life; `not_drafted` for one that there is not yet.
        currency: ISO 4217.
        net: As it is drafted or released now.
        gross: The same with tax, once taxed.
        basis: Of which amount `before` and `after` speak.
        before: What the document by the old version comes to; None where there is no document or the amount does not follow from it.
        after: By the new version.
        change: The difference; None where one of the two is not known.
    """

    invoice_id: str
    number: str | None
    state: str
    currency: str
    net: Money | None = None
    gross: Money | None = None
    basis: Literal["net", "tax"] = "net"
    before: Money | None = None
    after: Money | None = None
    change: Money | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One record, answer or delivery for which the versions differ.

    Attributes:
        subject: The record's external id, the invoice whose tax answer was read, or the key of the delivery.
        place: The store's own number of it.
        effect: What kind of difference.
        fields: Every field that would change, in the order of their names.
        identity: Where the record would become another document: dangerous, for the old one stays and may be billed twice.
        sending: For a delivery, what follows from the difference.
        invoices: The invoices that rest on it, by their ids.
    """

    subject: str
    place: int
    effect: Effect
    fields: tuple[FieldChange, ...]
    identity: Identity | None = None
    sending: Sending | None = None
    invoices: tuple[InvoiceEffect, ...] = ()


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One change as an example for its field."""

    subject: str
    old: Any
    new: Any


class FieldCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often a field changes.

    Attributes:
        path: Items as `[]`.
        kind: As in `FieldChange`.
        count: How many places of all records.
        examples: The first of them.
    """

    path: str
    kind: str
    count: int
    examples: tuple[Example, ...]


class InvoiceCount(msgspec.Struct, frozen=True, kw_only=True):
    """Invoices of one state and currency that rest on something that would change, each counted once.

    Attributes:
        state: Where they are in their lives.
        currency: ISO 4217.
        count: How many.
        net: Sum of what they are drafted or released with now.
        basis: Of which amount the rest speaks.
        computed: For how many of them the change is known.
        before: Sum over these by the old version.
        after: By the new version.
        change: The difference.
    """

    state: str
    currency: str
    count: int
    net: Money
    basis: str
    computed: int
    before: Money
    after: Money
    change: Money


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two versions."""

    reference: str
    version: int
    fingerprint: str


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of what a change would do, without the single records.

    Attributes:
        mapping: Name of the mapping.
        old: The version compared with.
        new: The version that may come.
        traffic: What was looked at, in words.
        sample: How many of it; None for all.
        examined: How much was looked at.
        effects: How many differ, by effect.
        fields: By field, the most frequent first.
        identities: How many records would become another document.
        identities_taken: How many of them would become one that is there already.
        newly_ignored: Source paths that the old version reads and the new one leaves aside, with its reason.
        newly_unread: Source paths that only the new version neither reads nor ignores, with the number of records that have them.
        no_longer_unread: The same for the old version.
        invoices: By state and currency.
        deliveries: How many deliveries differ, by what follows for them.
        hash: SHA-256 over the two fingerprints, the paths and every change with its invoices. What stays as it is does not count, so that
            the hash holds while records come in that are not affected.
    """

    mapping: str
    old: Side
    new: Side
    traffic: str
    sample: int | None
    examined: int
    effects: Mapping[str, int]
    fields: tuple[FieldCount, ...]
    identities: int
    identities_taken: int
    newly_ignored: Mapping[str, str] = {}
    newly_unread: Mapping[str, int] = {}
    no_longer_unread: Mapping[str, int] = {}
    invoices: tuple[InvoiceCount, ...]
    deliveries: Mapping[str, int]
    hash: str

    @property
    def changed(self) -> int:
        """How many records, answers or deliveries differ."""
        return sum(self.effects.values())
