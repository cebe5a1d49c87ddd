"""The outcome of a check: data, not an exception."""

import msgspec


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that a document breaks.

    Attributes:
        rule_id: Stable identifier of the rule, for example `HUB-M01` or `BR-CO-10`.
        category: Kind of exception it leads to, for example `missing_tax_id`.
        path: Field of the document, for example `lines[2].net`.
        value: What stands there, as text.
        message: What is wrong, with the values that show it.
    """

    rule_id: str
    category: str
    path: str
    value: str
    message: str
