"""Release: what is due becomes a draft, is checked, taxed, approved, numbered and released, in that order.

Every step takes what the one before left in the store, so each can be run again, alone, and by several workers.
"""

from collections import Counter
from collections.abc import Mapping

from billhub.billing import plan
from billhub.hub import Hub
from billhub.release.approve import approval_reason, route_approvals
from billhub.release.batches import Batch, batches
from billhub.release.check import WORK as UNCHECKED
from billhub.release.check import check_batch
from billhub.release.number import release_ready
from billhub.release.tax import tax_batch

__all__ = [
    "UNCHECKED",
    "Batch",
    "approval_reason",
    "batches",
    "check_batch",
    "plan",
    "release_due",
    "release_ready",
    "route_approvals",
    "tax_batch",
]


def release_due(hub: Hub) -> Mapping[str, int]:
    """The whole of it, in one process. Returns the counts of the last steps."""
    counts: Counter[str] = Counter()
    counts.update(plan(hub))
    for batch in batches(hub, UNCHECKED):
        counts.update(check_batch(hub, batch))
    for batch in batches(hub, ("checked",)):
        counts.update(tax_batch(hub, batch))
    counts.update(route_approvals(hub))
    counts.update(release_ready(hub))
    return dict(counts)
