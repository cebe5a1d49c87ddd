"""Connection settings: one neutral shape, read from an Airflow Connection or from the environment, from which each connector builds its own."""

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from canonical_model.errors import ConfigurationError


class Secret(str):
    """Text that does not show itself in logs, tracebacks or `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(***)"


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Where a system is and who we are there.

    Attributes:
        conn_id: Identifier, for example `billhub_netsuite`; also the name of the Airflow Connection.
        host: Base URL, or host name.
        port: None where the URL says it.
        login: User or account.
        password: Secret of the login.
        extra: Further settings of the connector, as text.
    """

    conn_id: str
    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = ""
    extra: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Connection({self.conn_id!r}, host={self.host!r}, login={self.login!r}, password=***, extra=***)"

    def setting(self, name: str) -> str:
        """A required setting: `host`, `login`, `password` or a key of `extra`.

        Raises:
            ConfigurationError: It is missing; the message names the setting and the connection.
        """
        value = str(getattr(self, name)) if name in {"host", "login", "password"} else self.extra.get(name, "")
        if not value:
            where = name if name in {"host", "login", "password"} else f"extra.{name}"
            raise ConfigurationError(
                f"connection {self.conn_id}: setting {where!r} is missing. Set it in the Airflow Connection {self.conn_id} "
                f"or in the environment variable {variable_name(self.conn_id)}."
            )
        return value


def variable_name(conn_id: str) -> str:
    """The environment variable that Airflow and the hub both read a connection from."""
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def from_environment(system: str) -> Connection:
    """The connection of a system from the environment, JSON or URI as Airflow writes it.

    Args:
        system: Folder name of the connector, for example `netsuite`.

    Raises:
        ConfigurationError: The variable is not set or cannot be read.
    """
    conn_id = f"billhub_{system}"
    text = os.environ.get(variable_name(conn_id), "")
    if not text:
        raise ConfigurationError(
            f"connection {conn_id} is not set. Create the Airflow Connection {conn_id} or set the environment variable {variable_name(conn_id)}."
        )
    return parse(conn_id, text)


def parse(conn_id: str, text: str) -> Connection:
    """A connection from Airflow's JSON or URI spelling.

    Raises:
        ConfigurationError: Neither spelling fits; the text itself is not shown, it may hold secrets.
    """
    try:
        fields = json.loads(text) if text.lstrip().startswith("{") else _from_uri(text)
        return from_fields(conn_id, fields)
    except (ValueError, TypeError, AttributeError):
        raise ConfigurationError(
            f'connection {conn_id}: its text is neither JSON like {{"host": ..., "login": ...}} nor a URI; correct {variable_name(conn_id)}.'
        ) from None


def from_fields(conn_id: str, fields: Mapping[str, Any]) -> Connection:
    """A connection from the fields of an Airflow Connection (`extra` as a mapping or JSON text)."""
    extra = fields.get("extra") or {}
    extra = json.loads(extra) if isinstance(extra, str) else extra
    port = fields.get("port")
    return Connection(
        conn_id=conn_id,
        host=str(fields.get("host") or ""),
        port=int(port) if port else None,
        login=str(fields.get("login") or ""),
        password=str(fields.get("password") or ""),
        extra={str(key): str(value) for key, value in extra.items()},
    )


def _from_uri(text: str) -> dict[str, Any]:
    url = urlsplit(text)
    if not url.scheme:
        raise ValueError("no scheme")
    return {
        "host": unquote(url.hostname or ""),
        "port": url.port,
        "login": unquote(url.username or ""),
        "password": unquote(url.password or ""),
        "extra": dict(parse_qsl(url.query)),
    }
