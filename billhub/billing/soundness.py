"""What must hold of a contract or order before anything can be computed from it. One that fails goes to the exception desk; the others go on."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import Connection

from billhub import exceptions
from billhub.hub import Hub
from billhub.policy import Policy
from billhub.store.documents import Stored
from canonical_model.catalog import identity
from canonical_model.contracts import Contract
from canonical_model.orders import Order
from canonical_model.violations import Violation

Kind = TypeVar("Kind", Contract, Order)

LONGEST_TERM = 600
"""Months. A typing error of some digits more would ask for millions of periods."""

YEARS = range(1900, 2200)
"""Of any first day; the end of the longest term and every due date are dates too."""

AMOUNT_LIMIT = Decimal(10) ** 12
"""Of a whole document, in any currency: its minor units, and sums of them, still fit into a column of the store."""


def sound(
    connection: Connection, hub: Hub, entity: str, sources: Sequence[tuple[Stored, Kind]]
) -> list[tuple[Stored, Kind]]:
    """Those of these documents that drafts can be made from; the defects of the others are brought to the exception desk.

    Args:
        connection: The caller's transaction.
        hub: The hub.
        entity: `contract` or `order`.
        sources: Current documents with their stored form.
    """
    policy = hub.policy
    problems = [_problem(policy, document, found) for _, document in sources for found in defects(policy, document)]
    examined = [identity(document) for _, document in sources]
    exceptions.settle(connection, hub, subject_type=entity, examined=examined, problems=problems)
    bad = {problem.subject_id for problem in problems}
    return [(stored, document) for stored, document in sources if identity(document) not in bad]


def defects(policy: Policy, document: Contract | Order) -> Iterator[Violation]:
    """Why no draft can be made from a document; nothing for a contract that is not billed anyway."""
    if isinstance(document, Contract) and document.status != "active":
        return
    yield from _entity(policy, document)
    yield from _dates(document)
    yield from _amount(document)


def _entity(policy: Policy, document: Contract | Order) -> Iterator[Violation]:
    """HUB-B01: the legal entity is one of the policy's."""
    if document.legal_entity not in policy.entities:
        message = f"{identity(document)} names a legal entity that the policy does not have"
        yield _violation("HUB-B01", "unknown_legal_entity", "legal_entity", document.legal_entity, message)


def _dates(document: Contract | Order) -> Iterator[Violation]:
    """HUB-B02: the first day lies in years that can be billed, and a contract's term is one that can be signed."""
    name, first = _first_day(document)
    if first.year not in YEARS:
        message = f"must lie in the years {YEARS.start} to {YEARS.stop - 1}"
        yield _violation("HUB-B02", "implausible_value", name, str(first), message)
    if isinstance(document, Contract) and not 1 <= document.term_months <= LONGEST_TERM:
        message = f"a term is 1 to {LONGEST_TERM} months"
        yield _violation("HUB-B02", "implausible_value", "term_months", str(document.term_months), message)


def _amount(document: Contract | Order) -> Iterator[Violation]:
    """HUB-B03: the amounts are ones that a ledger can hold."""
    amount = sum((abs(line.unit_price.amount * line.quantity) for line in document.lines), Decimal(0))
    if amount >= AMOUNT_LIMIT:
        message = f"the lines come to {AMOUNT_LIMIT:,} {document.currency} or more"
        yield _violation("HUB-B03", "implausible_value", "lines", f"{amount:,}", message)


def _first_day(document: Contract | Order) -> tuple[str, date]:
    if isinstance(document, Contract):
        return "start_date", document.start_date
    return "order_date", document.order_date


def _violation(rule_id: str, category: str, path: str, value: str, message: str) -> Violation:
    return Violation(rule_id=rule_id, category=category, path=path, value=value, message=message)


def _problem(policy: Policy, document: Contract | Order, violation: Violation) -> exceptions.Problem:
    return exceptions.Problem(
        subject_type="contract" if isinstance(document, Contract) else "order",
        subject_id=identity(document),
        violation=violation,
        legal_entity=document.legal_entity if document.legal_entity in policy.entities else None,
    )
