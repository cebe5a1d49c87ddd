"""Deliver: every intent written down by the release is carried out exactly once in effect, whatever happens on the way."""

from billhub.deliver.engine import deliver_due, drain, retry_rejected

__all__ = ["deliver_due", "drain", "retry_rejected"]
