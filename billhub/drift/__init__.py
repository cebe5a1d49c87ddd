"""Schema drift: a source gives, or says it will give, something else than its contract promises.

Each cause is one row with one place on the exception desk, however many records have it. Records with it go on, wait or are refused, as the contract
says, until a person decides; the decision holds for the records that come after it too, for as long as the contract does not say otherwise.
"""

from billhub.drift.decisions import DecisionRefusedError, decide, review
from billhub.drift.describing import Description, can_describe, check, compare, counted, described
from billhub.drift.observing import observe
from billhub.drift.recording import Drifted, record
from billhub.drift.screening import screen_of

__all__ = [
    "screen_of",
    "record",
    "observe",
    "Drifted",
    "decide",
    "DecisionRefusedError",
    "review",
    "can_describe",
    "check",
    "counted",
    "described",
    "compare",
    "Description",
]
