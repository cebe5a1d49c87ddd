"""Opening the store: SQLite (WAL, full durability) by default, PostgreSQL where `HUB_DATABASE_URL` says so."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from sqlite3 import OperationalError
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random

from canonical_model.errors import ConfigurationError

MIGRATIONS = Path(__file__).parent / "migrations"


def database_url() -> str:
    """Where the store is: `HUB_DATABASE_URL`, or a SQLite file below `HUB_STATE_DIR` (default `.state`)."""
    url = os.environ.get("HUB_DATABASE_URL", "")
    if url.startswith("postgresql://"):
        return "postgresql+psycopg://" + url.removeprefix("postgresql://")
    if url:
        return url
    folder = Path(os.environ.get("HUB_STATE_DIR", ".state")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'hub.sqlite'}"


def open_engine(url: str | None = None) -> Engine:
    """An engine on an existing or empty database; call `migrate` once before use.

    Raises:
        ConfigurationError: The URL names neither SQLite nor PostgreSQL.
    """
    url = url or database_url()
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": 60})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    if url.startswith("postgresql+psycopg://"):
        engine = create_engine(url, pool_size=5, max_overflow=5, pool_pre_ping=True)
        event.listen(engine, "connect", _prepare_postgres)
        return engine
    raise ConfigurationError(
        f"HUB_DATABASE_URL starts with {url.split(':')[0]!r}; use sqlite:///FILE or postgresql://USER@HOST/DATABASE"
    )


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version; where it is there already, nothing is changed and nobody waited for."""
    with reading(engine) as connection:
        if MigrationContext.configure(connection).get_current_revision() == _newest_revision():
            return
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7461)")
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@cache
def _newest_revision() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction: all of it is committed, or none."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A view for reading only, the same from its first query to its last; does not wait for a writer."""
    options: dict[str, Any] = {"reads_only": True}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the begin event below says when a transaction starts
    for pragma in ("busy_timeout=60000", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    _into_wal(connection)


@retry(
    retry=retry_if_exception_type(OperationalError), wait=wait_random(max=1), stop=stop_after_delay(60), reraise=True
)
def _into_wal(connection: Any) -> None:
    """Another process that opens the same new file at this moment makes SQLite refuse at once, without waiting for it."""
    connection.execute("PRAGMA journal_mode=WAL")


def _prepare_postgres(connection: Any, _record: object) -> None:
    """Plan each batch for the batch: a plan kept from when a table was empty searches a thousand keys one by one, 50 times as slow."""
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_custom_plan")
    connection.commit()


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads, decides and then writes must not find the ground moved."""
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
