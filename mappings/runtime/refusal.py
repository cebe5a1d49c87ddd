"""The exceptions inside compiled mappings; none leaves one."""


class Refused(ValueError):  # noqa: N818 - never leaves a compiled function
    """A value that a rule cannot take; becomes a `FieldProblem`.

    Attributes:
        message: What is wrong and what would be right, without the place.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unusual(ValueError):  # noqa: N818 - never leaves a compiled function
    """Something in a record that the direct function leaves to the careful one."""


UNUSUAL = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError)
"""What a direct function raises for a record that is not perfectly ordinary: `Unusual`, `Refused`, or what Python raises for such values."""
