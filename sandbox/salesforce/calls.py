"""A request to the REST API as its handlers see it, and the sentences about what is missing in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.answers import ApiError, not_found
from sandbox.salesforce.describe import VERSIONS
from sandbox.storage import decode_json


@dataclass(frozen=True)
class Call:
    """One REST request, from the wire or from inside a composite request.

    Attributes:
        method: HTTP method.
        path: Values of the path's placeholders.
        query: The query string's values.
        headers: Header values by lower-case name.
        body: The raw body.
    """

    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def base_path(self) -> str:
        """Path of the API version, e.g. `/services/data/v60.0`."""
        return f"/services/data/{self.path['version']}"

    def check_version(self) -> None:
        """Refuse a version the org does not speak.

        Raises:
            ApiError: 404 `NOT_FOUND`.
        """
        if self.path["version"] not in {f"v{version}" for version in VERSIONS}:
            raise not_found()

    def json_object(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            ApiError: `JSON_PARSER_ERROR`.
        """
        try:
            value = decode_json(self.body)
        except ValueError as error:
            raise ApiError(400, "JSON_PARSER_ERROR", f"Unexpected character at [line:1, column:1]: {error}") from error
        if not isinstance(value, dict):
            raise ApiError(400, "JSON_PARSER_ERROR", "The request body must be a JSON object at [line:1, column:1]")
        return value

    def required(self, name: str) -> str:
        """Return a value of the query string.

        Raises:
            ApiError: `MISSING_ARGUMENT`.
        """
        if name not in self.query:
            raise ApiError(400, "MISSING_ARGUMENT", f"Required parameter {name} is missing")
        return self.query[name]
