"""The operations console: pages and a REST API over the store, for the people who watch runs, work exceptions and approve.

It is a FastAPI app that knows nothing of Airflow; `plugins/billing_hub_plugin.py` mounts it into Airflow's API server and tells it who is asking.
"""

from billhub.console.access import User
from billhub.console.app import create_app
from billhub.console.errors import NotAllowedError, NotSignedInError

__all__ = ["create_app", "User", "NotSignedInError", "NotAllowedError"]
