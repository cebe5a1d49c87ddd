"""Stripe's search: a small query language over stored objects.

Source: docs.stripe.com/search. A query is a row of clauses, all joined by AND (or nothing) or all
by OR; a clause is a field, an operator and a value: `email:"a@b.c"`, `metadata['k']:'v'`,
`-status:"paid"`, `total>1000`, `name~"north"`, `metadata["k"]:null`. Stripe's index may lag by a
minute; here an object is found at once. Texts are compared without regard to case, metadata
exactly.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sandbox.storage import Body, Storage
from sandbox.stripe.account import Call, Handler
from sandbox.stripe.errors import StripeError, bad_parameter
from sandbox.stripe.listing import page_limit
from sandbox.stripe.shapes import public

SEARCH_PARAMS = frozenset({"query", "limit", "page"})

FIELDS: dict[str, frozenset[str]] = {
    "customer": frozenset({"created", "email", "metadata", "name", "phone"}),
    "invoice": frozenset({"created", "currency", "customer", "metadata", "number", "status", "total"}),
}
"""Searchable fields by object, as docs.stripe.com/search lists them."""

CLAUSE = re.compile(
    r"""\s*(?P<negated>-)?(?P<field>[a-z_]+)(?:\[(?P<quote>["'])(?P<key>.*?)(?P=quote)\])?
    (?P<operator>>=|<=|[:~<>])(?P<value>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s"']+)""",
    re.VERBOSE,
)
JOINER = re.compile(r"\s+(?:(AND|OR)\s+)?", re.IGNORECASE)

SIMPLE_KEY = re.compile(r"[\w .:-]+")
"""Metadata keys that need no escaping in a path of the storage."""

MIN_SUBSTRING = 3
"""Shortest text that `~` looks for."""


@dataclass(frozen=True)
class Clause:
    """One condition of a query; `value` None stands for null."""

    field: str
    key: str | None
    operator: str
    value: str | None
    negated: bool

    def fits(self, body: Body) -> bool:
        """Say whether an object fulfils the condition."""
        found = body.get(self.field)
        if self.key is not None:
            found = (found or {}).get(self.key)
            return _compare(found, self.operator, self.value, exact=True) != self.negated
        return _compare(found, self.operator, self.value, exact=False) != self.negated


@dataclass(frozen=True)
class Query:
    """A compiled query."""

    clauses: tuple[Clause, ...]
    any_of: bool

    def fits(self, body: Body) -> bool:
        """Say whether an object fulfils the query."""
        join = any if self.any_of else all
        return join(clause.fits(body) for clause in self.clauses)

    def candidates(self, storage: Storage, kind: str) -> Iterator[Body]:
        """Yield stored objects in insertion order, among them all that fit.

        A clause that asks for one metadata value is the storage's work: it is many times faster
        than reading every object.
        """
        for clause in self.clauses:
            is_exact = clause.operator == ":" and clause.value is not None and not clause.negated
            if is_exact and SIMPLE_KEY.fullmatch(clause.key or "") and not self.any_of:
                return storage.find(kind, f'metadata."{clause.key}"', clause.value or "")
        return storage.list(kind)


def search_in(kind: str) -> Handler:
    """Return the handler of GET /v1/{kind}s/search."""

    def search(call: Call) -> Body:
        query = parse_query(call.params.required("query"), FIELDS[kind])
        limit, after = page_limit(call.params), call.params.text("page")
        stored = _after(query.candidates(call.account.storage, kind), after)
        found = list(islice((body for body in stored if query.fits(body)), limit + 1))
        more = len(found) > limit
        return {
            "object": "search_result",
            "url": f"/v1/{kind}s/search",
            "has_more": more,
            "next_page": found[limit - 1]["id"] if more else None,
            "data": [public(body) for body in found[:limit]],
        }

    return search


def parse_query(query: str, fields: frozenset[str]) -> Query:
    """Compile a query.

    Raises:
        StripeError: The query is malformed, mixes AND with OR, or names a field that is not searchable.
    """
    clauses, joiners, position = [], set(), 0
    while True:
        match = CLAUSE.match(query, position)
        if match is None:
            raise _malformed(query)
        clauses.append(_clause(match, fields))
        joiner = JOINER.match(query, match.end())
        if joiner is None or joiner.end() == len(query):
            break
        joiners.add((joiner[1] or "AND").upper())
        position = joiner.end()
    if len(joiners) > 1 or query[match.end() :].strip():
        raise _malformed(query)
    return Query(tuple(clauses), any_of=joiners == {"OR"})


def _clause(match: re.Match[str], fields: frozenset[str]) -> Clause:
    field, key = match["field"], match["key"]
    if field not in fields or (field == "metadata") != (key is not None):
        raise bad_parameter(f"Field `{field}` is not searchable in this way", param="query")
    raw = match["value"]
    quoted = raw[0] in "\"'"
    value = re.sub(r"\\(.)", r"\1", raw[1:-1]) if quoted else raw
    if match["operator"] == "~" and len(value) < MIN_SUBSTRING:
        raise bad_parameter(f"Substring too short: {value}", param="query")
    is_null = not quoted and value.lower() == "null"
    return Clause(field, key, match["operator"], None if is_null else value, match["negated"] is not None)


def _compare(found: Any, operator: str, value: str | None, *, exact: bool) -> bool:
    if value is None or found is None:
        return operator == ":" and value is None and found is None
    if operator == ":":
        return str(found) == value or (not exact and str(found).lower() == value.lower())
    if operator == "~":
        return value.lower() in str(found).lower()
    if not isinstance(found, int) or not re.fullmatch(r"-?[0-9]+", value):
        raise bad_parameter(f"Operator {operator} needs numbers", param="query")
    number = int(value)
    return {">": found > number, "<": found < number, ">=": found >= number, "<=": found <= number}[operator]


def _after(bodies: Iterator[Body], start: str | None) -> Iterator[Body]:
    found = start is None
    for body in bodies:
        if found:
            yield body
        found = found or body["id"] == start


def _malformed(query: str) -> StripeError:
    return bad_parameter(f"We were unable to parse your search query: {query}", param="query")
