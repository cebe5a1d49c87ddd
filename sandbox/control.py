"""The control endpoints every stand-in has beside the vendor's own, below `/_sandbox/`.

    POST   /_sandbox/faults               switch a fault on (see `sandbox.faults`)
    GET    /_sandbox/faults               the faults, with what is left of their `times` and `after`
    DELETE /_sandbox/faults               switch all faults off
    GET    /_sandbox/requests             how often each operation was called since the process started
    DELETE /_sandbox/requests             start counting again
    GET    /_sandbox/count                how many objects of each kind are stored
    GET    /_sandbox/objects/{kind}       all objects of a kind, in insertion order
    PATCH  /_sandbox/objects/{kind}/{id}  set some fields of an object
    DELETE /_sandbox/objects/{kind}/{id}  remove an object

Salesforce has one more, to change the org's schema: see `sandbox.salesforce.administration`.

They let a test count from the vendor's side, without trusting the connector it tests, and mend what
a seed has planted, as somebody would in the vendor's own administration.
"""

from collections.abc import Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.answers import json_response
from sandbox.fault_rules import FaultBoard, FaultRule, rule_from_json
from sandbox.storage import Storage, decode_json, encode_json


def control_app(storage: Storage, board: FaultBoard) -> Starlette:
    """Build the control endpoints over one system's storage and fault board."""
    control = _Control(storage, board)
    return Starlette(
        routes=[
            Route("/_sandbox/faults", control.faults, methods=["GET", "POST", "DELETE"]),
            Route("/_sandbox/requests", control.requests, methods=["GET", "DELETE"]),
            Route("/_sandbox/count", control.count),
            Route("/_sandbox/objects/{kind}", control.objects),
            Route("/_sandbox/objects/{kind}/{id:path}", control.one_object, methods=["PATCH", "DELETE"]),
        ]
    )


class _Control:
    def __init__(self, storage: Storage, board: FaultBoard) -> None:
        self._storage = storage
        self._board = board

    async def faults(self, request: Request) -> Response:
        if request.method == "POST":
            return _add_rule(self._board, await request.body())
        if request.method == "DELETE":
            self._board.rules.clear()
        return json_response([_rule_json(rule) for rule in self._board.rules])

    async def requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._board.requests.clear()
        return json_response(dict(self._board.requests))

    async def count(self, request: Request) -> Response:
        return json_response(self._storage.counts())

    async def objects(self, request: Request) -> Response:
        body = _json_array(self._storage, request.path_params["kind"])
        return StreamingResponse(body, media_type="application/json")

    async def one_object(self, request: Request) -> Response:
        key = request.path_params["kind"], request.path_params["id"]
        if request.method == "DELETE":
            return Response(status_code=204 if self._storage.delete(*key) else 404)
        body = self._storage.patch(*key, decode_json(await request.body()))
        return Response(status_code=404) if body is None else json_response(body)


def _add_rule(board: FaultBoard, body: bytes) -> Response:
    try:
        rule = rule_from_json(decode_json(body))
    except ValueError as error:
        return json_response({"error": str(error)}, 400)
    board.rules.append(rule)
    return json_response(_rule_json(rule), 201)


def _rule_json(rule: FaultRule) -> dict[str, Any]:
    return {"match": rule.match, "fault": rule.fault, "times": rule.times, "after": rule.after}


def _json_array(storage: Storage, kind: str) -> Iterator[bytes]:
    separator = b"["
    for body in storage.list(kind):
        yield separator + encode_json(body)
        separator = b","
    yield b"[]" if separator == b"[" else b"]"
