"""Numbered rules on documents: pure functions that give back every violation at once.

Rule ids are those of EN 16931 and Peppol BIS Billing 3.0 where they have the rule; `HUB-I..` and `HUB-T..` are stricter rules of our own.
"""

from canonical_model.rules.invoice import check_invoice
from canonical_model.rules.tax_answer import check_tax_answer

__all__ = ["check_invoice", "check_tax_answer"]
