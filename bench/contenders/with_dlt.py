"""dlt: the mapped records merged by their key; without an outbox."""

import json
import os
import tempfile
from collections.abc import Iterator
from urllib.parse import urlsplit

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
os.environ.setdefault("RUNTIME__LOG_LEVEL", "ERROR")

import dlt
from measured import report
from shape import lines_of, row


def main(file: str, url: str) -> None:
    """Bring in all orders."""
    if url.startswith("sqlite"):
        destination = dlt.destinations.sqlalchemy(url)
    else:  # dlt asks for a password even where the server asks for none
        destination = dlt.destinations.postgres(
            url if ":" in urlsplit(url).netloc.split("@")[0] else url.replace("@", ":none@", 1)
        )

    @dlt.resource(name="orders", write_disposition="merge", primary_key="order_id")
    def orders() -> Iterator[dict[str, str]]:
        for line in lines_of(file):
            yield row(json.loads(line))

    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=destination, dataset_name="bench")
        pipeline.run(orders())


if __name__ == "__main__":
    report(main)
