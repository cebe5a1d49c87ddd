"""What the records of a feed are held against."""

from functools import lru_cache

import mappings
from billhub.flows import Feed
from billhub.hub import Hub
from mappings.contracts import implied
from mappings.screen import Screen


def screen_of(hub: Hub, feed: Feed) -> Screen:
    """The contract beside the mapping of a feed, or where there is none what the active mapping implies.

    Raises:
        MappingError: The contract is not sound, or does not fit its mapping.
    """
    return _stated(feed.mapping) or Screen(implied(hub.mapping(feed.mapping).definition))


@lru_cache(maxsize=64)
def _stated(name: str) -> Screen | None:
    contract = mappings.contract(name) if name in mappings.names() else None
    return None if contract is None else Screen(contract)
