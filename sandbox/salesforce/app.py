"""A Salesforce org over HTTP: routes, the session check, and the org's headers on every answer.

Sign in with the invented credentials of `sandbox.salesforce.auth`. Each answer to an API request
carries `Sforce-Limit-Info: api-usage=n/m` (REST API Developer Guide v60.0, "Limit Info Header").
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Lock

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import answers as http
from sandbox.faults import FaultShapes, with_faults
from sandbox.salesforce import auth, describe
from sandbox.salesforce.administration import with_administration
from sandbox.salesforce.answers import Answer, ApiError, not_found
from sandbox.salesforce.calls import Call
from sandbox.salesforce.composite import Composite
from sandbox.salesforce.query import Queries
from sandbox.salesforce.records import Org
from sandbox.salesforce.schema import load_schema
from sandbox.salesforce.seed import load_seed
from sandbox.salesforce.sobject_collections import SObjectCollections
from sandbox.salesforce.sobjects import SObjects
from sandbox.storage import Storage, encode_json

Handler = Callable[[Call], Answer]

_DATA = "/services/data/{version}"


def create_app(storage: Storage, seed: Path, as_of: date) -> ASGIApp:
    """Build the org.

    Args:
        storage: The org's records; the seed is loaded if there are none.
        seed: Root of the seed folders.
        as_of: The day on which the org lives.

    Raises:
        SeedError: A seed file does not fit the org.
    """
    org = Org(storage, load_schema(), as_of)
    if not storage.counts():
        load_seed(org, seed)
    server = _Server(org, auth.Sessions(storage, org.as_of))
    limited, unauthorized = auth.request_limit_exceeded(), auth.session_expired()
    shapes = FaultShapes(rate_limited=_whole(limited.as_answer()), unauthorized=_whole(unauthorized.as_answer()))
    app = _without_final_slash(with_faults(server.app, storage, shapes))
    return with_administration(app, org.schema, storage)


class _Server:
    """The routes of one org and what they share."""

    def __init__(self, org: Org, sessions: auth.Sessions) -> None:
        self._sessions = sessions
        self._calls = 0
        self._lock = Lock()
        self._handlers = self._api(org)
        self.app = Starlette(routes=[*self._open_routes(), *self._api_routes()])

    def _api(self, org: Org) -> dict[str, dict[str, Handler]]:
        """Return the handlers of the API by path and method; the first path that fits decides."""
        objects, collections, queries = SObjects(org), SObjectCollections(org), Queries(org)
        return {
            _DATA: {"GET": lambda call: Answer(200, describe.resources(call.base_path))},
            f"{_DATA}/limits": {"GET": lambda call: Answer(200, describe.limits(self._calls))},
            f"{_DATA}/query": {"GET": queries.query},
            f"{_DATA}/query/{{locator}}": {"GET": queries.more},
            f"{_DATA}/queryAll": {"GET": queries.query_all},
            f"{_DATA}/queryAll/{{locator}}": {"GET": queries.more},
            f"{_DATA}/composite": {"POST": Composite(org, self._dispatch).run},
            f"{_DATA}/composite/sobjects": {
                "POST": collections.create,
                "PATCH": collections.update,
                "DELETE": collections.delete,
            },
            f"{_DATA}/composite/sobjects/{{sobject}}": {"GET": collections.read, "POST": collections.read_posted},
            f"{_DATA}/composite/sobjects/{{sobject}}/{{field}}": {"PATCH": collections.upsert},
            f"{_DATA}/sobjects": {"GET": objects.list_objects},
            f"{_DATA}/sobjects/{{sobject}}": {"GET": objects.object_summary, "POST": objects.create},
            f"{_DATA}/sobjects/{{sobject}}/describe": {"GET": objects.describe},
            f"{_DATA}/sobjects/{{sobject}}/{{id}}": {
                "GET": objects.read,
                "PATCH": objects.update,
                "DELETE": objects.delete,
            },
            f"{_DATA}/sobjects/{{sobject}}/{{field}}/{{value:path}}": {
                "GET": objects.read_by_key,
                "PATCH": objects.upsert,
                "DELETE": objects.delete_by_key,
            },
        }

    def _open_routes(self) -> list[Route]:
        return [
            Route("/services/oauth2/token", self._token, methods=["POST"]),
            Route("/services/oauth2/revoke", self._revoke, methods=["POST"]),
            Route("/services/Soap/u/{version}", self._soap_login, methods=["POST"]),
            Route("/services/data", self._versions),
        ]

    def _api_routes(self) -> list[Route]:
        return [
            *(Route(path, self._rest, methods=list(handlers)) for path, handlers in self._handlers.items()),
            Route("/services/data/{rest:path}", self._rest, methods=["GET", "POST", "PATCH", "PUT", "DELETE"]),
        ]

    async def _token(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        authorization = request.headers.get("authorization", "")
        return _response(auth.issue_token(self._sessions, form, authorization, _own_url(request)))

    async def _revoke(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        return _response(auth.revoke_token(self._sessions, form))

    async def _soap_login(self, request: Request) -> Response:
        version, envelope = request.path_params["version"], await request.body()
        status, xml = auth.soap_login(self._sessions, envelope, _own_url(request), version)
        return Response(xml, status, media_type="text/xml")

    async def _versions(self, request: Request) -> Response:
        return _response(Answer(200, describe.versions()))

    async def _rest(self, request: Request) -> Response:
        call = Call(
            method=request.method,
            path={},
            query=dict(request.query_params),
            headers=dict(request.headers),
            body=await request.body(),
        )
        answer = await run_in_threadpool(self._answer, request.scope["path"], call)
        usage = f"api-usage={self._calls}/{describe.DAILY_API_REQUESTS}"
        return _response(replace(answer, headers={**answer.headers, "Sforce-Limit-Info": usage}))

    def _answer(self, path: str, call: Call) -> Answer:
        with self._lock:
            self._calls += 1
        try:
            self._sessions.check(call.headers.get("authorization", ""))
            return self._dispatch(call.method, path, call)
        except ApiError as error:
            return error.as_answer()

    def _dispatch(self, method: str, path: str, call: Call) -> Answer:
        route, placeholders = _match(self.app.routes, method, path)
        handler = self._handlers.get(route, {}).get(method)
        if handler is None:
            raise _no_such_resource(route in self._handlers, method)
        filled = replace(call, path=placeholders)
        filled.check_version()
        return handler(filled)


def _match(routes: list[BaseRoute], method: str, path: str) -> tuple[str, Mapping[str, str]]:
    scope = {"type": "http", "method": method, "path": path, "root_path": ""}
    for route in routes:
        match, found = route.matches(scope)
        if match is not Match.NONE and isinstance(route, Route):
            return route.path, found["path_params"]
    return "", {}


def _no_such_resource(known_path: bool, method: str) -> ApiError:
    if known_path:
        return ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed.")
    return not_found()


def _own_url(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _response(answer: Answer) -> Response:
    body = b"" if answer.body is None else encode_json(answer.body)
    media_type = None if answer.body is None else "application/json;charset=UTF-8"
    return Response(body, answer.status, dict(answer.headers), media_type)


def _whole(answer: Answer) -> http.Answer:
    return http.Answer(answer.status, encode_json(answer.body), "application/json;charset=UTF-8")


def _without_final_slash(app: ASGIApp) -> ASGIApp:
    """Let `/query/` mean `/query`, as in the org, before faults and routes look at the path."""

    async def trimmed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/_sandbox"):
            scope = {**scope, "path": scope["path"].rstrip("/") or "/"}
        await app(scope, receive, send)

    return trimmed
