"""The rules every draft meets, and the one way to check a draft."""

from collections.abc import Callable, Iterator

from billhub.checks.contract_rules import CONTRACT_RULES
from billhub.checks.facts import Facts
from billhub.checks.order_rules import ORDER_RULES
from canonical_model.violations import Violation

Rule = Callable[[Facts], Iterator[Violation]]


def check_draft(facts: Facts) -> tuple[Violation, ...]:
    """All violations of one draft, in order of the rules."""
    special: tuple[Rule, ...] = CONTRACT_RULES if facts.contract is not None else ORDER_RULES
    return tuple(violation for rule in (*COMMON_RULES, *special) for violation in rule(facts))


def hub_c01_duplicate(facts: Facts) -> Iterator[Violation]:
    """HUB-C01: nothing is billed twice to one buyer for one period under one order reference."""
    if facts.duplicate_of:
        yield Violation(
            rule_id="HUB-C01",
            category="duplicate_request",
            path="invoice_id",
            value=facts.invoice.invoice_id,
            message=f"bills the same lines, period and order reference to {facts.invoice.buyer.party_id} as {facts.duplicate_of}",
        )


def hub_c02_up_to_date(facts: Facts) -> Iterator[Violation]:
    """HUB-C02: nothing is billed from a contract, order or customer whose newest version could not be read."""
    for name in facts.outdated:
        yield Violation(
            rule_id="HUB-C02",
            category="mapping_defect",
            path=name.partition(" ")[0],
            value=name.partition(" ")[2],
            message=f"a newer version of {name} was received and cannot be read; its own exception says why",
        )


def hub_c03_billed_once(facts: Facts) -> Iterator[Violation]:
    """HUB-C03: no day of a contract is billed again after its billing frequency or start date changed."""
    if facts.billed_already:
        period = f"{facts.invoice.period_start} to {facts.invoice.period_end}"
        yield Violation(
            rule_id="HUB-C03",
            category="duplicate_request",
            path="period_start",
            value=str(facts.invoice.period_start),
            message=f"bills {period}, of which days are already billed to this contract by {', '.join(facts.billed_already)}",
        )


COMMON_RULES: tuple[Rule, ...] = (hub_c01_duplicate, hub_c02_up_to_date, hub_c03_billed_once)
