"""The answer "no" to one record."""


class RefusedError(Exception):
    """One record is refused; the other records of the request are not touched by it.

    Attributes:
        code: A value of the vendor's StatusDetailCodeType.
        message: What went wrong, in words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def missing(label: str) -> RefusedError:
    """Return the refusal of a record that lacks a required field, named as on the screen.

    Source of the code: NetSuite help, "Request-Level Preferences" (section_4170181850).
    """
    return RefusedError("USER_ERROR", f"Please enter value(s) for: {label}")
