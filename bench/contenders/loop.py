"""The loop: parse, map, check, upsert with an outbox, 1,000 a transaction, fully durable. No versions, no raw records, no audit."""

import json

from measured import report
from shape import CHUNK, COLUMNS, lines_of, row
from stores import with_outbox


def main(file: str, url: str) -> None:
    """Bring in all orders."""
    insert = with_outbox(url)
    batch = []
    for line in lines_of(file):
        made = row(json.loads(line))
        batch.append(tuple(made[name] for name in COLUMNS))
        if len(batch) == CHUNK:
            insert(batch)
            batch.clear()
    insert(batch)


if __name__ == "__main__":
    report(main)
