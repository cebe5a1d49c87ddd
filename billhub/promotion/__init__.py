"""Promotion: what a change to a mapping would do to past traffic, and the decision that it becomes the active version, or no longer is.

`diff` reads and writes nothing. `promote` and `roll_back` write one row and one audit entry each, and put records back to work where that is asked.
"""

from billhub.promotion.diff import diff
from billhub.promotion.promoting import promote
from billhub.promotion.references import Version, on_disk, resolve
from billhub.promotion.refusal import EffectNotSeenError, PromotionRefusedError
from billhub.promotion.rolling_back import roll_back
from billhub.promotion.values import Change, Diff
from billhub.promotion.versions import VersionView, versions

__all__ = [
    "resolve",
    "on_disk",
    "Version",
    "versions",
    "VersionView",
    "diff",
    "Diff",
    "Change",
    "promote",
    "roll_back",
    "PromotionRefusedError",
    "EffectNotSeenError",
]
