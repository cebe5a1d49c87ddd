"""Hubs on both databases, and the sandbox with all systems."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, create_engine, insert, text

import sandbox
from billhub.audit import GENESIS
from billhub.demo.connections import sandbox_environment
from billhub.hub import Hub, open_hub
from billhub.store import documents, landed
from billhub.store.engine import migrate, open_engine, reading, transaction
from billhub.store.schema import audit_head, metadata
from canonical_model.catalog import identity
from canonical_model.contracts import Contract, ContractLine
from canonical_model.encoding import content_hash, encode
from canonical_model.invoices import INVOICE, Invoice, InvoiceLine, Totals
from canonical_model.money import Money, zero
from canonical_model.orders import Order, OrderLine
from canonical_model.parties import Address, Customer, Party
from connectors.contract import ControlTotals, Page, RawRecord
from connectors.settings import variable_name

AS_OF = date(2026, 1, 15)


DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=DATABASES)
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, store_file: Path, store_schema: Callable[[], str]
) -> Iterator[str]:
    """A store without rows, once in SQLite and once in PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(store_file, tmp_path / "hub.sqlite")
        yield f"sqlite:///{tmp_path / 'hub.sqlite'}"
        return
    url = store_schema()
    engine = create_engine(url)
    with engine.begin() as connection:
        _empty(connection)
    engine.dispose()
    yield url


@pytest.fixture(params=DATABASES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, once SQLite and once a PostgreSQL schema of its own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    with _schema() as url:
        yield url


@pytest.fixture(scope="session")
def store_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store with the newest schema, to be copied: that is faster than to migrate for every test."""
    file = tmp_path_factory.mktemp("store") / "hub.sqlite"
    engine = open_engine(f"sqlite:///{file}")
    migrate(engine)
    engine.dispose()
    return file


@pytest.fixture(scope="session")
def store_schema() -> Iterator[Callable[[], str]]:
    """A PostgreSQL schema with the newest tables, made when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def url() -> str:
            made = stack.enter_context(_schema())
            engine = open_engine(made)
            migrate(engine)
            engine.dispose()
            return made

        yield url


@contextmanager
def _schema() -> Iterator[str]:
    server = os.environ["HUB_TEST_POSTGRES_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    schema = f"hub_{secrets.token_hex(6)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{schema}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


def _empty(connection: Connection) -> None:
    """Take out all rows; without triggers, because the audit lets nothing be taken out."""
    for setting in ("session_replication_role = replica", "synchronous_commit = off", "lock_timeout = '20s'"):
        connection.execute(text(f"SET LOCAL {setting}"))
    connection.execute(text("; ".join(f"DELETE FROM {name}" for name in metadata.tables)))
    sequences = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = current_schema()::regnamespace"
    connection.execute(text(sequences))
    connection.execute(insert(audit_head).values(id=1, seq=0, hash=GENESIS))


@pytest.fixture
def open_as(database_url: str) -> Iterator[Callable[..., Hub]]:
    """Opens hubs on the same database as different people and on different days; of the systems only the rate table is connected."""
    os.environ[variable_name("billhub_tax_table")] = "{}"
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


@pytest.fixture
def query(hub: Hub) -> Callable[..., list[tuple[Any, ...]]]:
    """Rows of a query on the store, past the hub's own functions."""

    def rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with reading(hub.engine) as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]

    return rows


@pytest.fixture
def keep(hub: Hub) -> Callable[..., None]:
    """Keeps canonical documents as a sync would have left them; orders with the control total of their source."""

    def kept(*made: msgspec.Struct, source: str = "salesforce", version: str = "v1") -> None:
        with transaction(hub.engine) as connection:
            for document in made:
                _keep(connection, document, source=source, version=version)

    return kept


def _keep(connection: Connection, document: msgspec.Struct, *, source: str, version: str) -> None:
    name, entity = identity(document), _ENTITIES[type(document)]
    body = {"id": name, "version": version, "hash": content_hash(document)}
    record = RawRecord(external_id=name, version=version, body=body, control=_control(document))
    landed.land(connection, source, entity, Page(records=(record,), cursor=None, has_more=False))
    [landed_id] = landed.newest_ids(connection, source, entity, [name])
    landed.mark(connection, {landed_id: "mapped"})
    new = documents.NewDocument(
        canonical_id=name,
        content_hash=content_hash(document),
        body=encode(document).decode(),
        mapping=f"{source}/{entity}",
        mapping_version=1,
        mapping_fingerprint="f" * 64,
        landed_id=landed_id,
    )
    documents.save(connection, entity, [new])


_ENTITIES = {Contract: "contract", Customer: "customer", Order: "order"}


def _control(document: msgspec.Struct) -> ControlTotals | None:
    if not isinstance(document, Order):
        return None
    amount = sum((line.unit_price.amount * line.quantity for line in document.lines), Decimal(0))
    return ControlTotals(
        lines=len(document.lines), amount=format(amount, "f"), currency=document.currency, legal_entity="UK"
    )


@pytest.fixture(scope="session")
def a_customer() -> Callable[..., Customer]:
    """Makes the buyer of the worked example, with changes."""

    def made(**changes: Any) -> Customer:
        rochester = Address(
            line1="85 East Main Street", city="Rochester", region="NY", postal_code="14604", country="US"
        )
        fields = {"customer_id": "A-0001", "name": "Northwind Analytics Corp", "address": rochester}
        return Customer(**{**fields, **changes})

    return made


@pytest.fixture(scope="session")
def a_contract() -> Callable[..., Contract]:
    """Makes the contract of the worked example, with changes; `prices` of one unit a year make its lines."""

    def made(*, prices: tuple[str, ...] = ("480000.00",), **changes: Any) -> Contract:
        currency = changes.get("currency", "USD")
        lines = tuple(
            ContractLine(
                line_id=str(place),
                product_code=f"PLAT-{place}",
                description=f"Platform {place}",
                quantity=Decimal(1),
                unit_price=Money(Decimal(price), currency),
            )
            for place, price in enumerate(prices, start=1)
        )
        fields = {
            "contract_id": "C-000001",
            "customer_id": "A-0001",
            "legal_entity": "US",
            "status": "active",
            "currency": "USD",
            "start_date": date(2026, 1, 1),
            "term_months": 12,
            "billing_frequency": "quarterly",
            "billing_timing": "in_advance",
            "price_book": "US Price Book",
            "lines": lines,
        }
        return Contract(**{**fields, **changes})

    return made


@pytest.fixture(scope="session")
def an_order() -> Callable[..., Order]:
    """Makes an order of the retail shop, which needs no system outside, with changes; `lines` are pairs of quantity and price."""

    def made(
        number: str = "536365", *, lines: tuple[tuple[str, str], ...] = (("2", "10.00"),), **changes: Any
    ) -> Order:
        fields = {
            "order_id": number,
            "kind": "order",
            "legal_entity": "UK",
            "order_date": date(2010, 12, 1),
            "currency": "GBP",
            "lines": tuple(
                OrderLine(
                    line_id=str(place),
                    product_code=f"P{place}",
                    quantity=Decimal(quantity),
                    unit_price=Money(Decimal(price), changes.get("currency", "GBP")),
                )
                for place, (quantity, price) in enumerate(lines, start=1)
            ),
            "customer_id": f"customer-{number}",
            "buyer_country": "GB",
        }
        return Order(**{**fields, **changes})

    return made


@pytest.fixture(scope="session")
def an_invoice() -> Callable[..., Invoice]:
    """Makes the taxed first invoice of the worked example, with changes; one line bears all of `net` and `tax`."""

    def made(*, net: str = "120000.00", tax: str = "9600.00", **changes: Any) -> Invoice:
        currency = changes.get("currency", "USD")
        whole, levied = Money(Decimal(net), currency), Money(Decimal(tax), currency)
        line = InvoiceLine(
            line_id="1",
            product_code="PLAT-ENT",
            description="Platform, Enterprise",
            quantity=Decimal(1),
            unit_price=whole,
            net=whole,
            rounding=zero(currency),
        )
        fields = {
            "invoice_id": "C-000001_2026-01-01",
            "document_type": INVOICE,
            "legal_entity": "US",
            "seller": Party(party_id="US", name="Meridian Software Inc.", address=Address(country="US")),
            "buyer": Party(party_id="A-0001", name="Northwind Analytics Corp", address=Address(country="US")),
            "currency": "USD",
            "issue_date": AS_OF,
            "due_date": date(2026, 2, 14),
            "tax_point_date": date(2026, 1, 1),
            "lines": (line,),
            "totals": Totals(net=whole, tax=levied, gross=whole + levied, payable=whole + levied),
            "number": "US-000001",
            "contract_id": "C-000001",
            "billing_timing": "in_advance",
        }
        return Invoice(**{**fields, **changes})

    return made
