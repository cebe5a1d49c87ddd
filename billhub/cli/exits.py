"""Exit codes: what a script can know of how a command ended. The table in docs/cli.md is made from `MEANINGS`."""

from canonical_model.errors import ConfigurationError, HubError

DONE, FAILED, USAGE, CONFIGURATION, REFUSED, UNAVAILABLE = range(6)

MEANINGS = {
    DONE: "done",
    FAILED: "something failed; the message says what",
    USAGE: "the command line was not understood",
    CONFIGURATION: "a setting, credential, policy, flow or mapping file is missing or wrong",
    REFUSED: "not allowed: the decision belongs to someone else, or the record is not in a state for it",
    UNAVAILABLE: "an external system is not available; nothing is lost, run it again later",
}


class CommandError(HubError):
    """A command that ends with a code of its own.

    Attributes:
        code: One of `MEANINGS`.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def code_of(error: HubError) -> int:
    """The exit code for an error."""
    from billhub.approvals import ApprovalRefusedError  # noqa: PLC0415 - the store behind it loads slowly
    from billhub.drift import DecisionRefusedError  # noqa: PLC0415
    from billhub.promotion.refusal import PromotionRefusedError  # noqa: PLC0415
    from connectors.errors import AmbiguousWriteError, CredentialsError, TransientError  # noqa: PLC0415

    if isinstance(error, CommandError):
        return error.code
    kinds: tuple[tuple[tuple[type[HubError], ...], int], ...] = (
        ((ConfigurationError, CredentialsError), CONFIGURATION),
        ((ApprovalRefusedError, DecisionRefusedError, PromotionRefusedError), REFUSED),
        ((TransientError, AmbiguousWriteError), UNAVAILABLE),
    )
    return next((code for classes, code in kinds if isinstance(error, classes)), FAILED)
