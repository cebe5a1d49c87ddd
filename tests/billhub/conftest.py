"""Hubs on both databases, and the sandbox with all systems."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

import sandbox
from billhub.demo.connections import sandbox_environment
from billhub.hub import Hub, open_hub

AS_OF = date(2026, 1, 15)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, once SQLite and once a PostgreSQL schema of its own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hub.sqlite'}"
        return
    server = os.environ["HUB_TEST_POSTGRES_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    schema = f"hub_{secrets.token_hex(6)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{schema}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


@pytest.fixture
def open_as(database_url: str) -> Iterator[Callable[..., Hub]]:
    """Opens hubs on the same database as different people and on different days."""
    opened: list[Hub] = []

    def hub(actor: str = "olive", as_of: date = AS_OF) -> Hub:
        opened.append(open_hub(as_of=as_of, actor=actor, url=database_url))
        return opened[-1]

    yield hub
    for one in opened:
        one.close()


@pytest.fixture
def hub(open_as: Callable[..., Hub]) -> Hub:
    """A hub on an empty store, acting as olive on 2026-01-15."""
    return open_as()


@pytest.fixture
def systems(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """All sandbox systems with the seed, fresh for this test, and the environment that leads to them."""
    with sandbox.serve(tmp_path / "sandbox") as endpoints:
        os.environ.update(sandbox_environment(endpoints))
        yield endpoints
