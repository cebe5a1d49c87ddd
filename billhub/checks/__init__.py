"""Checks before release: pure rules on a draft and the facts gathered about it. Each rule gives violations; none stops the others."""

from billhub.checks.contract_rules import CONTRACT_RULES
from billhub.checks.facts import Facts
from billhub.checks.order_rules import ORDER_RULES
from billhub.checks.rules import check_draft

__all__ = ["CONTRACT_RULES", "ORDER_RULES", "Facts", "check_draft"]
