"""What an administrator changes in the org under Setup > Object Manager while it runs.

    PUT    /_sandbox/schema/{object}/{field}   add a field, or give it another type; the body is as in `objects.yaml`
    DELETE /_sandbox/schema/{object}/{field}   remove a field

Records keep what stands in a field that is removed, as Salesforce does while a deleted field can be restored; queries and descriptions know it no
more. The changes last as long as the process.
"""

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.answers import json_response
from sandbox.salesforce.schema import Schema, field_from
from sandbox.storage import Storage, decode_json

_PATH = "/_sandbox/schema/"


def with_administration(app: ASGIApp, schema: Schema, storage: Storage) -> ASGIApp:
    """Put the endpoints in front of an org's app."""
    administration = _Administration(schema, storage)
    place = f"{_PATH}{{object}}/{{field}}"
    own = Starlette(
        routes=[
            Route(place, administration.put, methods=["PUT"]),
            Route(place, administration.remove, methods=["DELETE"]),
        ]
    )

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        is_own = scope["type"] == "http" and scope["path"].startswith(_PATH)
        await (own if is_own else app)(scope, receive, send)

    return answer


class _Administration:
    def __init__(self, schema: Schema, storage: Storage) -> None:
        self._schema, self._storage = schema, storage

    async def put(self, request: Request) -> Response:
        name = request.path_params["field"]
        try:
            spec = field_from(name, decode_json(await request.body()))
        except msgspec.ValidationError as error:
            return json_response({"error": str(error)}, 400)
        kind = request.path_params["object"]
        found = self._schema.put_field(kind, spec)
        for record in list(self._storage.list(kind)) if found else ():
            self._storage.patch(kind, record["Id"], {name: record.get(name)})  # a new field is empty
        return _done(found)

    async def remove(self, request: Request) -> Response:
        return _done(self._schema.remove_field(request.path_params["object"], request.path_params["field"]))


def _done(found: bool) -> Response:
    return Response(status_code=204 if found else 404)
