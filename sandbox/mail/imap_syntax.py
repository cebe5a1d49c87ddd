"""The part of IMAP's grammar (RFC 3501) that searching and fetching need."""

import re
from collections.abc import Iterator, Sequence

TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)')
FETCH_ITEM = re.compile(r"BODY(?:\.PEEK)?\[[^\]]*\]|[A-Z0-9.]+")


class MalformedCommandError(Exception):
    """A command that is not understood; it is answered BAD."""


def tokens(text: str) -> list[str]:
    """Split arguments at spaces; a quoted string is one token, without its quotes."""
    return [
        re.sub(r"\\(.)", r"\1", quoted) if match.start(1) >= 0 else plain
        for match in TOKEN.finditer(text)
        for quoted, plain in [match.groups()]
    ]


def sequence_set(text: str, highest: int) -> Iterator[int]:
    """Yield the numbers of a set such as "1:3,7,9:*", in its order, none above `highest`.

    Raises:
        MalformedCommandError: It is not a set.
    """
    if not re.fullmatch(r"(\d+|\*)(:(\d+|\*))?(,(\d+|\*)(:(\d+|\*))?)*", text):
        raise MalformedCommandError(f"{text} is not a sequence set")
    for part in text.split(","):
        ends = sorted(highest if end == "*" else int(end) for end in part.split(":"))
        yield from range(max(ends[0], 1), min(ends[-1], highest) + 1)


def fetch_items(text: str) -> Sequence[str]:
    """Return the data items of a FETCH, in upper case: "(UID BODY.PEEK[])" is UID and BODY.PEEK[]."""
    return FETCH_ITEM.findall(text.upper())


def header_part(raw: bytes) -> bytes:
    """Return a message's header with the empty line that ends it."""
    head, separator, _ = raw.partition(b"\r\n\r\n")
    return head + (separator or b"\r\n\r\n")


def header_fields(raw: bytes, names: Sequence[str]) -> bytes:
    """Return the named header fields, folded lines included, with an empty line at the end."""
    unfolded = re.split(rb"\r\n(?![ \t])", header_part(raw).removesuffix(b"\r\n\r\n"))
    wanted = {name.lower().encode() for name in names}
    fields = [field for field in unfolded if field.partition(b":")[0].strip().lower() in wanted]
    return b"".join(field + b"\r\n" for field in fields) + b"\r\n"
