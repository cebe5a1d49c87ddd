"""Access: who is asking, what they may do, and whether a change was really asked for from the console's own pages.

One gate stands before every route. Reading needs a signed-in user; every other method needs one who may act, and, where the browser sends the
identity by itself (a cookie), a request from this origin. Pages add a signed token in each form.
"""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from fastapi import Depends, Form, Request
from itsdangerous import BadData, URLSafeTimedSerializer

from billhub.console.errors import NotAllowedError

FORM_SECONDS = 12 * 3600
_SALT = "billing-hub form"
_READING = ("GET", "HEAD")

UserOf = Callable[..., Any]
"""A FastAPI dependency that gives the `User` of a request or raises `NotSignedInError` or `NotAllowedError`."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking.

    Attributes:
        username: The hub's actor; what four eyes compares.
        may_act: Whether they may decide and change, not only read.
    """

    username: str
    may_act: bool


def gate(user_of: UserOf) -> Callable[..., None]:
    """The dependency that stands before every route; it leaves the user in `request.state.user`."""

    def stand_guard(request: Request, user: Annotated[User, Depends(user_of)]) -> None:
        if request.method not in _READING:
            _require_right_to_act(user)
            _require_same_origin(request)
        request.state.user = user

    return stand_guard


def form_token(secret: str, user: User) -> str:
    """What a form carries to show that the console made it for this user."""
    return str(URLSafeTimedSerializer(secret, salt=_SALT).dumps(user.username))


def own_form(request: Request, token: Annotated[str, Form()] = "") -> None:
    """The dependency before every form's target.

    Raises:
        NotAllowedError: The form is not the console's, is another user's, or is older than `FORM_SECONDS`.
    """
    serializer = URLSafeTimedSerializer(request.app.state.secret, salt=_SALT)
    try:
        made_for = serializer.loads(token, max_age=FORM_SECONDS)
    except BadData:
        made_for = None
    if made_for != request.state.user.username:
        raise NotAllowedError(
            "this form was not made by the console for you, or is too old",
            rule="own_form",
            next_step="Load the page again and repeat the decision.",
        )


def _require_right_to_act(user: User) -> None:
    if not user.may_act:
        raise NotAllowedError(
            f"{user.username} may look, but not decide or change",
            rule="may_act",
            next_step="Ask an operator, or ask an administrator for a role above viewer.",
        )


def _require_same_origin(request: Request) -> None:
    """A bearer token is sent on purpose; a cookie is sent by the browser, whoever made it send the request."""
    if _has_bearer(request) or _is_same_origin(request):
        return
    raise NotAllowedError(
        "the request carries a cookie but does not come from the console's own pages",
        rule="same_origin",
        next_step="Use the console's pages, or send a bearer token.",
    )


def _has_bearer(request: Request) -> bool:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(credentials)


def _is_same_origin(request: Request) -> bool:
    """By Sec-Fetch-Site; browsers leave it out on plain http, where Origin has to name this host."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin", "")
    return urlsplit(origin).netloc == request.headers.get("host")
