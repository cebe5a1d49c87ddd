"""The composite resource: up to 25 requests in one call, later ones using earlier answers.

Source: REST API Developer Guide v60.0, "Composite". A subrequest refers to another's answer as
`@{referenceId.path}`, in its URL or body; what depends on a failed one answers `PROCESSING_HALTED`.
With `allOrNone` one failure undoes all. (A collections call inside it should not set its own
`allOrNone`: transactions here do not nest.)
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.salesforce.answers import Answer, ApiError
from sandbox.salesforce.calls import Call
from sandbox.salesforce.records import Org
from sandbox.storage import decode_json, encode_json

MAX_SUBREQUESTS = 25

_REQUIRED_KEYS = ("method", "url", "referenceId")
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_HALTED = "The transaction was rolled back since another operation in the same transaction failed."

Dispatch = Callable[[str, str, Call], Answer]
"""Answers a subrequest: method, path, and the call without its placeholders."""


class Composite:
    """Handler of the composite resource of one org."""

    def __init__(self, org: Org, dispatch: Dispatch) -> None:
        """Serve `org`, sending subrequests through `dispatch`."""
        self._org = org
        self._dispatch = dispatch

    def run(self, call: Call) -> Answer:
        """Answer `POST /composite`."""
        body = call.json_object()
        requests = _subrequests(body)
        try:
            with self._org.transaction():
                results = self._run_all(requests, call)
                if body.get("allOrNone") is True and any(_failed(result) for result in results):
                    raise _RolledBackError(results)
        except _RolledBackError as error:
            results = [
                result if _failed(result) else _halted(result["referenceId"], _HALTED) for result in error.results
            ]
        return Answer(200, {"compositeResponse": results})

    def _run_all(self, requests: list[dict[str, Any]], call: Call) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        known: dict[str, Any] = {}
        for request in requests:
            result = self._run_one(request, call, known)
            results.append(result)
            if not _failed(result):
                known[request["referenceId"]] = decode_json(encode_json(result["body"]))
        return results

    def _run_one(self, request: Mapping[str, Any], call: Call, known: Mapping[str, Any]) -> dict[str, Any]:
        reference = str(request["referenceId"])
        try:
            filled = _fill(dict(request), known)
        except LookupError as error:
            return _halted(reference, f"Invalid reference specified. No value for {error} found in {reference}")
        try:
            answer = self._answer(filled, call)
        except ApiError as error:
            answer = error.as_answer()
        return {
            "body": answer.body,
            "httpHeaders": dict(answer.headers),
            "httpStatusCode": answer.status,
            "referenceId": reference,
        }

    def _answer(self, request: Mapping[str, Any], call: Call) -> Answer:
        url = urlsplit(request["url"])
        headers = {**call.headers, **{k.lower(): str(v) for k, v in request.get("httpHeaders", {}).items()}}
        body = encode_json(request["body"]) if "body" in request else b""
        inner = Call(request["method"].upper(), {}, dict(parse_qsl(url.query)), headers, body)
        return self._dispatch(inner.method, unquote(url.path), inner)


class _RolledBackError(Exception):
    """Ends the transaction of a composite request of which one part failed."""

    def __init__(self, results: list[dict[str, Any]]) -> None:
        super().__init__("rolled back")
        self.results = results


def _subrequests(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    requests = body.get("compositeRequest")
    if not isinstance(requests, list) or not all(_well_formed(request) for request in requests):
        message = "compositeRequest must list requests with method, url and referenceId at [line:1, column:1]"
        raise ApiError(400, "JSON_PARSER_ERROR", message)
    if len(requests) > MAX_SUBREQUESTS:
        message = f"Limit on number of operations exceeded: {MAX_SUBREQUESTS}"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    return requests


def _well_formed(request: Any) -> bool:
    return isinstance(request, dict) and all(isinstance(request.get(key), str) for key in _REQUIRED_KEYS)


def _fill(value: Any, known: Mapping[str, Any]) -> Any:
    """Replace references in every text of a subrequest.

    Raises:
        LookupError: A reference to an answer, or a part of it, that is not there.
    """
    if isinstance(value, dict):
        return {key: _fill(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, known) for item in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _look_up(whole, known)
    return _REFERENCE.sub(lambda match: str(_look_up(match, known)), value)


def _look_up(match: re.Match[str], known: Mapping[str, Any]) -> Any:
    found: Any = known[match[1]]
    for name, place in _STEP.findall(match[2]):
        found = found[int(place)] if place else found[name]
    return found


def _failed(result: Mapping[str, Any]) -> bool:
    return int(result["httpStatusCode"]) >= 400


def _halted(reference: str, message: str) -> dict[str, Any]:
    body = [{"errorCode": "PROCESSING_HALTED", "message": message}]
    return {"body": body, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": reference}
