"""The floor: parse, and insert what came. Nothing is mapped, checked or known again."""

import json

from measured import report
from shape import CHUNK, lines_of
from stores import bare


def main(file: str, url: str) -> None:
    """Insert every record under its number, 1,000 a transaction, fully durable."""
    insert = bare(url)
    batch = []
    for line in lines_of(file):
        batch.append((json.loads(line)["InvoiceNo"], line.decode()))
        if len(batch) == CHUNK:
            insert(batch)
            batch.clear()
    insert(batch)


if __name__ == "__main__":
    report(main)
