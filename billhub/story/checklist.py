"""Every rule an invoice has to meet, and how it stands to it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from billhub.checks import CONTRACT_RULES, ORDER_RULES
from billhub.checks.rules import COMMON_RULES
from billhub.store.views import ExceptionView
from billhub.story.values import Check
from canonical_model.rules.invoice import RULES as INVOICE_RULES

_UNTAXED = ("draft", "held", "checked", "rejected", "withdrawn")
_RESULTS = {"open": "failed", "waived": "waived", "reported": "reported", "resolved": "mended"}
_GRAVITY = ("failed", "waived", "reported", "mended")


def checklist(state: str, source_entity: str, found: Sequence[ExceptionView]) -> list[Check]:
    """The rules in order, then what else was found.

    Args:
        state: The invoice's.
        source_entity: `contract` or `order`; decides which rules it has to meet.
        found: Its exceptions, open and closed.
    """
    outcomes = [(each.rule_id, _RESULTS[each.state], each.message) for each in found if each.subject_type != "delivery"]
    special: tuple[Callable[..., Any], ...] = CONTRACT_RULES if source_entity == "contract" else ORDER_RULES
    before_tax = _held_against((*COMMON_RULES, *special), outcomes, "waiting" if state == "draft" else "passed")
    after_tax = _held_against(INVOICE_RULES, outcomes, "waiting" if state in _UNTAXED else "passed")
    checks = [*before_tax, *after_tax]
    known = {rule for check in checks for rule in check.rule.split(", ")}
    return checks + [Check(rule=rule, text=text, result=result) for rule, result, text in outcomes if rule not in known]


def _held_against(
    rules: Sequence[Callable[..., Any]], outcomes: Sequence[tuple[str, str, str]], otherwise: str
) -> Iterator[Check]:
    for rule in rules:
        ids, _, text = (rule.__doc__ or "").splitlines()[0].partition(": ")  # "HUB-C12: a buyer has ..."
        results = [result for broken, result, _ in outcomes if broken in ids.split(", ")]
        yield Check(rule=ids, text=text, result=min(results, key=_GRAVITY.index, default=otherwise))
