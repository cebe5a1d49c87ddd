"""What the company has decided, as one typed, versioned value read from `policy.yaml`."""

from billhub.policy.loading import load
from billhub.policy.model import EntityPolicy, ExceptionPolicy, OrderAction, Policy

__all__ = ["EntityPolicy", "ExceptionPolicy", "OrderAction", "Policy", "load"]
