"""AvaTax REST v2 over HTTP: paths, credentials and the vendor's answers.

Paths, parameters and bodies are those of the AvaTax REST v2 OpenAPI document. A new document is
answered with 201 as the service does, where that document lists 200 only.
"""

from datetime import date
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import Answer, json_response
from sandbox.avatax import addresses, filters, jurisdictions, misbehaviour
from sandbox.avatax.account import ACCOUNT_ID, COMPANIES, is_authenticated
from sandbox.avatax.answers import include
from sandbox.avatax.calculation import TaxedDocument, calculate
from sandbox.avatax.documents import known_company, parse_address, parse_document
from sandbox.avatax.errors import VendorError, rate_limited, unauthenticated, value_required
from sandbox.avatax.register import VOID_CODES, Register
from sandbox.faults import FaultMiddleware, FaultShapes, with_faults
from sandbox.storage import Body, Storage, decode_json, encode_json

MAX_PAGE = 1000
PATH_ESCAPES = {"_-ava2f-_": "/", "_-ava2b-_": "+", "_-ava3f-_": "?", "_-ava25-_": "%", "_-ava23-_": "#"}
"""How the vendor writes characters in a code that a path cannot carry."""


def create_app(storage: Storage, seed: Path, as_of: date) -> FaultMiddleware:
    """Build the stand-in.

    Args:
        storage: Where documents are kept.
        seed: Root of the seed folders; `avatax/Jurisdiction.csv` and `avatax/Misbehaviour.csv` are
            read if storage is empty.
        as_of: The day on which the stand-in lives.
    """
    endpoints = Endpoints(storage, seed, as_of)
    document = "/api/v2/companies/{company}/transactions/{code}"
    app = Starlette(
        routes=[
            Route("/api/v2/utilities/ping", endpoints.ping),
            Route("/api/v2/transactions/create", endpoints.create, methods=["POST"]),
            Route("/api/v2/transactions/createoradjust", endpoints.create_or_adjust, methods=["POST"]),
            Route("/api/v2/addresses/resolve", endpoints.resolve, methods=["POST"]),
            Route("/api/v2/companies/{company}/transactions", endpoints.list),
            Route(document, endpoints.get),
            Route(f"{document}/commit", endpoints.commit, methods=["POST"]),
            Route(f"{document}/void", endpoints.void, methods=["POST"]),
        ],
        exception_handlers={VendorError: _refuse},
    )
    return with_faults(app, storage, FaultShapes(_answer(rate_limited()), _answer(unauthenticated())))


def _answer(error: VendorError) -> Answer:
    headers = (("Retry-After", "1"),) if error.status == 429 else ()
    return Answer(error.status, encode_json(error.body()), headers=headers)


async def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, VendorError):
        raise error
    return json_response(error.body(), error.status)


class Endpoints:
    """The operations, by the names of the vendor's paths."""

    def __init__(self, storage: Storage, seed: Path, as_of: date) -> None:
        """Load the seed into an empty storage and open the register."""
        if not storage.counts():
            jurisdictions.load(storage, seed)
            misbehaviour.load(storage, seed)
        self._storage = storage
        self._jurisdictions = jurisdictions.stored(storage)
        self._register = Register(storage, as_of)
        self._as_of = as_of

    async def ping(self, request: Request) -> Response:
        """Ping: say whether the credentials are right; the one call that needs none."""
        known = is_authenticated(request.headers.get("authorization"))
        answer: Body = {"version": "26.1.0", "authenticated": known, "authenticationType": "None"}
        if known:
            answer |= {"authenticationType": "AccountIdLicenseKey", "authenticatedAccountId": int(ACCOUNT_ID)}
        return json_response(answer)

    async def create(self, request: Request) -> Response:
        """CreateTransaction: estimate a document, or record it."""
        taxed = self._calculate(await _json(request))
        record = self._register.create if taxed.document.is_recorded else self._register.estimate
        return _transaction(request, record(taxed), 201)

    async def create_or_adjust(self, request: Request) -> Response:
        """CreateOrAdjustTransaction: estimate a document, record it, or record its next version."""
        body = await _json(request)
        if not body.get("createTransactionModel"):
            raise value_required("createTransactionModel")
        taxed = self._calculate(body["createTransactionModel"])
        if not taxed.document.is_recorded:
            return _transaction(request, self._register.estimate(taxed), 201)
        reason, description = body.get("adjustmentReason") or "Other", body.get("adjustmentDescription") or ""
        model = self._register.create_or_adjust(taxed, reason, description)
        return _transaction(request, model, 201 if model["version"] == 1 else 200)

    def _calculate(self, body: Any) -> TaxedDocument:
        taxed = calculate(parse_document(body), self._jurisdictions)
        return misbehaviour.spoil(taxed, self._storage)

    async def get(self, request: Request) -> Response:
        """GetTransactionByCode."""
        _authenticate(request)
        return _transaction(request, self._register.find(*_document_key(request)))

    async def commit(self, request: Request) -> Response:
        """CommitTransaction."""
        if (await _json(request)).get("commit") is not True:
            raise VendorError(400, "InvalidParameterValue", "Field commit must be true.", refers_to="commit")
        return _transaction(request, self._register.commit(*_document_key(request)))

    async def void(self, request: Request) -> Response:
        """VoidTransaction."""
        if (reason := (await _json(request)).get("code")) not in VOID_CODES:
            message = f"Void code {reason} is none of {', '.join(VOID_CODES)}."
            raise VendorError(400, "InvalidParameterValue", message, refers_to="code")
        return _transaction(request, self._register.void(*_document_key(request)))

    async def list(self, request: Request) -> Response:
        """ListTransactionsByCompany: without `$include`, the headers of the documents only."""
        _authenticate(request)
        company_id = COMPANIES[known_company(request.path_params["company"])][0]
        query = request.query_params
        wanted = filters.parse_filter(query.get("$filter", ""), self._as_of)
        skip, top = _whole(query.get("$skip"), 0), min(_whole(query.get("$top"), MAX_PAGE), MAX_PAGE)
        page, count = [], 0
        for model in filter(wanted, self._register.of_company(company_id)):
            if skip <= count < skip + top:
                page.append(include(model, query.get("$include") or "None"))
            count += 1
        answer: Body = {"@recordsetCount": count, "value": page}
        if skip + top < count:
            answer["@nextLink"] = str(request.url.include_query_params(**{"$skip": skip + top, "$top": top}))
        return json_response(answer)

    async def resolve(self, request: Request) -> Response:
        """ResolveAddressPost."""
        body = await _json(request)
        return json_response(addresses.resolve(body, parse_address(body), self._jurisdictions, self._as_of))


async def _json(request: Request) -> Body:
    _authenticate(request)
    try:
        body = decode_json(await request.body())
    except ValueError:
        raise VendorError(400, "JsonFormatError", "The request body is not JSON.") from None
    if not isinstance(body, dict):
        raise VendorError(400, "ModelStateInvalid", "The request body is not a JSON object.")
    return body


def _authenticate(request: Request) -> None:
    if not is_authenticated(request.headers.get("authorization")):
        raise unauthenticated()


def _document_key(request: Request) -> tuple[str, str, str]:
    code = request.path_params["code"]
    for escape, character in PATH_ESCAPES.items():
        code = code.replace(escape, character)
    return known_company(request.path_params["company"]), code, request.query_params.get("documentType", "")


def _whole(text: str | None, default: int) -> int:
    if text is not None and not text.isdecimal():
        raise VendorError(400, "QueryParameterOutOfRange", f"{text} is not a whole number.")
    return int(text) if text else default


def _transaction(request: Request, model: Body, status: int = 200) -> Response:
    return json_response(include(model, request.query_params.get("$include", "")), status)
