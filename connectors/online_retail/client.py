"""The rows of the file, each read on its own, so that a broken row cannot take its neighbours with it."""

import csv
import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from canonical_model.errors import ConfigurationError

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
_QUANTITY, _UNIT_PRICE = COLUMNS.index("Quantity"), COLUMNS.index("UnitPrice")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class Row(msgspec.Struct, frozen=True):
    """One line of the file.

    Attributes:
        number: Its place in the file; the header is 1.
        fields: Its columns as text, as many as it has.
        text: The whole line.
        unreadable: Why it cannot be understood, or None.
    """

    number: int
    fields: tuple[str, ...]
    text: str
    unreadable: str | None = None

    @property
    def invoice_number(self) -> str:
        """The number it belongs to; for a row without one, a name made of its place, so that it stays visible."""
        return (self.fields[0].strip() if self.fields else "") or f"row {self.number}"


def rows(path: Path) -> Iterator[Row]:
    """All rows below the header, in file order; empty lines are no rows.

    Raises:
        ConfigurationError: The file is missing, damaged or not compressed although named so, or its header is not `COLUMNS`.
    """
    try:
        with _opened(path) as file:
            _check_header(path, file.readline())
            for number, line in enumerate(file, start=2):
                if line.strip():
                    yield _row(number, line)
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigurationError(
            f"online_retail: setting 'host' names the file {path}, which cannot be read: {error}"
        ) from error


def stamp_of(path: Path) -> tuple[int, int]:
    """Size and time of change of the file, in bytes and nanoseconds: cheap to ask, and different after the file was written to.

    Raises:
        ConfigurationError: There is no such file.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise ConfigurationError(
            f"online_retail: setting 'host' names the file {path}, which cannot be read: {error}"
        ) from error
    return found.st_size, found.st_mtime_ns


def fingerprint(path: Path) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the file as it lies there."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _check_header(path: Path, line: bytes) -> None:
    header = tuple(line.decode("utf-8-sig", "backslashreplace").strip().split(","))
    if header != COLUMNS:
        raise ConfigurationError(
            f"online_retail: the header of {path} is {','.join(header)!r}, expected {','.join(COLUMNS)!r}. "
            "Has the export changed? Then change the mapping and this connector together."
        )


def _row(number: int, line: bytes) -> Row:
    text = line.decode("utf-8", "backslashreplace").rstrip("\r\n").replace("\0", "\\x00")
    fields, reason = _fields(text)
    return Row(number, fields, text, _not_utf8(line) or reason or _wrong(fields))


def _fields(text: str) -> tuple[tuple[str, ...], str | None]:
    try:
        return tuple(next(csv.reader([text], strict=True))), None
    except csv.Error as error:
        return tuple(text.split(",")), f"quotes: {error}"


def _not_utf8(line: bytes) -> str | None:
    if b"\0" in line:
        return "holds a NUL character"
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"
    return None


def _wrong(fields: tuple[str, ...]) -> str | None:
    if len(fields) != len(COLUMNS):
        return f"{len(fields)} columns instead of {len(COLUMNS)}"
    if not fields[0].strip():
        return "InvoiceNo is empty"
    for index in (_QUANTITY, _UNIT_PRICE):
        if not _NUMBER.fullmatch(fields[index]):
            return f"{COLUMNS[index]} {fields[index]!r} is not a number"
    return None
