"""Whole HTTP answers, written exactly as they are given."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import Send

from sandbox.storage import encode_json


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


async def send_answer(send: Send, answer: Answer) -> None:
    """Send an answer to the client."""
    headers = [*answer.headers, ("content-type", answer.media_type), ("content-length", str(len(answer.body)))]
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with JSON in which every Decimal is a number with exactly its own digits."""
    return Response(encode_json(value), status, headers, "application/json")
