"""Putting the record of one exception back to work: the stage it waits in is run for it."""

from collections import Counter
from collections.abc import Mapping

from billhub import drift, release, sync
from billhub.deliver import drain
from billhub.deliver.engine import retry_exception
from billhub.flows import feeds
from billhub.hub import Hub
from billhub.store import intents, invoices, landed
from billhub.store.engine import reading, transaction
from billhub.store.views import ExceptionView
from canonical_model.errors import ConfigurationError


def put_to_work(hub: Hub, exception: ExceptionView) -> Mapping[str, int]:
    """Run what the exception's record waits for. Returns what that did.

    Raises:
        HubError: The stage cannot be run now; the record stays put to work.
    """
    with transaction(hub.engine) as connection:
        stage = retry_exception(connection, hub, exception.exception_id)
    return {"sync": _sync, "release": _release, "deliver": _deliver}[stage](hub, exception)


def _sync(hub: Hub, exception: ExceptionView) -> Mapping[str, int]:
    source, entity, _ = exception.subject_id.split("/", 2)
    feed = next((each for each in feeds() if (each.source, each.entity) == (source, entity)), None)
    if feed is None:
        raise ConfigurationError(f"no flow maps {source}/{entity} any more; see dags/flows")
    with transaction(hub.engine) as connection:
        landed.reset_excepted(connection, feed.entity)
        drift.review(connection, hub, feed, drift.screen_of(hub, feed).contract)
    return sync.sync(hub, feed)


def _release(hub: Hub, exception: ExceptionView) -> Mapping[str, int]:
    counts = Counter(release.plan(hub))
    with reading(hub.engine) as connection:
        row = invoices.find(connection, exception.invoice_id) if exception.invoice_id else None
    if row is None:
        return counts
    batch = (row["seq"] - 1, row["seq"])
    done = Counter(release.check_batch(hub, batch))
    done.update(release.tax_batch(hub, batch))
    done.update(release.route_approvals(hub))
    done.update(release.release_ready(hub))
    return done


def _deliver(hub: Hub, exception: ExceptionView) -> Mapping[str, int]:
    """The delivery's target first, then those that waited for it."""
    with reading(hub.engine) as connection:
        rows = intents.of_invoice(connection, exception.invoice_id or "")
    targets = dict.fromkeys([exception.subject_id.split(":")[0], *(row["target"] for row in rows)])
    counts: Counter[str] = Counter()
    for target in targets:
        counts.update(drain(hub, target))
    return counts
