"""Errors of a query, with the place in its text as the org shows it."""

from sandbox.salesforce.answers import ApiError

_SHOWN_BEFORE = 40
_SHOWN_AFTER = 30


class PlacedError(Exception):
    """Something is wrong at one place of a query; `in_text` makes the org's answer of it."""

    def __init__(self, code: str, message: str, position: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.position = position

    def in_text(self, soql: str) -> ApiError:
        """Return the org's error: the text around, a caret, row and column, and what is wrong."""
        before = soql[: self.position]
        row, line_start = before.count("\n") + 1, before.rfind("\n") + 1
        column = self.position - line_start + 1
        shown_from = max(line_start, self.position - _SHOWN_BEFORE)
        shown = soql[shown_from : self.position + _SHOWN_AFTER].split("\n", maxsplit=1)[0]
        caret = " " * (self.position - shown_from) + "^"
        message = f"\n{shown}\n{caret}\nERROR at Row:{row}:Column:{column}\n{self.message}"
        return ApiError(400, self.code, message)


def malformed(message: str, position: int) -> PlacedError:
    """Return the error for text that is not SOQL."""
    return PlacedError("MALFORMED_QUERY", message, position)
