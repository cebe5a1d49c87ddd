"""What is said when a version may not become the active one."""

from canonical_model.errors import HubError


class PromotionRefusedError(HubError):
    """The version cannot become active, or what was looked at is no longer what would happen; nothing was changed."""
