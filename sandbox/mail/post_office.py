"""The journal of accepted messages, and who may use it.

A message is two objects of the same id: `Message`, the envelope and the headers, which is small
and is listed and searched; and `MessageContent`, the raw bytes.
"""

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path

from sandbox.storage import Body, Storage, read_seed

USER = "billing@meridian.example"
SECRET = "meridian-mail"  # noqa: S105 - the seeded credentials of a stand-in
KIND = "Message"
CONTENT_KIND = "MessageContent"
REJECTED_KIND = "RejectedDomain"


class PostOffice:
    """Accepts messages and keeps them whole, in order of arrival, numbered from 1 without gaps."""

    def __init__(self, storage: Storage, seed: Path, as_of: date) -> None:
        """Open the journal; the rejected domains come from the seed if storage is empty."""
        self._storage = storage
        self._midnight = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)
        if not storage.counts():
            with storage.transaction():
                for row in read_seed(seed, "mail", REJECTED_KIND):
                    storage.insert(REJECTED_KIND, row["domain"].lower(), dict(row))

    def admits(self, user: bytes, secret: bytes) -> bool:
        """Say whether the credentials are the seeded ones."""
        return (user, secret) == (USER.encode(), SECRET.encode())

    def rejection(self, address: str) -> str | None:
        """Return the SMTP reply to a recipient whose domain takes no mail, None for all others.

        The seed may give a `code` and a `message`; without them the mailbox is said to be unknown
        (550 5.1.1, RFC 3463).
        """
        domain = address.rpartition("@")[2].lower()
        if (row := self._storage.get(REJECTED_KIND, domain)) is None:
            return None
        return f"{row.get('code') or 550} {row.get('message') or f'5.1.1 <{address}>: User unknown'}"

    def accept(self, sender: str, recipients: Sequence[str], raw: bytes) -> int:
        """Store a message for good.

        Args:
            sender: Address of MAIL FROM.
            recipients: Addresses of RCPT TO, accepted ones only.
            raw: The message as sent, line ends CRLF.

        Returns:
            The message's number, its UID in the journal.
        """
        headers = _headers(raw)
        with self._storage.transaction():
            uid = self._storage.next_id(KIND)
            message = {
                "uid": uid,
                "mail_from": sender,
                "rcpt_tos": list(recipients),
                "message_id": headers.get("message-id", ""),
                "headers": headers,
                "size": len(raw),
                "received": (self._midnight + timedelta(seconds=uid)).isoformat(),
            }
            self._storage.insert(KIND, str(uid), message)
            self._storage.insert(CONTENT_KIND, str(uid), {"base64": base64.b64encode(raw).decode()})
        return uid

    def count(self) -> int:
        """Return how many messages were accepted; also the highest UID."""
        return self._storage.count(KIND)

    def messages(self) -> Iterator[Body]:
        """Yield the messages without their content, in order of arrival."""
        return self._storage.list(KIND)

    def message(self, uid: int) -> Body | None:
        """Return one message without its content."""
        return self._storage.get(KIND, str(uid))

    def content(self, uid: int) -> bytes:
        """Return a message's raw bytes, empty if there is no such message."""
        body = self._storage.get(CONTENT_KIND, str(uid))
        return base64.b64decode(body["base64"]) if body else b""


def _headers(raw: bytes) -> dict[str, str]:
    message = message_from_bytes(raw)
    return {name.lower(): _decoded(message[name]) for name in message}


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, UnicodeError):
        # An unknown or wrong charset: such mail is still accepted, its header searched as it stands.
        return str(value)
