"""`expand[]`: replaces an id in the answer by the object it names. Source: docs.stripe.com/expand."""

from collections.abc import Sequence
from typing import Any

from sandbox.storage import Body
from sandbox.stripe.account import Account
from sandbox.stripe.errors import StripeError, bad_parameter
from sandbox.stripe.shapes import public

KINDS = {
    "charge": "charge",
    "customer": "customer",
    "invoice": "invoice",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
    "product": "product",
    "refund": "refund",
    "tax_rate": "tax_rate",
}
"""Expandable fields, and the kind of object their ids name."""


def expanded(account: Account, body: Body, paths: Sequence[str]) -> Body:
    """Return the public object with all the asked fields expanded.

    Args:
        account: Where the objects are.
        body: An object or a list.
        paths: Dotted paths, e.g. "customer" or "data.payment_intent.latest_charge".

    Raises:
        StripeError: A path leads to something that cannot be expanded.
    """
    for path in paths:
        body = _at(account, body, path.split("."), path)
    return body


def _at(account: Account, value: Any, steps: Sequence[str], path: str) -> Any:
    if value is None or not steps:
        return value
    if isinstance(value, list):
        return [_at(account, element, steps, path) for element in value]
    field = steps[0]
    if not isinstance(value, dict) or field not in value:
        raise _cannot(path)
    return {**value, field: _at(account, _whole(account, field, value[field], path), steps[1:], path)}


def _whole(account: Account, field: str, value: Any, path: str) -> Any:
    if not isinstance(value, str):
        return value
    if field not in KINDS:
        raise _cannot(path)
    return public(account.require(KINDS[field], value, field))


def _cannot(path: str) -> StripeError:
    return bad_parameter(f"This property cannot be expanded ({path}).", param="expand")
