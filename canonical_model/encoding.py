"""One spelling for every document: JSON with sorted keys, decimals as plain strings, and the hash of its content."""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import msgspec

from canonical_model.money import Money

Document = TypeVar("Document", bound=msgspec.Struct)

_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="string")
_PAYLOAD_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")
_MAYBE_EXPONENT = re.compile(rb"E[+-]")  # five times as fast as `in`, and nearly always the end of the matter
_EXPONENT = re.compile(rb'"-?[0-9.]+E[+-][0-9]+"')
_AS_IT_IS = frozenset((str, bool, date, type(None)))
"""Types whose JSON is the same in every spelling."""


def encode(document: object) -> bytes:
    """JSON of a document or plain value, keys sorted, decimals as strings without an exponent."""
    body = _ENCODER.encode(document)
    if _MAYBE_EXPONENT.search(body) and _EXPONENT.search(body):  # Decimal spells a residual of 0.00000000 as 0E-8
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
    is_struct = isinstance(document, msgspec.Struct)
    plain = document if is_struct else msgspec.to_builtins(document, builtin_types=(Decimal,))
    return hashlib.sha256(_ENCODER.encode(_normal(plain))).hexdigest()


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: _plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_plain(item) for item in value]
    return format(value, "f") if kind is Decimal else value


def _normal(value: Any) -> Any:
    kind: Any = type(value)
    if kind is Decimal or kind is int:
        return _number(value)
    if kind is Money:  # half of the structs in a document: as any other, in one step
        return {"amount": _number(value.amount), "currency": value.currency}
    names = _fields(kind)
    if names:
        return _without_nothing(zip(names, msgspec.structs.astuple(value), strict=True))
    if kind is tuple or kind is list:
        return [_normal(item) for item in value]
    if kind is dict:
        return _without_nothing(value.items())
    if kind is float:
        raise TypeError(f"{value!r} is a float; numbers of a document are decimals or integers")
    return value if kind in _AS_IT_IS else _normal(msgspec.to_builtins(value, builtin_types=(Decimal,)))


def _without_nothing(fields: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    normal = {}
    for name, item in fields:
        if type(item) is str:  # most fields are text: this saves a call for each
            normal[name] = item
        elif item is not None:
            normal[name] = _normal(item)
    return normal


@cache
def _fields(kind: type) -> tuple[str, ...]:
    """The JSON names of a struct's fields in their order; none where its JSON is more than its fields by name."""
    config = getattr(kind, "__struct_config__", None)
    if config is None or config.array_like or config.omit_defaults or config.tag is not None:
        return ()
    names: tuple[str, ...] = kind.__struct_encode_fields__  # type: ignore[attr-defined]
    return names


def _number(value: Decimal | int) -> str:
    if not value:
        return "0"
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
