"""NetSuite's SOAP endpoint as an ASGI app.

- `GET /wsdl/v2023_2_0/netsuite.wsdl`: the WSDL, with this stand-in as service address
- `GET /xsd/{area}/v2023_2_0/{name}.xsd`: the XSDs it imports
- `POST /services/NetSuitePort_2023_2`: the web service
- `GET /_sandbox/trial_balance`: the general ledger by subsidiary, currency and account
- `POST /_sandbox/seed/{name}`: what a person would change on NetSuite's screens: the JSON object of
  a row of Customer.csv or SalesOrder.csv, which replaces the record of its external id
"""

from datetime import date
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from sandbox.answers import Answer, json_response
from sandbox.faults import FaultShapes, with_faults
from sandbox.netsuite.auth import Gate, credentials_from, invalid_login
from sandbox.netsuite.books import Books
from sandbox.netsuite.contract import VERSION
from sandbox.netsuite.posting import trial_balance
from sandbox.netsuite.reference import load_reference
from sandbox.netsuite.refusal import RefusedError
from sandbox.netsuite.seed import load_seed, put_row
from sandbox.netsuite.service import Service
from sandbox.netsuite.soap import SoapFaultError, fault_answer
from sandbox.netsuite.vocabulary import SCHEMAS
from sandbox.netsuite.wsdl import PATH, schema_path, schema_text, wsdl_text
from sandbox.storage import Storage, decode_json, encode_json

MAX_REQUEST_BYTES = 100 * 1024 * 1024
"""NetSuite help, "SOAP Web Services Governance Overview" (section_N3418637)."""


def too_many_requests() -> SoapFaultError:
    """Return the fault of a request above the account's concurrency limit.

    Source: NetSuite help, "Errors Related to Concurrency Violations" (bridgehead_1525252812): with
    token-based authentication it is ExceededConcurrentRequestLimitFault with WS_REQUEST_BLOCKED. (HTTP
    400 with SSS_REQUEST_LIMIT_EXCEEDED is what a RESTlet answers; it is no FaultCodeType.)
    """
    message = "SuiteTalk concurrent request limit exceeded. Request blocked."
    return SoapFaultError("ExceededConcurrentRequestLimitFault", "WS_REQUEST_BLOCKED", message)


def request_limit_exceeded() -> Answer:
    """Return the answer of the account-wide request limit: HTTP 400, before SOAP is looked at.

    SSS_REQUEST_LIMIT_EXCEEDED is no FaultCodeType of the WSDL; the body has the shape in which NetSuite writes SSS_ errors elsewhere
    (NetSuite help, "Supported HTTP Status Codes and Error Codes for RESTlets").
    """
    error = {
        "code": "SSS_REQUEST_LIMIT_EXCEEDED",
        "message": "Request Limit Exceeded. The maximum number of requests was reached.",
    }
    return Answer(400, encode_json({"error": error}))


class Endpoint:
    """The web service over HTTP, with the account's concurrency limit in front."""

    def __init__(self, service: Service, limit: int | None) -> None:
        """Serve; `limit` is the number of requests that may be under way at once, None: any."""
        self._service = service
        self._limit = limit
        self._under_way = 0

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if self._limit is not None and self._under_way >= self._limit:
            await request.body()
            return _response(fault_answer(too_many_requests()))
        self._under_way += 1
        try:
            return _response(await self._answer(request))
        finally:
            self._under_way -= 1

    async def _answer(self, request: Request) -> Answer:
        text = await request.body()
        if len(text) > MAX_REQUEST_BYTES:
            message = f"The request is larger than {MAX_REQUEST_BYTES} bytes."
            return fault_answer(SoapFaultError("ExceededRequestSizeFault", "USER_ERROR", message))
        return await run_in_threadpool(self._service.answer, text, _base_url(request))


def _base_url(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers), answer.media_type)


async def _wsdl(request: Request) -> Response:
    return Response(wsdl_text(_base_url(request)), media_type="text/xml")


async def _xsd(request: Request) -> Response:
    schema = next((name for name in SCHEMAS if schema_path(name) == request.url.path), None)
    return Response(status_code=404) if schema is None else Response(schema_text(schema), media_type="text/xml")


def create_app(storage: Storage, seed: Path, as_of: date) -> ASGIApp:
    """Build the stand-in.

    Args:
        storage: Its records.
        seed: Root of the seed folders; read if the storage is empty.
        as_of: The day on which the account lives.
    """
    load_seed(storage, seed, as_of)
    closed = [(date.fromisoformat(row["from"]), date.fromisoformat(row["to"])) for row in storage.list("closedPeriod")]
    books = Books(storage, load_reference(storage), as_of, closed)
    service = Service(books, Gate(credentials_from(storage.list("credential"))))
    settings = {row["name"]: row["value"] for row in storage.list("setting")}
    limit = settings.get("concurrency_limit")
    routes = [
        Route(f"/wsdl/v{VERSION}_0/netsuite.wsdl", _wsdl),
        Route(f"/xsd/{{area}}/v{VERSION}_0/{{name}}.xsd", _xsd),
        Route(PATH, Endpoint(service, int(limit) if limit else None).__call__, methods=["POST"]),
    ]
    shapes = FaultShapes(rate_limited=request_limit_exceeded(), unauthorized=fault_answer(invalid_login()))
    return _with_control(with_faults(Starlette(routes=routes), storage, shapes), books)


def _with_control(app: ASGIApp, books: Books) -> ASGIApp:
    async def balance(request: Request) -> Response:
        return json_response(await run_in_threadpool(lambda: list(trial_balance(books.storage))))

    async def seed_row(request: Request) -> Response:
        row = decode_json(await request.body())
        try:
            return json_response(put_row(books, request.path_params["name"], row, books.stamp()))
        except (KeyError, RefusedError) as error:
            return json_response({"error": f"{type(error).__name__}: {error}"}, 400)

    routes = [
        Route("/_sandbox/trial_balance", balance),
        Route("/_sandbox/seed/{name}", seed_row, methods=["POST"]),
        Mount("/", app),
    ]
    return Starlette(routes=routes)
