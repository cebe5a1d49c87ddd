"""One spelling for every document: JSON with sorted keys, decimals as plain strings, and the hash of its content."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

Document = TypeVar("Document", bound=msgspec.Struct)

_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="string")


def encode(document: object) -> bytes:
    """JSON of a document or plain value, keys sorted, decimals as strings."""
    return _ENCODER.encode(document)


def decode(body: bytes | str, kind: type[Document]) -> Document:
    """A document of `kind` from its JSON.

    Raises:
        msgspec.ValidationError: The JSON does not fit the type; names the path.
    """
    return msgspec.json.decode(body, type=kind)


def content_hash(document: object) -> str:
    """SHA-256 over the meaning of a document: neither key order nor the spelling of numbers (`1.50`, `1.5`) matters."""
    return hashlib.sha256(_ENCODER.encode(_normal(msgspec.to_builtins(document, builtin_types=(Decimal,))))).hexdigest()


def _normal(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, Mapping):
        return {key: _normal(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    return value
