"""Errors as the console answers them: one shape, naming the record, the field, the rule and what to do next."""

import msgspec

from canonical_model.errors import HubError


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a request.

    Attributes:
        message: In words.
        record: Identifier of the record it is about; empty for none.
        field: Field of the request, or of the record; empty for none.
        rule: What forbids it.
        next_step: What to do.
    """

    message: str
    record: str = ""
    field: str = ""
    rule: str = ""
    next_step: str = ""


class ConsoleError(HubError):
    """A request the console does not carry out.

    Attributes:
        status: HTTP status.
        problem: What is wrong.
    """

    def __init__(self, status: int, problem: Problem) -> None:
        super().__init__(problem.message)
        self.status, self.problem = status, problem


class NotSignedInError(ConsoleError):
    """Nobody is signed in, or the sign-in is no longer good."""

    def __init__(self, message: str) -> None:
        problem = Problem(message=message, rule="signed_in", next_step="Sign in to Airflow, or send a bearer token.")
        super().__init__(401, problem)


class NotAllowedError(ConsoleError):
    """Who is signed in may not do this, or the request did not come from the console's own pages."""

    def __init__(self, message: str, *, rule: str, next_step: str) -> None:
        super().__init__(403, Problem(message=message, rule=rule, next_step=next_step))


def unknown(kind: str, name: object) -> ConsoleError:
    """There is no such record."""
    problem = Problem(
        message=f"there is no {kind} {name}",
        record=str(name),
        rule="exists",
        next_step=f"Look it up in the list of {kind}s.",
    )
    return ConsoleError(404, problem)


def conflict(message: str, *, record: str, rule: str, next_step: str) -> ConsoleError:
    """The record is not in a state in which this can be done."""
    return ConsoleError(409, Problem(message=message, record=record, rule=rule, next_step=next_step))
