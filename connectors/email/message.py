"""A message as bytes that depend on nothing but what is sent: the same request gives the same bytes, today and after a restart."""

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

import msgspec

from connectors.contract import WriteRequest

ID_PREFIX = "billing-hub."
_BOUNDARY = "=_hub_"
# One address and nothing that would end or extend it in a command or header; whether it exists is the server's to say.
_ADDRESS = re.compile(r"[0-9A-Za-z!#$%&'*+/=?^_`{|}~.-]+@[0-9A-Za-z.-]+")


class MessageError(ValueError):
    """A request that makes no message.

    Attributes:
        field: The field of the payload that is wrong.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Built(msgspec.Struct, frozen=True):
    """A message ready to be sent.

    Attributes:
        message_id: Its identifier, in angle brackets.
        recipients: Plain addresses, in order.
        content: Its bytes, lines ending with CRLF.
    """

    message_id: str
    recipients: tuple[str, ...]
    content: bytes


def message_id(key: str, sender: str) -> str:
    """The identifier of the message that belongs to `key`: the same key, the same identifier, for ever (RFC 5322, 3.6.4)."""
    return f"<{ID_PREFIX}{_digest(key)}@{sender.rpartition('@')[2]}>"


def build(request: WriteRequest, sender: str) -> Built:
    """The message of a request.

    Raises:
        MessageError: A field is missing or cannot stand in a message.
    """
    payload = request.payload
    recipients = _addresses(payload)
    message = EmailMessage(policy=policy.SMTP)
    identifier = message_id(request.key, sender)
    headers = {
        "From": sender,
        "To": ", ".join(recipients),
        "Subject": _required(payload, "subject"),
        "Date": _date(payload),
        "Message-ID": identifier,
        "Reply-To": payload.get("reply_to"),
    }
    for name, value in [*headers.items(), *payload.get("headers", {}).items()]:
        _set_header(message, name, value)
    message.set_content(_required(payload, "text"))
    _attach(message, request)
    return Built(identifier, recipients, message.as_bytes())


def _attach(message: EmailMessage, request: WriteRequest) -> None:
    for name, content in request.attachments.items():
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    if request.attachments:
        message.set_boundary(_BOUNDARY + _digest(request.key))


def _set_header(message: EmailMessage, name: str, value: str | None) -> None:
    if value is None:
        return
    try:
        message[name] = value
    except (ValueError, TypeError) as error:
        raise MessageError(name, f"header {name} cannot be {value!r}: {error}") from error


def _addresses(payload: Mapping[str, Any]) -> tuple[str, ...]:
    given = payload.get("to") or []
    bad = [address for address in given if not _ADDRESS.fullmatch(str(address))]
    if bad or not given:
        raise MessageError("to", f"to {given!r} is not a list of plain e-mail addresses in ASCII")
    return tuple(given)


def _required(payload: Mapping[str, Any], field: str) -> str:
    value = payload.get(field)
    if not isinstance(value, str) or not value:
        raise MessageError(field, f"{field} is missing")
    return value


def _date(payload: Mapping[str, Any]) -> str:
    text = _required(payload, "date")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise MessageError("date", f"date {text!r} is not an ISO date") from None
    return format_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
