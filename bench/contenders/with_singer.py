"""The Singer SDK: the mapped records as messages of a tap to a target made with it; without an outbox.

On PostgreSQL the target is MeltanoLabs' own, which upserts by key. For SQLite there is the SDK's generic sink, which only appends:
less than the others do.
"""

import io
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from measured import report
from shape import COLUMNS, lines_of, row
from singer_sdk import typing
from singer_sdk.sql import SQLConnector, SQLSink, SQLTarget

_SCHEMA = typing.PropertiesList(*(typing.Property(name, typing.StringType) for name in COLUMNS)).to_dict()


class _Connector(SQLConnector):
    allow_temp_tables = False


class _Sink(SQLSink):
    connector_class = _Connector
    max_size = 1000


class _Target(SQLTarget):
    name = "target-bench"
    config_jsonschema = typing.PropertiesList(typing.Property("sqlalchemy_url", typing.StringType)).to_dict()
    default_sink_class = _Sink


def main(file: str, url: str) -> None:
    """Bring in all orders."""
    _target(url).listen(_Messages(file))


def _target(url: str) -> SQLTarget:
    if url.startswith("sqlite"):
        return _Target(config={"sqlalchemy_url": url})
    from target_postgres.target import TargetPostgres

    parts = urlsplit(url)
    place = {
        "host": parts.hostname,
        "port": parts.port or 5432,
        "user": parts.username,
        "database": parts.path.lstrip("/"),
    }
    return TargetPostgres(
        config={**place, "password": parts.password or "none", "load_method": "upsert", "batch_size_rows": 1000}
    )


class _Messages(io.TextIOBase):
    """What a tap would write, line by line."""

    def __init__(self, file: str) -> None:
        self._lines = _messages(file)

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        return self._lines


def _messages(file: str) -> Iterator[str]:
    yield json.dumps({"type": "SCHEMA", "stream": "orders", "schema": _SCHEMA, "key_properties": ["order_id"]})
    for line in lines_of(file):
        yield json.dumps({"type": "RECORD", "stream": "orders", "record": row(json.loads(line))})


if __name__ == "__main__":
    report(main)
