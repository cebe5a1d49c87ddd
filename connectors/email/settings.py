"""Settings of the mail servers."""

from typing import Literal, Self
from urllib.parse import urlsplit

import msgspec

from canonical_model.errors import ConfigurationError
from connectors.http import Timeouts
from connectors.settings import Connection, Secret

Security = Literal["starttls", "tls", "none"]
# RFC 5321, 4.5.3.2.6: a server may take ten minutes to answer the end of the data.
_ANSWER_WINDOW = 600


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A mail server.

    Attributes:
        host: Its name.
        port: Its port.
        security: How the connection is encrypted.
        login: Empty where the server asks for none.
        password: Of the login.
    """

    host: str
    port: int
    security: Security
    login: str = ""
    password: Secret = Secret("")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Who we send as, and where.

    Attributes:
        smtp: The server that takes our messages.
        imap: The server that keeps the journal.
        mailbox: The journal's mailbox.
        sender: Our address; its domain is also the domain of our message identifiers.
        journal_address: Gets a blind copy of every message, where the journal is not kept by the server itself.
        in_flight_window: Seconds in which a message without an answer may still be taken.
        timeouts: For both servers.
    """

    smtp: Server
    imap: Server
    mailbox: str
    sender: str
    journal_address: str
    in_flight_window: int
    timeouts: Timeouts

    @classmethod
    def from_connection(cls, connection: Connection) -> Self:
        """The settings of a connection.

        `host`, `port`, `login`, `password` and `extra.security` belong to SMTP; `extra.imap_host`, `imap_port`, `imap_login`, `imap_password` and
        `imap_security` to IMAP, with SMTP's login, password and security where they are not given. Hosts may be URLs such as `smtp://host:25`.

        Raises:
            ConfigurationError: A required one is missing or one cannot be read; the message names it.
        """
        extra = connection.extra
        login, password = connection.login, connection.password
        security = extra.get("security", "starttls")
        sender = connection.setting("sender")
        if sender.count("@") != 1:
            raise ConfigurationError(
                f"connection {connection.conn_id}: extra.sender {sender!r} is not an e-mail address."
            )
        return cls(
            smtp=_server(connection, "host", port=connection.port or 587, security=security, account=(login, password)),
            imap=_server(
                connection,
                "imap_host",
                port=_whole(connection, "imap_port", 993),
                security=extra.get("imap_security", security),
                account=(extra.get("imap_login", login), extra.get("imap_password", password)),
            ),
            mailbox=extra.get("mailbox", "INBOX"),
            sender=sender,
            journal_address=extra.get("journal_address", ""),
            in_flight_window=_whole(connection, "in_flight_window", _ANSWER_WINDOW),
            timeouts=Timeouts.from_connection(connection),
        )


def _server(connection: Connection, name: str, *, port: int, security: str, account: tuple[str, str]) -> Server:
    text = connection.setting(name)
    url = urlsplit(text if "://" in text else f"//{text}")
    try:
        secured = msgspec.convert(security, Security)
        return Server(
            host=url.hostname or "",
            port=url.port or port,
            security=secured,
            login=account[0],
            password=Secret(account[1]),
        )
    except (ValueError, msgspec.ValidationError) as error:
        raise ConfigurationError(
            f"connection {connection.conn_id}: {name} {text!r} or its security {security!r} cannot be used: {error}. "
            "Write host, host:port or smtp://host:port, and starttls, tls or none."
        ) from None


def _whole(connection: Connection, name: str, default: int) -> int:
    text = connection.extra.get(name, "")
    if text and not text.isdigit():
        raise ConfigurationError(f"connection {connection.conn_id}: extra.{name} is {text!r}, not a whole number.")
    return int(text) if text else default
