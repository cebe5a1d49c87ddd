"""The whole story of one invoice as one typed value: what the CLI and the console show, and nothing they would have to look up themselves.

From the contract and its billing schedule over the records it was made from, its checks, its tax and its approvals to its postings, deliveries and
audit trail.
"""

from billhub.story.explained import InvoiceExplanation
from billhub.story.explaining import explain
from billhub.story.telling import story
from billhub.story.values import (
    Check,
    InvoiceStory,
    Posting,
    Schedule,
    SchedulePeriod,
    SourceRecord,
    UnknownInvoiceError,
)

__all__ = [
    "story",
    "explain",
    "InvoiceExplanation",
    "InvoiceStory",
    "Schedule",
    "SchedulePeriod",
    "SourceRecord",
    "Check",
    "Posting",
    "UnknownInvoiceError",
]
