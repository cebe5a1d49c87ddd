"""E-mail as a target: a message per request, found again by its Message-ID; see BEHAVIOR.md."""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any, cast

import msgspec

from connectors.contract import Capabilities, Found, Idempotency, Outcome, WriteError, WriteRequest
from connectors.email import client
from connectors.email.message import ID_PREFIX, MessageError, build, message_id
from connectors.email.settings import Settings
from connectors.errors import ConnectorError, ConnectTimeoutError, UnsupportedError
from connectors.outcomes import outcome_of, outcomes_of
from connectors.settings import Connection

CAPABILITIES = Capabilities(
    system="email",
    writes=("message",),
    roles=("channel",),
    bulk_size=50,
    idempotency={"message": Idempotency.LOOKUP_AFTER_WINDOW},
    in_flight_window=600,
)


class Email:
    """A `Target` for messages."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.capabilities = msgspec.structs.replace(CAPABILITIES, in_flight_window=settings.in_flight_window)

    def ping(self) -> str:
        """Reach both servers with our credentials, without sending anything."""
        with client.smtp_session(self._settings), client.journal(self._settings):
            return f"email: sends as {self._settings.sender}, journal {self._settings.mailbox}"

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def write(self, entity: str, requests: Sequence[WriteRequest]) -> list[Outcome]:
        """Send the messages that are not in the journal yet, one after the other; a lost connection is renewed.

        Raises:
            CredentialsError: A server does not accept us.
        """
        if entity not in CAPABILITIES.writes:
            return outcomes_of(_unsupported(entity), requests)
        try:
            sent = self._journalled([request.key for request in requests])
        except ConnectorError as error:
            return outcomes_of(error, requests)
        outcomes = {key: self._confirmed(key, {"already_sent": True}) for key in sent}
        due = [request for request in requests if request.key not in sent]
        outcomes.update((outcome.key, outcome) for outcome in self._send_all(due))
        return [outcomes[request.key] for request in requests]

    def find(self, entity: str, keys: Sequence[str]) -> dict[str, Found]:
        """Which messages stand in the journal.

        Raises:
            ConnectorError: The journal cannot be read.
            UnsupportedError: `entity` is not `message`.
        """
        _check(entity)
        copies = self._journalled(keys)
        if not copies:
            return {}
        with client.journal(self._settings) as session:
            return {key: _found(key, uids, client.content(session, uids[0])) for key, uids in copies.items()}

    def count(self, entity: str) -> int:
        """Messages in the journal with identifiers of ours, each copy counted.

        Raises:
            ConnectorError: The journal cannot be read.
            UnsupportedError: `entity` is not `message`.
        """
        _check(entity)
        with client.journal(self._settings) as session:
            return len(client.with_message_id(session, f"<{ID_PREFIX}"))

    def _journalled(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """UIDs in the journal by key, for the keys that are there."""
        with client.journal(self._settings) as session:
            copies = {key: client.with_message_id(session, message_id(key, self._settings.sender)) for key in keys}
        return {key: uids for key, uids in copies.items() if uids}

    def _send_all(self, requests: Sequence[WriteRequest]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        while len(outcomes) < len(requests):
            rest = requests[len(outcomes) :]
            try:
                outcomes += self._send_until_failure(rest)
            except ConnectTimeoutError as error:
                return outcomes + outcomes_of(error, rest)
        return outcomes

    def _send_until_failure(self, requests: Sequence[WriteRequest]) -> list[Outcome]:
        """Outcomes up to and with the one that lost the connection; at least one."""
        outcomes: list[Outcome] = []
        with ExitStack() as stack:
            try:
                session = stack.enter_context(client.smtp_session(self._settings))
            except ConnectTimeoutError:
                raise
            except ConnectorError as error:
                return outcomes_of(error, requests)
            for request in requests:
                outcomes.append(self._send(session, request))
                if session.sock is None:
                    break
        return outcomes

    def _send(self, session: Any, request: WriteRequest) -> Outcome:
        try:
            message = build(request, self._settings.sender)
            answer = client.send(session, message, self._settings)
        except MessageError as error:
            refusal = WriteError(code="invalid_message", message=str(error), field=error.field)
            return Outcome(key=request.key, state="rejected", error=refusal)
        except ConnectorError as error:
            return outcome_of(error, request.key)
        return self._confirmed(request.key, {"answer": answer})

    def _confirmed(self, key: str, answer: dict[str, Any]) -> Outcome:
        return Outcome(key=key, state="confirmed", native_id=message_id(key, self._settings.sender), answer=answer)


def _check(entity: str) -> None:
    if entity not in CAPABILITIES.writes:
        raise _unsupported(entity)


def _unsupported(entity: str) -> UnsupportedError:
    return UnsupportedError(f"no entity {entity!r}", connector="email", operation=entity)


def _found(key: str, uids: Sequence[str], content: bytes) -> Found:
    message = message_from_bytes(content, policy=policy.default)
    text = message.get_body(("plain",))
    payload = {
        "to": [address.addr_spec for address in message["To"].addresses] if message["To"] else [],
        "subject": message["Subject"],
        "text": text.get_content().replace("\r\n", "\n").removesuffix("\n") if text else "",
    }
    if message["Reply-To"]:
        payload["reply_to"] = str(message["Reply-To"])
    date = parsedate_to_datetime(message["Date"]).isoformat()
    answer = {"copies": len(uids), "date": date, "attachments": _attachments(message)}
    return Found(key=key, native_id=message["Message-ID"].strip(), payload=payload, answer=answer)


def _attachments(message: EmailMessage) -> dict[str, str]:
    """SHA-256 of each attachment, by name."""
    return {
        part.get_filename() or "": hashlib.sha256(cast(bytes, part.get_payload(decode=True))).hexdigest()
        for part in message.iter_attachments()
    }


def connect(connection: Connection) -> Email:
    """The connector of a connection; connects to nothing yet.

    Raises:
        ConfigurationError: A setting is missing.
    """
    return Email(Settings.from_connection(connection))
