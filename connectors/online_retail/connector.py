"""The orders of an online shop, read from a CSV file; see BEHAVIOR.md."""

from collections.abc import Iterator
from itertools import islice

from connectors.contract import Capabilities, Page, RawRecord
from connectors.errors import UnsupportedError
from connectors.online_retail.client import fingerprint, rows, stamp_of
from connectors.online_retail.orders import orders
from connectors.online_retail.settings import Settings
from connectors.settings import Connection

CAPABILITIES = Capabilities(system="online_retail", reads=("order",), incremental=True)


class OnlineRetail:
    """A `Source` over one file; remembers where it stands, so that the next page does not start from the top again."""

    capabilities = CAPABILITIES

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamp: tuple[int, int] | None = None
        self._fingerprint = ""
        self._restart()

    def ping(self) -> str:
        """The file and its first row.

        Raises:
            ConfigurationError: The file cannot be read or has another header.
        """
        first = next(rows(self._settings.path), None)
        return f"online_retail: {self._settings.path}, " + (
            f"first invoice {first.invoice_number}" if first else "no rows"
        )

    def close(self) -> None:
        """Close the file."""
        self._restart()

    def read(self, entity: str, *, cursor: str | None, limit: int) -> Page:
        """The next orders; the cursor is the number of orders handed out so far and the fingerprint of the file they came from.

        Another file, or the same one corrected, is read from its start: what did not change in it is known by its content.

        Raises:
            UnsupportedError: `entity` is not `order`.
            ConfigurationError: The file cannot be read.
        """
        if entity != "order":
            raise UnsupportedError(f"no entity {entity!r}", connector="online_retail", operation="read")
        mark = self._mark()
        position, _, read_from = (cursor or "").partition("@")
        self._go_to(int(position) if read_from == mark else 0)
        records = tuple(islice(self._orders, limit))
        self._position += len(records)
        return Page(
            records=records, cursor=f"{self._position}@{mark}" if records else cursor, has_more=self._orders.waiting()
        )

    def _restart(self) -> None:
        self._orders = _Waiting(orders(self._settings.path))
        self._position = 0

    def _mark(self) -> str:
        """The fingerprint of the file, computed again only when the file was written to."""
        stamp = stamp_of(self._settings.path)
        if stamp != self._stamp:
            self._stamp, self._fingerprint = stamp, fingerprint(self._settings.path)
            self._restart()
        return self._fingerprint

    def _go_to(self, position: int) -> None:
        if position != self._position:
            self._restart()
            self._position = sum(1 for _ in islice(self._orders, position))


class _Waiting:
    """An iterator that can say whether something is waiting without losing it."""

    def __init__(self, records: Iterator[RawRecord]) -> None:
        self._records = records
        self._next: RawRecord | None = None

    def __iter__(self) -> Iterator[RawRecord]:
        return self

    def __next__(self) -> RawRecord:
        record, self._next = self._next, None
        return next(self._records) if record is None else record

    def waiting(self) -> bool:
        if self._next is None:
            self._next = next(self._records, None)
        return self._next is not None


def connect(connection: Connection) -> OnlineRetail:
    """The connector of a connection; reads nothing yet.

    Raises:
        ConfigurationError: A setting is missing.
    """
    return OnlineRetail(Settings.from_connection(connection))
