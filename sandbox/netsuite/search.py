"""Searches: the basic criteria of CustomerSearch and TransactionSearch.

Criteria are joined by "and". Every page is cut from a search of its own, so records that are added
or deleted between two pages move those after them (NetSuite help, "searchMoreWithId",
article_0807095731).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.netsuite.books import FAMILIES, Books
from sandbox.netsuite.codec import TYPE_KEY
from sandbox.netsuite.refusal import RefusedError

Body = dict[str, Any]
Hit = tuple[str, str]
"""Record type and internal id."""

Test = Callable[[Any, Body], bool]
"""Says whether a record's field fits a criterion."""

TRANSACTION_TYPES = {
    "_invoice": "invoice",
    "_creditMemo": "creditMemo",
    "_customerPayment": "customerPayment",
    "_journal": "journalEntry",
    "_salesOrder": "salesOrder",
}
"""Record type by TransactionType, the values of the `type` criterion."""

KINDS_OF = {"CustomerSearchBasic": FAMILIES["entity"], "TransactionSearchBasic": FAMILIES["transaction"]}


@dataclass(frozen=True)
class Page:
    """A page of a search: its number from 1, the page size, and all that the search found."""

    search_id: str
    index: int
    size: int
    hits: list[Hit]

    @property
    def count(self) -> int:
        """The number of pages."""
        return -(-len(self.hits) // self.size)

    def on_it(self) -> list[Hit]:
        """Return what is on this page."""
        return self.hits[(self.index - 1) * self.size : self.index * self.size]

    def numbers(self) -> dict[str, int | str]:
        """Return the numbers that stand before the records, in the contract's order."""
        return {
            "totalRecords": len(self.hits),
            "pageSize": self.size,
            "totalPages": self.count,
            "pageIndex": self.index,
            "searchId": self.search_id,
        }


def search(books: Books, criteria: Body) -> list[Hit]:
    """Return the records that fit, by internal id.

    Args:
        books: Where to look.
        criteria: The decoded `searchRecord`, either a search or its basic part.

    Raises:
        RefusedError: The kind of search or an operator is not known here.
    """
    basic = criteria.get("basic", {}) if criteria[TYPE_KEY] in ("CustomerSearch", "TransactionSearch") else criteria
    basic_type = f"{criteria[TYPE_KEY].removesuffix('Basic')}Basic"
    kinds = KINDS_OF.get(basic_type)
    if kinds is None:
        raise RefusedError("INVALID_SEARCH_TYPE", f"{criteria[TYPE_KEY]} is not spoken by this stand-in.")
    fields = {name: value for name, value in basic.items() if name not in (TYPE_KEY, "type", "mainLine")}
    wanted = _wanted_kinds(kinds, basic.get("type"))
    hits = [(kind, body["internalId"]) for kind, body in _candidates(books, wanted, fields) if _fits_all(body, fields)]
    return sorted(set(hits), key=lambda hit: int(hit[1]))


def _wanted_kinds(kinds: tuple[str, ...], criterion: Body | None) -> list[str]:
    if criterion is None:
        return list(kinds)
    named = {TRANSACTION_TYPES.get(value) for value in criterion.get("searchValue", ())}
    if _operator(criterion, "anyOf", "noneOf") == "anyOf":
        return [kind for kind in kinds if kind in named]
    return [kind for kind in kinds if kind not in named]


def _candidates(books: Books, kinds: list[str], fields: Body) -> Iterator[tuple[str, Body]]:
    for name, key in (("externalId", "externalId"), ("internalId", "internalId")):
        criterion = fields.get(name)
        if criterion and criterion.get("operator") == "anyOf":
            # Look the few named records up instead of walking all of them.
            refs = [{key: ref.get(key) or ref.get("internalId")} for ref in criterion.get("searchValue", ())]
            found = ((kind, books.find(kind, ref)) for kind in kinds for ref in refs)
            yield from ((kind, body) for kind, body in found if body is not None)
            return
    for kind in kinds:
        yield from ((kind, body) for body in books.storage.list(kind))


def _fits_all(body: Body, fields: Body) -> bool:
    return all(_fits(body, name, criterion) for name, criterion in fields.items())


def _fits(body: Body, name: str, criterion: Body) -> bool:
    if name in ("lastModifiedDate", "tranDate"):
        return _fits_date(body.get(name), criterion)
    if name in ("externalId", "internalId", "entity", "subsidiary", "currency"):
        return _fits_select(body, name, criterion)
    if name == "isInactive":
        return bool(body.get(name)) == criterion.get("searchValue")
    field = "externalId" if name == "externalIdString" else name
    return _fits_text(str(body.get(field) or ""), criterion)


def _operator(criterion: Body, *known: str) -> str:
    operator = str(criterion.get("operator", ""))
    if operator not in known:
        raise RefusedError("INVALID_SEARCH_OPERATOR", f"The operator {operator or '(none)'} is not valid here.")
    return operator


def _fits_select(body: Body, name: str, criterion: Body) -> bool:
    value = body.get(name) or (body.get("customer") if name == "entity" else None)
    mine = str(value["internalId"] if isinstance(value, dict) else value or "").lower()
    refs = criterion.get("searchValue", ())
    named = {
        str((name == "externalId" and ref.get("externalId")) or ref.get("internalId") or "").lower() for ref in refs
    }
    return (mine in named) == (_operator(criterion, "anyOf", "noneOf") == "anyOf")


TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "is": lambda mine, given: mine == given,
    "isNot": lambda mine, given: mine != given,
    "equalTo": lambda mine, given: mine == given,
    "notEqualTo": lambda mine, given: mine != given,
    "startsWith": lambda mine, given: mine.startswith(given),
    "contains": lambda mine, given: given in mine,
    "empty": lambda mine, given: not mine,
    "notEmpty": lambda mine, given: bool(mine),
}


def _fits_text(mine: str, criterion: Body) -> bool:
    test = TEXT_TESTS[_operator(criterion, *TEXT_TESTS)]
    return test(mine.lower(), str(criterion.get("searchValue", "")).lower())


DATE_TESTS: dict[str, Callable[[datetime, datetime, datetime], bool]] = {
    "on": lambda mine, first, last: mine.date() == first.date(),
    "after": lambda mine, first, last: mine > first,
    "before": lambda mine, first, last: mine < first,
    "onOrAfter": lambda mine, first, last: mine >= first,
    "onOrBefore": lambda mine, first, last: mine <= first,
    "within": lambda mine, first, last: first <= mine <= last,
}


def _fits_date(mine: str | None, criterion: Body) -> bool:
    test = DATE_TESTS[_operator(criterion, *DATE_TESTS)]
    if "searchValue" not in criterion:
        raise RefusedError("INVALID_SEARCH_CRITERIA", "A date criterion needs a searchValue.")
    first = _moment(criterion["searchValue"])
    last = _moment(criterion["searchValue2"]) if "searchValue2" in criterion else first
    return mine is not None and test(_moment(mine), first, last)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
