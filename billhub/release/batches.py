"""Batches of invoices: ranges of sequence numbers, small enough to travel between tasks."""

from billhub.hub import Hub
from billhub.store import invoices
from billhub.store.engine import reading

Batch = tuple[int, int]
"""Sequence numbers: above the first, up to and including the second."""


def batches(hub: Hub, states: tuple[str, ...], *, size: int = 1000, most: int = 40) -> list[Batch]:
    """The invoices in these states, in batches of about `size`, at most `most` of them."""
    with reading(hub.engine) as connection:
        seqs = invoices.seqs(connection, states)
    size = max(size, -(-len(seqs) // most))
    return [(part[0] - 1, part[-1]) for part in (seqs[start : start + size] for start in range(0, len(seqs), size))]
