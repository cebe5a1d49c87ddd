"""Stripe's lists: newest first, at most 100 a page, paged by the id of a neighbour.

Source: docs.stripe.com/api/pagination.
"""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

from sandbox.storage import Body
from sandbox.stripe.account import Call
from sandbox.stripe.errors import bad_parameter, resource_missing
from sandbox.stripe.params import Params
from sandbox.stripe.shapes import list_of, public

DEFAULT_LIMIT, MAX_LIMIT = 10, 100

PAGE_PARAMS = frozenset({"limit", "starting_after", "ending_before"})
"""What every list endpoint takes."""

BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def page_limit(params: Params) -> int:
    """Return the page size.

    Raises:
        StripeError: It is not within 1 to 100.
    """
    limit = params.integer("limit")
    if limit is None:
        return DEFAULT_LIMIT
    if not 1 <= limit <= MAX_LIMIT:
        raise bad_parameter(
            f"Invalid limit {limit}: must be 1 to {MAX_LIMIT}", code="parameter_invalid_integer", param="limit"
        )
    return limit


def list_page(call: Call, kind: str, fits: Callable[[Body], bool] = lambda body: True, **equal: str | None) -> Body:
    """Answer one page of the stored objects of a kind.

    Args:
        call: A call of a list endpoint, with `PAGE_PARAMS`.
        kind: Object name, also (in the plural) the end of the list's url.
        fits: The endpoint's own filters.
        equal: Text fields and the values they must have; None asks for nothing.
    """
    created = created_filter(call.params)
    stored = _stored(call, kind, {name: value for name, value in equal.items() if value is not None})
    matching = (body for body in stored if fits(body) and created(_moment(body)))
    shown, more = newest_first(matching, call.params)
    return list_of(f"/v1/{kind}s", [public(body) for body in shown], has_more=more)


def newest_first(bodies: Iterable[Body], params: Params) -> tuple[list[Body], bool]:
    """Take one page out of objects in insertion order.

    Returns:
        The page, newest first, and whether there is more in the direction of paging.
    """
    limit, before = page_limit(params), params.text("ending_before")
    if before is not None:
        newer = list(islice(_after(bodies, before), limit + 1))
        return newer[:limit][::-1], len(newer) > limit
    older = deque(_until(bodies, params.text("starting_after")), maxlen=limit + 1)
    return list(older)[::-1][:limit], len(older) > limit


def oldest_first(bodies: list[Body], params: Params) -> tuple[list[Body], bool]:
    """Take one page out of lines, which Stripe lists in their order on the document."""
    page, more = newest_first(reversed(bodies), params)
    return page, more


def created_filter(params: Params) -> Callable[[int], bool]:
    """Return the test that `created` (a moment, or a hash of gt, gte, lt, lte) asks for."""
    if not isinstance(params.tree.get("created"), dict):
        exact = params.integer("created")
        return lambda moment: exact is None or moment == exact
    bounds = params.child("created")
    bounds.refuse_unknown(BOUNDS)
    wanted = [(BOUNDS[name], bounds.integer(name)) for name in bounds.tree]
    return lambda moment: all(bound is None or test(moment, bound) for test, bound in wanted)


def _stored(call: Call, kind: str, equal: dict[str, str]) -> Iterable[Body]:
    storage = call.account.storage
    if not equal:
        return storage.list(kind)
    # The first filter is the storage's work: it is many times faster than reading every object.
    field, value = next(iter(equal.items()))
    found = storage.find(kind, field, value)
    return (body for body in found if all(body[name] == wanted for name, wanted in equal.items()))


def _moment(body: Body) -> int:
    # An invoice item calls its moment of creation `date`.
    return int(body["date"] if body["object"] == "invoiceitem" else body["created"])


def _until(bodies: Iterable[Body], stop: str | None) -> Iterable[Body]:
    for body in bodies:
        if body["id"] == stop:
            return
        yield body
    if stop is not None:
        raise resource_missing("object", stop, "starting_after")


def _after(bodies: Iterable[Body], start: str) -> Iterable[Body]:
    found = False
    for body in bodies:
        if found:
            yield body
        found = found or body["id"] == start
    if not found:
        raise resource_missing("object", start, "ending_before")
