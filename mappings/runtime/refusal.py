"""The one exception inside a compiled mapping."""


class Refused(ValueError):  # noqa: N818 - never leaves a compiled function
    """A value that a rule cannot take; becomes a `FieldProblem`.

    Attributes:
        message: What is wrong and what would be right, without the place.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
