"""What a connector is: the capabilities it declares, the protocols it may implement, and the values that cross the border.

A connector implements only the protocols it can serve. It takes and gives payloads in the external system's own shape; the mappings turn them into
canonical documents and back. `write` never raises for one record: each request gets its own `Outcome`, so one bad record never holds back another.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from canonical_model.parties import Address
from canonical_model.tax import AddressCheck


class Idempotency(StrEnum):
    """How a target keeps a repeated write from having a second effect, in order of preference."""

    UPSERT = "upsert by external id"
    NATIVE_KEY = "the vendor's idempotency key"
    LOOKUP_AFTER_WINDOW = "look-up after the in-flight window"


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector can do, as shown in the capability matrix.

    Attributes:
        system: Name of the connector's folder.
        reads: Entities `read` serves.
        writes: Entities `write` takes.
        roles: Other protocols: `tax_engine`, `channel`, `webhook`, `address_service`, `describes`.
        incremental: Whether `read` continues from a cursor.
        bulk_size: Largest number of records the vendor takes in one call.
        idempotency: How repeated writes stay single, by written entity.
        in_flight_window: Seconds in which a request that timed out may still take effect; an uncertain write waits for it.
        concurrency: Requests under way at once per account.
        requests_per_second: Rate per account; None where the vendor states none.
    """

    system: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    incremental: bool = False
    bulk_size: int = 1
    idempotency: Mapping[str, Idempotency] = {}
    in_flight_window: int = 0
    concurrency: int = 1
    requests_per_second: int | None = None


class ControlTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What a source says a record amounts to, counted before any mapping, for the completeness control.

    Attributes:
        lines: Source lines in the record.
        amount: Exact unrounded sum, as decimal text.
        currency: ISO 4217.
        legal_entity: Code of the seller, if the source has only one.
    """

    lines: int
    amount: str
    currency: str
    legal_entity: str | None = None


class RawRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record exactly as received.

    Attributes:
        external_id: Its identifier in the source.
        version: The source's own version mark, for example a modification stamp; empty where it has none.
        body: The record as plain JSON values (decimals as strings).
        control: What it amounts to, if the source can say so.
        native_id: The key the source itself knows it by, where that is not `external_id` and two records may have one `external_id`.
    """

    external_id: str
    version: str
    body: Mapping[str, Any]
    control: ControlTotals | None = None
    native_id: str | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of records.

    Attributes:
        records: In source order.
        cursor: Where to go on; equal to the one given when nothing is new.
        has_more: Whether another page is waiting now.
    """

    records: tuple[RawRecord, ...]
    cursor: str | None
    has_more: bool


class WriteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One record to be written.

    Attributes:
        key: Idempotency key, made of what is meant; the record's external id in the target.
        payload: The record in the target's own shape.
        attachments: Files by name, for channels.
    """

    key: str
    payload: Mapping[str, Any]
    attachments: Mapping[str, bytes] = {}


class WriteError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a record was not written.

    Attributes:
        code: The target's own code.
        message: The target's own text.
        field: The field it names, if any.
        retry_after: Seconds to wait, if the target said so.
    """

    code: str
    message: str
    field: str | None = None
    retry_after: int | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one write.

    Attributes:
        key: As requested.
        state: `confirmed`: the target has it. `rejected`: the target refused it and will refuse it again. `uncertain`: it may or may not have
            taken effect. `pending`: it certainly had no effect and may be sent again.
        native_id: The target's own identifier.
        answer: Fields of the target's answer worth keeping, for example a payment link.
        error: Set unless confirmed.
    """

    key: str
    state: Literal["confirmed", "rejected", "uncertain", "pending"]
    native_id: str | None = None
    answer: Mapping[str, Any] = {}
    error: WriteError | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A record that the target already has under a key.

    Attributes:
        key: As asked.
        native_id: The target's own identifier.
        payload: The record in the target's own shape, limited to the fields we write, for comparison.
        answer: As in `Outcome`.
        complete: False when the record is only partly there (an invoice without all its lines, a draft not finalised).
    """

    key: str
    native_id: str
    payload: Mapping[str, Any]
    answer: Mapping[str, Any] = {}
    complete: bool = True


class FieldDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A field as the system itself describes it.

    Attributes:
        path: Where it stands in a record that we read; items of a list as `[]`.
        types: What its values are in a record: `text`, `integer`, `decimal`, `boolean`, `object`, `list`, and `null` where it may be empty.
        native_type: The system's own name of the type.
        values: The values it may have, where the system lists them.
        is_read: Whether our records hold it.
    """

    path: str
    types: tuple[str, ...]
    native_type: str
    values: tuple[str, ...] = ()
    is_read: bool = True


@runtime_checkable
class Connector(Protocol):
    """What every connector has."""

    capabilities: Capabilities

    def ping(self) -> str:
        """Reach the system and prove the credentials; returns one line saying who we are there."""
        ...

    def close(self) -> None:
        """Give back connections."""
        ...


@runtime_checkable
class Source(Connector, Protocol):
    """A system that records are read from."""

    def read(self, entity: str, *, cursor: str | None, limit: int) -> Page:
        """The next page of `entity` after `cursor`, at most about `limit` records."""
        ...


@runtime_checkable
class Describes(Connector, Protocol):
    """A source that says which fields it has before a record is read."""

    def describe(self, entity: str) -> Sequence[FieldDescription]:
        """The fields of `entity` as they are now; one that is read but not described is gone."""
        ...


@runtime_checkable
class Target(Connector, Protocol):
    """A system that records are written to."""

    def write(self, entity: str, requests: Sequence[WriteRequest]) -> list[Outcome]:
        """Write a batch; one outcome per request, in their order. Never raises for a record."""
        ...

    def find(self, entity: str, keys: Sequence[str]) -> dict[str, Found]:
        """Which of these keys the target already has."""
        ...

    def count(self, entity: str) -> int:
        """How many records of `entity` the target holds under keys of ours, counted on its side."""
        ...


@runtime_checkable
class Lookup(Connector, Protocol):
    """A system whose master data is checked by key before release."""

    def fetch(self, entity: str, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The raw records that exist under these keys."""
        ...


@runtime_checkable
class TaxEngine(Connector, Protocol):
    """A system that decides tax."""

    def quote(self, payloads: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | WriteError]:
        """The engine's answer for each document, in order and in its own shape, without recording it; a refusal is a value."""
        ...


@runtime_checkable
class AddressService(Connector, Protocol):
    """A system that knows which addresses exist."""

    def check(self, addresses: Sequence[Address]) -> list[AddressCheck]:
        """Whether each address exists, in order."""
        ...


@runtime_checkable
class Webhook(Connector, Protocol):
    """A system that sends signed events."""

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Mapping[str, Any]:
        """The event, proven to come from the system.

        Raises:
            CredentialsError: The signature does not fit.
        """
        ...
