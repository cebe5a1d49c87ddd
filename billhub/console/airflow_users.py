"""The console inside Airflow's API server: Airflow says who is asking and what they may do.

Airflow does not protect the app of a plugin; its authentication is the app's own business (Airflow 3.3 documentation, "Plugins"). Reading takes the
right to see the questions of the release's DAG, acting takes the right to answer them, which is what Airflow asks of those who answer its Required
Actions: with the simple auth manager every role from `user` up, with FAB the permission to edit HITL details, and never a viewer.
"""

from typing import Any

from fastapi import FastAPI, HTTPException, Request

from billhub.console.access import User
from billhub.console.app import create_app
from billhub.console.errors import NotAllowedError, NotSignedInError

RELEASE_DAG = "invoice_release"


def airflow_console() -> FastAPI:
    """The console for Airflow's users."""
    from airflow.configuration import conf

    return create_app(user_of=airflow_user, login_url=airflow_login_url, secret=conf.get("api", "secret_key"))


async def airflow_user(request: Request) -> User:
    """The Airflow user of a request, from its bearer token or the cookie of the session; Airflow's username is the hub's actor.

    Raises:
        NotSignedInError: There is no token, or it is not good any more.
        NotAllowedError: The user may not see the release.
    """
    from airflow.api_fastapi.core_api.security import bearer_scheme, get_user

    try:
        user = await get_user(request, None, await bearer_scheme(request))
    except HTTPException as error:
        raise NotSignedInError(f"Airflow says: {error.detail}") from None
    if not _may(user, "GET"):
        raise NotAllowedError(
            f"{user.get_name()} may not see the DAG {RELEASE_DAG}",
            rule="may_read",
            next_step="Ask an administrator of Airflow for the right to read it.",
        )
    return User(username=user.get_name(), may_act=_may(user, "PUT"))


def airflow_login_url(back_to: str) -> str:
    """Airflow's page to sign in on, whichever auth manager it has."""
    from airflow.api_fastapi.app import get_auth_manager

    return str(get_auth_manager().get_url_login(next_url=back_to))


def _may(user: Any, method: Any) -> bool:
    """Asked of a DAG, because of a plugin's own view the simple auth manager lets viewers do everything (Airflow 3.3.2)."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

    allowed: bool = get_auth_manager().is_authorized_dag(
        method=method, access_entity=DagAccessEntity.HITL_DETAIL, details=DagDetails(id=RELEASE_DAG), user=user
    )
    return allowed
