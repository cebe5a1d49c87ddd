"""What is said when a version may not become the active one."""

from billhub.promotion.values import Diff
from canonical_model.errors import HubError


class PromotionRefusedError(HubError):
    """The version cannot become active; nothing was changed."""


class EffectNotSeenError(PromotionRefusedError):
    """The effect was not looked at, or is no longer what was looked at; nothing was changed.

    Attributes:
        diff: The effect as it is now.
    """

    def __init__(self, message: str, diff: Diff) -> None:
        super().__init__(message)
        self.diff = diff
