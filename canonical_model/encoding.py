"""One spelling for every document: JSON with sorted keys, decimals as plain strings, and the hash of its content."""

import hashlib
import json
import re
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

Document = TypeVar("Document", bound=msgspec.Struct)

_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="string")
_PAYLOAD_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")
_EXPONENT = re.compile(rb'"-?[0-9.]+E[+-][0-9]+"')


def encode(document: object) -> bytes:
    """JSON of a document or plain value, keys sorted, decimals as strings without an exponent."""
    body = _ENCODER.encode(document)
    if (b"E-" in body or b"E+" in body) and _EXPONENT.search(body):  # Decimal spells a residual of 0.00000000 as 0E-8
        body = _ENCODER.encode(_plain(msgspec.to_builtins(document, builtin_types=(Decimal,))))
    return body


def decode(body: bytes | str, kind: type[Document]) -> Document:
    """A document of `kind` from its JSON.

    Raises:
        msgspec.ValidationError: The JSON does not fit the type; names the path.
    """
    return msgspec.json.decode(body, type=kind)


def encode_payload(payload: object) -> str:
    """JSON of a vendor's payload whose decimals stay numbers with their own digits, so that `decode_payload` gives them back as they were."""
    return _PAYLOAD_ENCODER.encode(msgspec.to_builtins(payload, builtin_types=(Decimal,))).decode()


def decode_payload(body: str) -> Any:
    """A payload as it was before `encode_payload`: a number with decimals is a Decimal again, never a float."""
    return json.loads(body, parse_float=Decimal)


def content_hash(document: object) -> str:
    """SHA-256 over the meaning of a document: neither key order nor the spelling of numbers (`1.50`, `1.5`) matters.

    A key without a value (None) counts as no key.

    Raises:
        TypeError: A plain value holds a float, whose digits are not what was meant.
    """
    return hashlib.sha256(_ENCODER.encode(_normal(msgspec.to_builtins(document, builtin_types=(Decimal,))))).hexdigest()


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: _plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_plain(item) for item in value]
    return format(value, "f") if kind is Decimal else value


def _normal(value: Any) -> Any:
    kind = type(value)  # `to_builtins` gives exactly these types
    if kind is str:
        return value
    if kind is dict:
        return {key: _normal(item) for key, item in value.items() if item is not None}
    if kind is list or kind is tuple:
        return [_normal(item) for item in value]
    if kind is float:
        raise TypeError(f"{value!r} is a float; numbers of a document are decimals or integers")
    return _number(Decimal(value)) if kind is Decimal or kind is int else value


def _number(value: Decimal) -> str:
    text = format(value, "f") if value else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text
