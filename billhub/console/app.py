"""The app: one gate before every route, one shape for every error, and headers that keep pages from being cached or embedded elsewhere."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, RedirectResponse

from billhub.console import api, forms, pages
from billhub.console.access import UserOf, gate
from billhub.console.errors import ConsoleError, NotSignedInError, Problem
from billhub.console.rendering import error_page
from billhub.story import UnknownInvoiceError
from canonical_model.encoding import encode
from canonical_model.errors import HubError

STYLE = Path(__file__).parent / "console.css"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",  # "no-referrer" would make browsers hide the Origin of our own forms
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def create_app(*, user_of: UserOf, login_url: Callable[[str], str], secret: str) -> FastAPI:
    """The console as an app to be mounted anywhere.

    Args:
        user_of: FastAPI dependency that gives the `User` of a request, or raises `NotSignedInError` or `NotAllowedError`.
        login_url: Gives the page to sign in on, for the path to come back to.
        secret: Signs the tokens of forms; the same in every process that serves the console.
    """
    app = FastAPI(
        title="Billing hub console",
        dependencies=[Depends(gate(user_of))],
        docs_url=None,  # they would stand outside the gate; the API serves its own description behind it
        redoc_url=None,
        openapi_url=None,
    )
    app.state.login_url, app.state.secret = login_url, secret
    for router in (api.router, pages.router, forms.router):
        app.include_router(router)
    app.get("/console.css")(_style)
    app.exception_handler(HubError)(_on_error)
    app.exception_handler(RequestValidationError)(_on_bad_input)
    app.middleware("http")(_with_headers)
    return app


def _style() -> FileResponse:
    return FileResponse(STYLE, media_type="text/css")


def _on_error(request: Request, error: Exception) -> Response:
    if isinstance(error, NotSignedInError) and not _is_api(request):
        return RedirectResponse(request.app.state.login_url(_back_to(request)), status_code=303)
    if isinstance(error, ConsoleError):
        return _answer(request, error.status, error.problem)
    if isinstance(error, UnknownInvoiceError):
        return _answer(
            request, 404, Problem(message=str(error), rule="exists", next_step="Look it up in the list of invoices.")
        )
    next_step = "Mend the setting that the message names."
    return _answer(request, 503, Problem(message=str(error), rule="configuration", next_step=next_step))


def _on_bad_input(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise TypeError("only registered for errors of validation") from error
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    problem = Problem(
        message=f"{field}: {first['msg']}",
        record=request.url.path,
        field=field,
        rule=str(first["type"]),
        next_step="Correct the field and send the request again.",
    )
    return _answer(request, 422, problem)


def _answer(request: Request, status: int, problem: Problem) -> Response:
    if _is_api(request):
        return Response(encode({"error": problem}), status_code=status, media_type="application/json")
    return error_page(request, status, problem)


def _is_api(request: Request) -> bool:
    inside: str = request.url.path.removeprefix(request.scope.get("root_path", ""))
    return inside.startswith("/api/")


def _back_to(request: Request) -> str:
    """Where to go after signing in: the page asked for; after a form, which cannot be sent again by itself, the first page."""
    if request.method != "GET":
        return f"{request.scope.get('root_path', '')}/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


async def _with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
