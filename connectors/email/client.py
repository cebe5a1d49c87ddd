"""SMTP and IMAP, with their failures under our names."""

import imaplib
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from connectors.email.message import Built
from connectors.email.settings import Server, Settings
from connectors.errors import (
    AmbiguousWriteError,
    ConnectorError,
    ConnectTimeoutError,
    CredentialsError,
    RejectedError,
    UnavailableError,
)
from connectors.http import Timeouts

_SEND, _SEARCH = {"connector": "email", "operation": "send"}, {"connector": "email", "operation": "search journal"}
_AUTHENTICATION_CODES = frozenset({530, 534, 535, 538})  # RFC 4954, 6


@contextmanager
def smtp_session(settings: Settings) -> Iterator[smtplib.SMTP]:
    """An authenticated connection that takes messages.

    Raises:
        ConnectTimeoutError: The server cannot be reached.
        CredentialsError: It does not accept the login.
        UnavailableError: It does not serve us now.
    """
    session = _smtp(settings.smtp, settings.timeouts)
    try:
        _log_in(session, settings.smtp)
        yield session
    finally:
        with suppress(smtplib.SMTPException, OSError):
            session.quit()
        session.close()


def send(session: smtplib.SMTP, message: Built, settings: Settings) -> str:
    """Hand over one message, to all of its recipients or to none; returns the server's answer.

    Raises:
        UnavailableError: The server put it off (4xx) or left before the message was begun; nothing was sent.
        RejectedError: The server refused the message or one of the recipients (5xx).
        AmbiguousWriteError: The connection was lost after the message was begun.
    """
    bcc = [settings.journal_address] if settings.journal_address else []
    try:
        _envelope(session, settings.sender, [*message.recipients, *bcc])
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise UnavailableError(f"connection lost before the message was begun: {error}", **_SEND) from error
    try:
        code, answer = session.data(message.content)
    except smtplib.SMTPDataError as error:
        raise _refused(error.smtp_code, error.smtp_error, "DATA") from error
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise AmbiguousWriteError(f"connection lost after the message was begun: {error}", **_SEND) from error
    if not _is_yes(code):
        raise _refused(code, answer, "DATA")
    return _text(answer)


@contextmanager
def journal(settings: Settings) -> Iterator[imaplib.IMAP4]:
    """The journal mailbox, open for reading.

    Raises:
        ConnectTimeoutError: The server cannot be reached.
        CredentialsError: It does not accept the login.
        UnavailableError: It does not serve us now, or there is no such mailbox.
    """
    session = _imap(settings.imap, settings.timeouts)
    try:
        _select(session, settings)
        yield session
    except (imaplib.IMAP4.error, OSError) as error:
        raise UnavailableError(str(error), **_SEARCH) from error
    finally:
        with suppress(imaplib.IMAP4.error, OSError):
            session.logout()


def with_message_id(session: imaplib.IMAP4, text: str) -> list[str]:
    """UIDs of the messages whose Message-ID contains `text` (RFC 9051, 6.4.4), in the mailbox's order."""
    _, data = session.uid("SEARCH", "HEADER", "Message-ID", f'"{text}"')
    return (data[0] or b"").decode().split()


def content(session: imaplib.IMAP4, uid: str) -> bytes:
    """A message as it stands in the mailbox, without marking it as read."""
    _, data = session.uid("FETCH", uid, "(BODY.PEEK[])")
    parts = [part[1] for part in data if isinstance(part, tuple)]
    if not parts:
        raise UnavailableError(f"message {uid} vanished from the journal", **_SEARCH)
    return bytes(parts[0])


def _smtp(server: Server, timeouts: Timeouts) -> smtplib.SMTP:
    try:
        if server.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(server.host, server.port, timeout=timeouts.read, context=context)
        return smtplib.SMTP(server.host, server.port, timeout=timeouts.read)
    except smtplib.SMTPResponseException as error:
        raise UnavailableError(f"{error.smtp_code} {_text(error.smtp_error)}", **_SEND) from error
    except (OSError, smtplib.SMTPException) as error:
        raise ConnectTimeoutError(f"{server.host}:{server.port}: {error}", **_SEND) from error


def _log_in(session: smtplib.SMTP, server: Server) -> None:
    try:
        if server.security == "starttls":
            session.starttls(context=ssl.create_default_context())
        if server.login:
            session.login(server.login, server.password)
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code < 500:
            raise UnavailableError(f"{error.smtp_code} {_text(error.smtp_error)}", **_SEND) from error
        raise CredentialsError(f"{error.smtp_code} {_text(error.smtp_error)}", **_SEND) from error
    except (OSError, smtplib.SMTPException) as error:
        raise UnavailableError(str(error), **_SEND) from error


def _envelope(session: smtplib.SMTP, sender: str, recipients: Sequence[str]) -> None:
    session.ehlo_or_helo_if_needed()
    _accepted(session, session.mail(sender), "MAIL FROM")
    for recipient in recipients:
        _accepted(session, session.rcpt(recipient), f"RCPT TO {recipient}")


def _accepted(session: smtplib.SMTP, answer: tuple[int, bytes], step: str) -> None:
    code, text = answer
    if _is_yes(code):
        return
    with suppress(smtplib.SMTPException, OSError):
        session.rset()
    raise _refused(code, text, step)


def _is_yes(code: int) -> bool:
    return 200 <= code < 300


def _refused(code: int, text: bytes | str, step: str) -> ConnectorError:
    """RFC 5321, 4.2.1: 4xx may work later, 5xx never will; anything else says nothing."""
    reason = f"{step}: {code} {_text(text)}"
    if code in _AUTHENTICATION_CODES:
        return CredentialsError(reason, **_SEND)
    if not 400 <= code < 600:
        kind = AmbiguousWriteError if step == "DATA" else UnavailableError
        return kind(f"{reason}: no reply of SMTP", **_SEND)
    if code < 500:
        return UnavailableError(reason, **_SEND)
    return RejectedError(reason, code=str(code), field="to" if step.startswith("RCPT") else None, **_SEND)


def _imap(server: Server, timeouts: Timeouts) -> imaplib.IMAP4:
    try:
        if server.security == "tls":
            context = ssl.create_default_context()
            return imaplib.IMAP4_SSL(server.host, server.port, ssl_context=context, timeout=timeouts.read)
        return imaplib.IMAP4(server.host, server.port, timeout=timeouts.read)
    except OSError as error:
        raise ConnectTimeoutError(f"{server.host}:{server.port}: {error}", **_SEARCH) from error
    except imaplib.IMAP4.error as error:
        raise UnavailableError(str(error), **_SEARCH) from error


def _select(session: imaplib.IMAP4, settings: Settings) -> None:
    if settings.imap.security == "starttls":
        session.starttls(ssl_context=ssl.create_default_context())
    try:
        session.login(settings.imap.login, settings.imap.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise CredentialsError(str(error), **_SEARCH) from error
    status, data = session.select(f'"{settings.mailbox}"', readonly=True)
    if status != "OK":
        raise UnavailableError(f"mailbox {settings.mailbox!r}: {_text(data[0] or b'')}", **_SEARCH)


def _text(answer: bytes | str) -> str:
    return " ".join((answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer).split())
