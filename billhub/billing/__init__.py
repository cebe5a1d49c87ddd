"""Billing: from what is signed or ordered to invoice drafts, one for each thing that is due."""

from billhub.billing.draft import approval_content
from billhub.billing.plan import plan

__all__ = ["approval_content", "plan"]
