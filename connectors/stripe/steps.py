"""One step of a write under Stripe's idempotency keys.

Stripe stores the first answer under a key, a server error too, and replays it for as long as it keeps the key, which is 24 hours at least (API
reference, "Idempotent requests", read 2026-11). A replayed server error therefore means: that attempt is over, it may have left something behind,
and the same key will never help again. So we look, and only if nothing is there the step begins a new generation.
"""

import hashlib
from collections.abc import Callable

from connectors.errors import AmbiguousWriteError
from connectors.stripe.client import Object, ReplayedFailureError

_GENERATIONS = 5
_LONGEST = 200  # of 255 characters, to leave room for step and generation


def once(key: str, step: str, *, attempt: Callable[[str], Object], look: Callable[[], Object | None]) -> Object:
    """Do a step with one effect, however often it is tried.

    Args:
        key: Ours, of the record.
        step: Name of the step within the record.
        attempt: Sends the request under the idempotency key it is given.
        look: Finds what an earlier attempt has left.

    Raises:
        AmbiguousWriteError: No answer, or a server error that is not a replay; or every generation ended in one.
        ConnectorError: As `attempt` and `look` raise.
    """
    base = key if len(key) <= _LONGEST else hashlib.sha256(key.encode()).hexdigest()
    for generation in range(_GENERATIONS):
        try:
            return attempt(f"{base}/{step}/{generation}")
        except ReplayedFailureError:
            found = look()
            if found is not None:
                return found
    raise AmbiguousWriteError(
        f"{step} ended in a server error {_GENERATIONS} times", connector="stripe", operation=step
    )
