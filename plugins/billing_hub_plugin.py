"""The Airflow plugin of the hub: the operations console below `/billing-hub`, with a place in the sidebar."""

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

PREFIX = "/billing-hub"


def _path_of_airflow() -> str:
    """Where Airflow itself is mounted; a path only, so that the page comes from the host the user is on, with its cookie."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


class Console:
    """The console as an ASGI app that is built when the first request comes.

    Every task process loads the plugins folder, and only the API server serves it: the console's imports would cost each task a second.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        await _app()(scope, receive, send)


class BillingHubPlugin(AirflowPlugin):
    """What Airflow is told."""

    name = "billing_hub"
    fastapi_apps: list[Any] = [{"app": Console(), "url_prefix": PREFIX, "name": "Billing hub"}]  # noqa: RUF012
    external_views: list[Any] = [  # noqa: RUF012 - Airflow reads plain class attributes
        {
            "name": "Billing hub",
            "href": f"{_path_of_airflow()}{PREFIX}/",
            "destination": "nav",
            "url_route": "billing-hub",
            "nav_top_level": True,
        }
    ]


@cache
def _app() -> Any:
    from billhub.console.airflow_users import airflow_console  # noqa: PLC0415 - see Console

    return airflow_console()
