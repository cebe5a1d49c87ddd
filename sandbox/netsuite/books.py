"""One company's account: its lists, its records, and the clock they are stamped with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sandbox.netsuite.reference import Ref, Reference, invalid_reference
from sandbox.netsuite.refusal import RefusedError
from sandbox.storage import Storage

Body = dict[str, Any]

FAMILIES: dict[str, tuple[str, ...]] = {
    "entity": ("customer",),
    "transaction": ("invoice", "creditMemo", "customerPayment", "journalEntry", "salesOrder"),
}
"""Record types that share internal and external ids (NetSuite help, section_N3436356)."""

FAMILY_OF = {kind: family for family, kinds in FAMILIES.items() for kind in kinds}


@dataclass(frozen=True)
class Books:
    """What a record is checked against and written to.

    Attributes:
        storage: The records by kind; external ids are kept in lower case, as they ignore case.
        reference: The lists records point to.
        as_of: The day on which the account lives; its time zone is UTC.
        closed: Closed posting periods, first and last day.
    """

    storage: Storage
    reference: Reference
    as_of: date
    closed: Sequence[tuple[date, date]] = ()

    def stamp(self) -> str:
        """Return the next system time: one second after the one before, from midnight of `as_of`."""
        moment = datetime.combine(self.as_of, time(), UTC) + timedelta(seconds=self.storage.next_id("clock"))
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def find(self, kind: str, ref: Ref) -> Body | None:
        """Return the record of this kind a reference means, or None."""
        if internal := ref.get("internalId"):
            return self.storage.get(kind, internal)
        return self.storage.get_by_external_id(kind, (ref.get("externalId") or "").lower())

    def resolve(self, kind: str, ref: Ref, label: str) -> Body:
        """Return the record a reference means.

        Raises:
            RefusedError: There is none.
        """
        found = self.find(kind, ref)
        if found is None:
            raise invalid_reference(label, ref)
        return found

    def holder_of(self, external_id: str, kind: str) -> tuple[str, Body] | None:
        """Return kind and record that hold an external id in the family of `kind`, if any."""
        kinds = FAMILIES[FAMILY_OF[kind]]
        for one in sorted(kinds, key=lambda other: other != kind):
            if body := self.storage.get_by_external_id(one, external_id.lower()):
                return one, body
        return None

    def open_day(self, text: str | None) -> date:
        """Read a transaction date; without one it is today.

        Raises:
            RefusedError: It lies in a closed posting period, or is not a date.
        """
        day = day_of(text) if text else self.as_of
        for first, last in self.closed:
            if first <= day <= last:
                message = f"The posting period {first} to {last} is closed; {day} can not be posted."
                raise RefusedError("TRAN_PERIOD_CLOSED", message)
        return day


def day_of(text: str) -> date:
    """Return the day a dateTime falls on in the account's time zone, UTC.

    Raises:
        RefusedError: The text is a dateTime of XML Schema that this calendar does not have.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RefusedError("USER_ERROR", f"Invalid date value {text}") from error
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()


def as_date_time(day: date) -> str:
    """Return a day as NetSuite answers with it."""
    return f"{day.isoformat()}T00:00:00.000Z"
